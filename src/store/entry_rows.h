// The rows of entry codes and of what is counted by the hour. What the columns mean stands in migrations/*/0005_entries.sql.
#pragma once

#include "core/entry_store.h"
#include "store/table.h"

namespace kaimen::store {

struct EntryCodeRow {
  std::string code;
  int64_t version = 0;
  Id id;
  uint32_t app = 0;
  std::string payload, page;
  core::Env env = core::Env::release;
  core::EntryAdmits admits = core::EntryAdmits::everybody;
  std::optional<int64_t> uses;
  int64_t used = 0;
  std::optional<Time> expires_at;
  bool disabled = false;
  std::optional<Bytes> picture_hash;
  Time created_at{};
};
template <>
struct Table<EntryCodeRow> {
  static constexpr std::string_view name = "entry_codes";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"code", &EntryCodeRow::code},
      Column{"version", &EntryCodeRow::version},
      Column{"id", &EntryCodeRow::id},
      Column{"app", &EntryCodeRow::app},
      Column{"payload", &EntryCodeRow::payload},
      Column{"page", &EntryCodeRow::page},
      Column{"env", &EntryCodeRow::env},
      Column{"admits", &EntryCodeRow::admits},
      Column{"uses", &EntryCodeRow::uses},
      Column{"used", &EntryCodeRow::used},
      Column{"expires_at", &EntryCodeRow::expires_at},
      Column{"disabled", &EntryCodeRow::disabled},
      Column{"picture_hash", &EntryCodeRow::picture_hash},
      Column{"created_at", &EntryCodeRow::created_at},
  };
};

struct EntryCountRow {
  std::string code;
  uint32_t lane = 0;
  int64_t version = 0;
  int64_t scans = 0, new_users = 0, guests = 0;
};
template <>
struct Table<EntryCountRow> {
  static constexpr std::string_view name = "entry_counts";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"code", &EntryCountRow::code},
      Column{"lane", &EntryCountRow::lane},
      Column{"version", &EntryCountRow::version},
      Column{"scans", &EntryCountRow::scans},
      Column{"new_users", &EntryCountRow::new_users},
      Column{"guests", &EntryCountRow::guests},
  };
};

struct EntryPictureRow {
  Bytes hash;
  std::string code, type;
  Bytes body;
};
template <>
struct Table<EntryPictureRow> {
  static constexpr std::string_view name = "entry_pictures";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"hash", &EntryPictureRow::hash},
      Column{"code", &EntryPictureRow::code},
      Column{"type", &EntryPictureRow::type},
      Column{"body", &EntryPictureRow::body},
  };
};

struct EntryScanRow {
  Id session;
  std::string code;
  uint32_t app = 0;
  Id user;
  Time scanned_at{};
  bool is_new_user = false, registered = false;
};
template <>
struct Table<EntryScanRow> {
  static constexpr std::string_view name = "entry_scans";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"session_id", &EntryScanRow::session},
      Column{"code", &EntryScanRow::code},
      Column{"app", &EntryScanRow::app},
      Column{"user_id", &EntryScanRow::user},
      Column{"scanned_at", &EntryScanRow::scanned_at},
      Column{"is_new_user", &EntryScanRow::is_new_user},
      Column{"registered", &EntryScanRow::registered},
  };
};

struct StatsTableRow {
  uint32_t app = 0;
  int64_t hour = 0;
  Id node;
  std::string counts;  // lines "name=value"
  Bytes active;
};
template <>
struct Table<StatsTableRow> {
  static constexpr std::string_view name = "stats";
  static constexpr size_t keys = 3;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"app", &StatsTableRow::app},
      Column{"hour", &StatsTableRow::hour},
      Column{"node", &StatsTableRow::node},
      Column{"counts", &StatsTableRow::counts},
      Column{"active", &StatsTableRow::active},
  };
};

}  // namespace kaimen::store

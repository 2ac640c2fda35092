// The rows of projects and apps, and of the keys that go with them. What the columns mean stands in
// migrations/*/0001_first.sql; resolve_secrets: 0002, app_signing: 0004, project_details: 0006.
#pragma once

#include "core/store.h"
#include "store/table.h"

namespace kaimen::store {

struct ProjectRow {
  std::string name;
  Time created_at{};
};
template <>
struct Table<ProjectRow> {
  static constexpr std::string_view name = "projects";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"name", &ProjectRow::name},
      Column{"created_at", &ProjectRow::created_at},
  };
};

/// What else there is of a project; none: no title, not disabled.
struct ProjectDetailsRow {
  std::string name;
  int64_t version = 0;
  std::string title;
  bool disabled = false;
};
template <>
struct Table<ProjectDetailsRow> {
  static constexpr std::string_view name = "project_details";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"name", &ProjectDetailsRow::name},
      Column{"version", &ProjectDetailsRow::version},
      Column{"title", &ProjectDetailsRow::title},
      Column{"disabled", &ProjectDetailsRow::disabled},
  };
};

struct AppTableRow {
  uint32_t number = 0;
  int64_t version = 0;
  std::string app_id;
  std::optional<std::string> live_app_id;  // app_id while the app is there, NULL once it is removed: what must be unique
  std::string project, platform, name;
  Bytes secret_sealed, old_secret_sealed;
  Time old_secret_until{};
  Bytes push_sealed;
  std::string settings;  // lines "name=value"
  std::string upstream;
  bool disabled = false;
  Time revoked_before{}, created_at{};
  std::optional<Time> removed_at;
};
template <>
struct Table<AppTableRow> {
  static constexpr std::string_view name = "apps";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"number", &AppTableRow::number},
      Column{"version", &AppTableRow::version},
      Column{"app_id", &AppTableRow::app_id},
      Column{"live_app_id", &AppTableRow::live_app_id},
      Column{"project", &AppTableRow::project},
      Column{"platform", &AppTableRow::platform},
      Column{"name", &AppTableRow::name},
      Column{"secret_sealed", &AppTableRow::secret_sealed},
      Column{"old_secret_sealed", &AppTableRow::old_secret_sealed},
      Column{"old_secret_until", &AppTableRow::old_secret_until},
      Column{"push_sealed", &AppTableRow::push_sealed},
      Column{"settings", &AppTableRow::settings},
      Column{"upstream", &AppTableRow::upstream},
      Column{"disabled", &AppTableRow::disabled},
      Column{"revoked_before", &AppTableRow::revoked_before},
      Column{"created_at", &AppTableRow::created_at},
      Column{"removed_at", &AppTableRow::removed_at},
  };
};

/// What an app's questions to its resolve_url are signed with.
struct ResolveSecretRow {
  uint32_t number = 0;
  int64_t version = 0;
  Bytes secret_sealed;
};
template <>
struct Table<ResolveSecretRow> {
  static constexpr std::string_view name = "resolve_secrets";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"number", &ResolveSecretRow::number},
      Column{"version", &ResolveSecretRow::version},
      Column{"secret_sealed", &ResolveSecretRow::secret_sealed},
  };
};

/// The keys of API signing of an app that has them.
struct AppSigningRow {
  uint32_t number = 0;
  int64_t version = 0;
  Bytes keys_sealed;
};
template <>
struct Table<AppSigningRow> {
  static constexpr std::string_view name = "app_signing";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"number", &AppSigningRow::number},
      Column{"version", &AppSigningRow::version},
      Column{"keys_sealed", &AppSigningRow::keys_sealed},
  };
};

struct TicketKeyTableRow {
  uint32_t id = 0;
  core::KeyKind kind = core::KeyKind::ticket;
  Bytes key_sealed;
  std::string apps;  // numbers, comma-separated; empty: all
  Time created_at{}, seals_from{};
  bool retired = false;
};
template <>
struct Table<TicketKeyTableRow> {
  static constexpr std::string_view name = "ticket_keys";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &TicketKeyTableRow::id},
      Column{"kind", &TicketKeyTableRow::kind},
      Column{"key_sealed", &TicketKeyTableRow::key_sealed},
      Column{"apps", &TicketKeyTableRow::apps},
      Column{"created_at", &TicketKeyTableRow::created_at},
      Column{"seals_from", &TicketKeyTableRow::seals_from},
      Column{"retired", &TicketKeyTableRow::retired},
  };
};

struct AccessKeyTableRow {
  Id id;
  std::string name;
  Bytes hash;
  std::string scopes;  // comma-separated
  std::string project;
  Time created_at{};
  std::optional<Time> last_used_at, revoked_at;
};
template <>
struct Table<AccessKeyTableRow> {
  static constexpr std::string_view name = "access_keys";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &AccessKeyTableRow::id},
      Column{"name", &AccessKeyTableRow::name},
      Column{"hash", &AccessKeyTableRow::hash},
      Column{"scopes", &AccessKeyTableRow::scopes},
      Column{"project", &AccessKeyTableRow::project},
      Column{"created_at", &AccessKeyTableRow::created_at},
      Column{"last_used_at", &AccessKeyTableRow::last_used_at},
      Column{"revoked_at", &AccessKeyTableRow::revoked_at},
  };
};

}  // namespace kaimen::store

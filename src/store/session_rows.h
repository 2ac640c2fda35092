// The rows of sessions, of the codes they came from and of revocations. What the columns mean stands in migrations/*/0001_first.sql.
#pragma once

#include "core/types.h"
#include "store/table.h"

namespace kaimen::store {

struct SessionRow {
  Id id, user;
  uint32_t app = 0;
  std::string openid, unionid;
  core::Env env = core::Env::release;
  uint32_t generation = 0, renew_generation = 0;
  Time generation_issued_at{}, created_at{}, idle_expires_at{}, absolute_expires_at{};
  std::string device_id, device_model, device_system, device_platform;
  std::optional<Id> parent;
  std::string actor, entry;
  Reason ended = Reason::none;
  std::optional<Time> ended_at;
  int64_t purge_day = 0;
};
template <>
struct Table<SessionRow> {
  static constexpr std::string_view name = "sessions";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &SessionRow::id},
      Column{"user_id", &SessionRow::user},
      Column{"app", &SessionRow::app},
      Column{"openid", &SessionRow::openid},
      Column{"unionid", &SessionRow::unionid},
      Column{"env", &SessionRow::env},
      Column{"generation", &SessionRow::generation},
      Column{"renew_generation", &SessionRow::renew_generation},
      Column{"generation_issued_at", &SessionRow::generation_issued_at},
      Column{"created_at", &SessionRow::created_at},
      Column{"idle_expires_at", &SessionRow::idle_expires_at},
      Column{"absolute_expires_at", &SessionRow::absolute_expires_at},
      Column{"device_id", &SessionRow::device_id},
      Column{"device_model", &SessionRow::device_model},
      Column{"device_system", &SessionRow::device_system},
      Column{"device_platform", &SessionRow::device_platform},
      Column{"parent", &SessionRow::parent},
      Column{"actor", &SessionRow::actor},
      Column{"entry", &SessionRow::entry},
      Column{"ended", &SessionRow::ended},
      Column{"ended_at", &SessionRow::ended_at},
      Column{"purge_day", &SessionRow::purge_day},
  };
};

/// Stored in codes.state; do not change.
enum class CodeState : uint8_t { recorded = 0, claimed = 1, failed = 2 };

struct CodeRow {
  uint32_t app = 0;
  Bytes hash;
  CodeState state = CodeState::recorded;
  Id owner;
  int64_t error = 0;  // ErrorCode, of failed
  Id session;         // of recorded
  std::string attempt;
  bool is_new_user = false;
  Time recorded_at{};  // or claimed, or settled
};
template <>
struct Table<CodeRow> {
  static constexpr std::string_view name = "codes";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"app", &CodeRow::app},
      Column{"code_hash", &CodeRow::hash},
      Column{"state", &CodeRow::state},
      Column{"owner", &CodeRow::owner},
      Column{"error", &CodeRow::error},
      Column{"session_id", &CodeRow::session},
      Column{"attempt", &CodeRow::attempt},
      Column{"is_new_user", &CodeRow::is_new_user},
      Column{"recorded_at", &CodeRow::recorded_at},
  };
};

struct RevocationRow {
  Id session;
  uint32_t generation = 0;
  Reason reason = Reason::none;
  Time until{};
  Time stamped_at{};
};
template <>
struct Table<RevocationRow> {
  static constexpr std::string_view name = "revocations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"session_id", &RevocationRow::session},
      Column{"generation", &RevocationRow::generation},
      Column{"reason", &RevocationRow::reason},
      Column{"until", &RevocationRow::until},
      Column{"stamped_at", &RevocationRow::stamped_at},
  };
};

}  // namespace kaimen::store

// The rows of the schema. What the columns mean stands in migrations/*/0001_first.sql.
#pragma once

#include "base/result.h"
#include "core/types.h"
#include "store/table.h"

namespace kaimen::store {

/// Stored in users.state; do not change.
enum class UserState : uint8_t { active = 0, disabled = 1, deleted = 2 };

struct UserRow {
  Id id;
  int64_t version = 0;
  std::string project;
  UserState state = UserState::active;
  std::optional<Time> disabled_until;
  std::string disabled_message;
  bool registered = true;
  std::optional<std::string> external_id;
  std::string nickname, avatar_url;
  int gender = 0;
  std::string language, country, province, city;
  std::optional<Bytes> phone_sealed, phone_index;
  std::string roles;  // comma-separated
  std::string attributes = "{}";
  Time created_at{};
};
template <>
struct Table<UserRow> {
  static constexpr std::string_view name = "users";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"id", &UserRow::id},
      Column{"version", &UserRow::version},
      Column{"project", &UserRow::project},
      Column{"state", &UserRow::state},
      Column{"disabled_until", &UserRow::disabled_until},
      Column{"disabled_message", &UserRow::disabled_message},
      Column{"registered", &UserRow::registered},
      Column{"external_id", &UserRow::external_id},
      Column{"nickname", &UserRow::nickname},
      Column{"avatar_url", &UserRow::avatar_url},
      Column{"gender", &UserRow::gender},
      Column{"language", &UserRow::language},
      Column{"country", &UserRow::country},
      Column{"province", &UserRow::province},
      Column{"city", &UserRow::city},
      Column{"phone_sealed", &UserRow::phone_sealed},
      Column{"phone_index", &UserRow::phone_index},
      Column{"roles", &UserRow::roles},
      Column{"attributes", &UserRow::attributes},
      Column{"created_at", &UserRow::created_at},
  };
};

struct IdentityRow {
  std::string provider, app_id, subject, tenant;
  Id user;
  std::string unionid;
  std::optional<Bytes> key1, key2, key3, index1, index2, index3;  // 1 is the newest
  Time created_at{};
};
template <>
struct Table<IdentityRow> {
  static constexpr std::string_view name = "identities";
  static constexpr size_t keys = 4;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"provider", &IdentityRow::provider},
      Column{"app_id", &IdentityRow::app_id},
      Column{"subject", &IdentityRow::subject},
      Column{"tenant", &IdentityRow::tenant},
      Column{"user_id", &IdentityRow::user},
      Column{"unionid", &IdentityRow::unionid},
      Column{"key1", &IdentityRow::key1},
      Column{"key2", &IdentityRow::key2},
      Column{"key3", &IdentityRow::key3},
      Column{"index1", &IdentityRow::index1},
      Column{"index2", &IdentityRow::index2},
      Column{"index3", &IdentityRow::index3},
      Column{"created_at", &IdentityRow::created_at},
  };
};

struct UnionidRow {
  std::string project, provider, unionid;
  Id user;
};
template <>
struct Table<UnionidRow> {
  static constexpr std::string_view name = "unionids";
  static constexpr size_t keys = 3;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"project", &UnionidRow::project},
      Column{"provider", &UnionidRow::provider},
      Column{"unionid", &UnionidRow::unionid},
      Column{"user_id", &UnionidRow::user},
  };
};

struct SessionRow {
  Id id, user;
  uint32_t app = 0;
  std::string openid, unionid;
  core::Env env = core::Env::release;
  uint32_t generation = 0;
  Time generation_issued_at{}, created_at{}, idle_expires_at{}, absolute_expires_at{};
  std::string device_id, device_model, device_system, device_platform;
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
      Column{"generation_issued_at", &SessionRow::generation_issued_at},
      Column{"created_at", &SessionRow::created_at},
      Column{"idle_expires_at", &SessionRow::idle_expires_at},
      Column{"absolute_expires_at", &SessionRow::absolute_expires_at},
      Column{"device_id", &SessionRow::device_id},
      Column{"device_model", &SessionRow::device_model},
      Column{"device_system", &SessionRow::device_system},
      Column{"device_platform", &SessionRow::device_platform},
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

struct EventRow {
  Id id;
  Time at{};
  std::string kind;
  std::optional<uint32_t> app;
  std::optional<Id> user, session;
  Reason reason = Reason::none;
  std::string request_id;
};
template <>
struct Table<EventRow> {
  static constexpr std::string_view name = "events";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &EventRow::id},
      Column{"at", &EventRow::at},
      Column{"kind", &EventRow::kind},
      Column{"app", &EventRow::app},
      Column{"user_id", &EventRow::user},
      Column{"session_id", &EventRow::session},
      Column{"reason", &EventRow::reason},
      Column{"request_id", &EventRow::request_id},
  };
};

struct OnceMarkRow {
  Bytes mark;
  Time marked_at{};
};
template <>
struct Table<OnceMarkRow> {
  static constexpr std::string_view name = "once_marks";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"mark", &OnceMarkRow::mark},
      Column{"marked_at", &OnceMarkRow::marked_at},
  };
};

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

struct AppTableRow {
  uint32_t number = 0;
  int64_t version = 0;
  std::string app_id;
  std::optional<std::string> live_app_id;  // app_id while the app is there, NULL once it is removed: what must be unique
  std::string project, platform, name;
  Bytes secret_sealed, old_secret_sealed;
  Time old_secret_until{};
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
      Column{"settings", &AppTableRow::settings},
      Column{"upstream", &AppTableRow::upstream},
      Column{"disabled", &AppTableRow::disabled},
      Column{"revoked_before", &AppTableRow::revoked_before},
      Column{"created_at", &AppTableRow::created_at},
      Column{"removed_at", &AppTableRow::removed_at},
  };
};

struct TicketKeyTableRow {
  uint32_t id = 0;
  bool renew = false;
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
      Column{"renew", &TicketKeyTableRow::renew},
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

struct AccessTokenTableRow {
  std::string app_id;
  int64_t version = 0;
  Bytes token_sealed;
  Time expires_at{}, fetched_at{};
  uint64_t lease = 0;
  Id lease_owner;
  Time lease_until{};
};
template <>
struct Table<AccessTokenTableRow> {
  static constexpr std::string_view name = "access_tokens";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"app_id", &AccessTokenTableRow::app_id},
      Column{"version", &AccessTokenTableRow::version},
      Column{"token_sealed", &AccessTokenTableRow::token_sealed},
      Column{"expires_at", &AccessTokenTableRow::expires_at},
      Column{"fetched_at", &AccessTokenTableRow::fetched_at},
      Column{"lease", &AccessTokenTableRow::lease},
      Column{"lease_owner", &AccessTokenTableRow::lease_owner},
      Column{"lease_until", &AccessTokenTableRow::lease_until},
  };
};

/// A small number the store keeps for itself.
struct MetaRow {
  std::string name;
  int64_t version = 0;
  int64_t value = 0;
};
template <>
struct Table<MetaRow> {
  static constexpr std::string_view name = "meta";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"name", &MetaRow::name},
      Column{"version", &MetaRow::version},
      Column{"value", &MetaRow::value},
  };
};

/// A node and its last heartbeat.
struct NodeRow {
  Id id;
  std::string version;  // the program's
  Time started_at{}, beat_at{};
};
template <>
struct Table<NodeRow> {
  static constexpr std::string_view name = "nodes";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &NodeRow::id},
      Column{"version", &NodeRow::version},
      Column{"started_at", &NodeRow::started_at},
      Column{"beat_at", &NodeRow::beat_at},
  };
};

/// Every table, in the order in which a batch writes them: guards first.
template <class... Row>
struct TableList {};
using AllTables = TableList<UserRow, AppTableRow, AccessTokenTableRow, MetaRow, IdentityRow, UnionidRow, CodeRow, SessionRow, RevocationRow,
                            OnceMarkRow, ProjectRow, TicketKeyTableRow, AccessKeyTableRow, NodeRow, EventRow>;

}  // namespace kaimen::store

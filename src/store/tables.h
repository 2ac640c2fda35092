// The rows of the schema. What the columns mean stands in migrations/*/0001_first.sql. Those of entry codes and stats: entry_rows.h.
#pragma once

#include <algorithm>
#include <array>

#include "base/result.h"
#include "core/journal_store.h"
#include "core/store.h"
#include "store/entry_rows.h"
#include "store/table.h"

namespace kaimen::store {

/// Stored in users.state; do not change.
enum class UserState : uint8_t { active = 0, disabled = 1, deleted = 2, leaving = 3 };

struct UserRow {
  Id id;
  int64_t version = 0;
  std::string project;
  UserState state = UserState::active;
  std::optional<Time> disabled_until;
  std::string disabled_message;
  bool registered = true;
  std::string agreed;  // like "terms=2,privacy=2026-01"
  std::optional<std::string> external_id;
  std::string nickname, avatar_url;
  std::optional<Bytes> avatar_hash;
  int gender = 0;
  std::string language, country, province, city;
  std::optional<Bytes> phone_sealed, phone_index;
  std::string roles;  // comma-separated
  std::string attributes = "{}";
  Time profile_at{}, phone_at{};
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
      Column{"agreed", &UserRow::agreed},
      Column{"external_id", &UserRow::external_id},
      Column{"nickname", &UserRow::nickname},
      Column{"avatar_url", &UserRow::avatar_url},
      Column{"avatar_hash", &UserRow::avatar_hash},
      Column{"gender", &UserRow::gender},
      Column{"language", &UserRow::language},
      Column{"country", &UserRow::country},
      Column{"province", &UserRow::province},
      Column{"city", &UserRow::city},
      Column{"phone_sealed", &UserRow::phone_sealed},
      Column{"phone_index", &UserRow::phone_index},
      Column{"roles", &UserRow::roles},
      Column{"attributes", &UserRow::attributes},
      Column{"profile_at", &UserRow::profile_at},
      Column{"phone_at", &UserRow::phone_at},
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

/// What the columns mean stands in migrations/*/0008_unresolved.sql.
struct UnresolvedRow {
  Bytes mark;
  Time since{}, again_at{};
};
template <>
struct Table<UnresolvedRow> {
  static constexpr std::string_view name = "unresolved";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"mark", &UnresolvedRow::mark},
      Column{"since", &UnresolvedRow::since},
      Column{"again_at", &UnresolvedRow::again_at},
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

struct EventRow {
  Id id;
  Time at{};
  std::string kind;
  std::optional<uint32_t> app;
  std::optional<Id> user, session;
  Reason reason = Reason::none;
  std::string project, actor, ip, detail, request_id;
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
      Column{"project", &EventRow::project},
      Column{"actor", &EventRow::actor},
      Column{"ip", &EventRow::ip},
      Column{"detail", &EventRow::detail},
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

/// The newest component_verify_ticket of a third-party platform.
struct ComponentTicketRow {
  std::string app_id;
  int64_t version = 0;
  Bytes ticket_sealed;
  Time made_at{};
};
template <>
struct Table<ComponentTicketRow> {
  static constexpr std::string_view name = "component_tickets";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"app_id", &ComponentTicketRow::app_id},
      Column{"version", &ComponentTicketRow::version},
      Column{"ticket_sealed", &ComponentTicketRow::ticket_sealed},
      Column{"made_at", &ComponentTicketRow::made_at},
  };
};

/// An app's authorisation of a third-party platform.
struct AuthorizationTableRow {
  std::string app_id;
  int64_t version = 0;
  std::string component;
  Bytes refresh_sealed;
  std::string permissions;
  bool stands = false;
  Time pushed_at{}, authorized_at{};
};
template <>
struct Table<AuthorizationTableRow> {
  static constexpr std::string_view name = "authorizations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"app_id", &AuthorizationTableRow::app_id},
      Column{"version", &AuthorizationTableRow::version},
      Column{"component", &AuthorizationTableRow::component},
      Column{"refresh_sealed", &AuthorizationTableRow::refresh_sealed},
      Column{"permissions", &AuthorizationTableRow::permissions},
      Column{"stands", &AuthorizationTableRow::stands},
      Column{"pushed_at", &AuthorizationTableRow::pushed_at},
      Column{"authorized_at", &AuthorizationTableRow::authorized_at},
  };
};

/// A link by which an app authorises a third-party platform.
struct ComponentLinkRow {
  Bytes hash;
  int64_t version = 0;
  std::string component, project, return_to, app_id;
  Time created_at{}, expires_at{};
  std::string only_app;
};
template <>
struct Table<ComponentLinkRow> {
  static constexpr std::string_view name = "component_links";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"hash", &ComponentLinkRow::hash},
      Column{"version", &ComponentLinkRow::version},
      Column{"component", &ComponentLinkRow::component},
      Column{"project", &ComponentLinkRow::project},
      Column{"return_to", &ComponentLinkRow::return_to},
      Column{"app_id", &ComponentLinkRow::app_id},
      Column{"created_at", &ComponentLinkRow::created_at},
      Column{"expires_at", &ComponentLinkRow::expires_at},
      Column{"only_app", &ComponentLinkRow::only_app},
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

/// What a node says of its program.
struct NodeProgramRow {
  Id node;
  std::string newest;       // migration
  std::string master_keys;  // ids, comma-separated; the first seals
};
template <>
struct Table<NodeProgramRow> {
  static constexpr std::string_view name = "node_programs";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"node_id", &NodeProgramRow::node},
      Column{"newest", &NodeProgramRow::newest},
      Column{"master_keys", &NodeProgramRow::master_keys},
  };
};

struct PasswordRow {
  std::string project;
  std::string name;
  Id user;
  std::string shown_name;
  std::string hash;
  Time changed_at{};
};
template <>
struct Table<PasswordRow> {
  static constexpr std::string_view name = "passwords";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"project", &PasswordRow::project},
      Column{"name", &PasswordRow::name},
      Column{"user_id", &PasswordRow::user},
      Column{"shown_name", &PasswordRow::shown_name},
      Column{"hash", &PasswordRow::hash},
      Column{"changed_at", &PasswordRow::changed_at},
  };
};

struct PasswordFailuresRow {
  Bytes name_hash;
  int64_t version = 0;
  int64_t failures = 0;
  Time failed_at{};
};
template <>
struct Table<PasswordFailuresRow> {
  static constexpr std::string_view name = "password_failures";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"name_hash", &PasswordFailuresRow::name_hash},
      Column{"version", &PasswordFailuresRow::version},
      Column{"failures", &PasswordFailuresRow::failures},
      Column{"failed_at", &PasswordFailuresRow::failed_at},
  };
};

struct RegistrationRow {
  Id user;
  uint32_t app = 0;
  std::string fields;
  Time registered_at{};
};
template <>
struct Table<RegistrationRow> {
  static constexpr std::string_view name = "registrations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"user_id", &RegistrationRow::user},
      Column{"app", &RegistrationRow::app},
      Column{"fields", &RegistrationRow::fields},
      Column{"registered_at", &RegistrationRow::registered_at},
  };
};

struct ConsentRow {
  Id user;
  std::string name;
  std::string version;
  uint32_t app = 0;
  Time agreed_at{};
  std::string ip;
};
template <>
struct Table<ConsentRow> {
  static constexpr std::string_view name = "consents";
  static constexpr size_t keys = 3;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"user_id", &ConsentRow::user},
      Column{"name", &ConsentRow::name},
      Column{"version", &ConsentRow::version},
      Column{"app", &ConsentRow::app},
      Column{"agreed_at", &ConsentRow::agreed_at},
      Column{"ip", &ConsentRow::ip},
  };
};

struct InvitationRow {
  Bytes code_hash;
  int64_t version = 0;
  uint32_t app = 0;
  int64_t uses_left = 0;
  Time until{};
  Time created_at{};
};
template <>
struct Table<InvitationRow> {
  static constexpr std::string_view name = "invitations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"code_hash", &InvitationRow::code_hash},
      Column{"version", &InvitationRow::version},
      Column{"app", &InvitationRow::app},
      Column{"uses_left", &InvitationRow::uses_left},
      Column{"until", &InvitationRow::until},
      Column{"created_at", &InvitationRow::created_at},
  };
};

struct DeletionRow {
  Id user;
  Time due_at{};
};
template <>
struct Table<DeletionRow> {
  static constexpr std::string_view name = "deletions";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"user_id", &DeletionRow::user},
      Column{"due_at", &DeletionRow::due_at},
  };
};

/// Stored in avatars.checked; do not change.
enum class AvatarState : uint8_t { unchecked = 0, pending = 1, passed = 2, rejected = 3 };

struct AvatarRow {
  Bytes hash;
  int64_t version = 0;
  std::string type;
  Bytes body;
  AvatarState checked = AvatarState::unchecked;
  Time created_at{};
  std::optional<Time> unused_since;
};
template <>
struct Table<AvatarRow> {
  static constexpr std::string_view name = "avatars";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"hash", &AvatarRow::hash},
      Column{"version", &AvatarRow::version},
      Column{"type", &AvatarRow::type},
      Column{"body", &AvatarRow::body},
      Column{"checked", &AvatarRow::checked},
      Column{"created_at", &AvatarRow::created_at},
      Column{"unused_since", &AvatarRow::unused_since},
  };
};

struct AvatarCheckRow {
  std::string trace_id;
  Bytes hash;
  Id user;
  uint32_t app = 0;
  Time asked_at{};
};
template <>
struct Table<AvatarCheckRow> {
  static constexpr std::string_view name = "avatar_checks";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"trace_id", &AvatarCheckRow::trace_id},
      Column{"hash", &AvatarCheckRow::hash},
      Column{"user_id", &AvatarCheckRow::user},
      Column{"app", &AvatarCheckRow::app},
      Column{"asked_at", &AvatarCheckRow::asked_at},
  };
};

struct WebhookRow {
  Id id;
  std::string project;
  std::string url;
  Bytes secret_sealed;
  std::string kinds;
  bool disabled = false;
  Time created_at{};
};
template <>
struct Table<WebhookRow> {
  static constexpr std::string_view name = "webhooks";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &WebhookRow::id},
      Column{"project", &WebhookRow::project},
      Column{"url", &WebhookRow::url},
      Column{"secret_sealed", &WebhookRow::secret_sealed},
      Column{"kinds", &WebhookRow::kinds},
      Column{"disabled", &WebhookRow::disabled},
      Column{"created_at", &WebhookRow::created_at},
  };
};

struct DeliveryRow {
  Id webhook;
  Id id;
  int64_t version = 0;
  std::optional<Id> user;
  int64_t place = 0;
  std::string kind;
  std::string body;
  core::DeliveryState state = core::DeliveryState::due;
  Time due_at{};
  int64_t attempts = 0;
  int64_t last_status = 0;
  std::string last_error;
  std::optional<Time> settled_at;
  Time lease_until{};
};
template <>
struct Table<DeliveryRow> {
  static constexpr std::string_view name = "deliveries";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"webhook_id", &DeliveryRow::webhook},
      Column{"id", &DeliveryRow::id},
      Column{"version", &DeliveryRow::version},
      Column{"user_id", &DeliveryRow::user},
      Column{"place", &DeliveryRow::place},
      Column{"kind", &DeliveryRow::kind},
      Column{"body", &DeliveryRow::body},
      Column{"state", &DeliveryRow::state},
      Column{"due_at", &DeliveryRow::due_at},
      Column{"attempts", &DeliveryRow::attempts},
      Column{"last_status", &DeliveryRow::last_status},
      Column{"last_error", &DeliveryRow::last_error},
      Column{"settled_at", &DeliveryRow::settled_at},
      Column{"lease_until", &DeliveryRow::lease_until},
  };
};

/// Every table, in the order in which a batch writes them: guards first.
template <class... Row>
struct TableList {};
template <class... Row>
constexpr size_t count_of(TableList<Row...>) {
  return sizeof...(Row);
}
template <class Wanted, class... Row>
constexpr size_t place_of(TableList<Row...>) {
  constexpr std::array<bool, sizeof...(Row)> is{std::is_same_v<Wanted, Row>...};
  return static_cast<size_t>(std::find(is.begin(), is.end(), true) - is.begin());
}
using AllTables = TableList<UserRow, AppTableRow, AppSigningRow, AccessTokenTableRow, ComponentTicketRow, AuthorizationTableRow, ComponentLinkRow, MetaRow,
                            ProjectDetailsRow, PasswordFailuresRow, InvitationRow, EntryCodeRow,
                            EntryCountRow, IdentityRow, UnresolvedRow, UnionidRow, PasswordRow, CodeRow, SessionRow, RevocationRow, OnceMarkRow, RegistrationRow, ConsentRow,
                            DeletionRow, AvatarRow, AvatarCheckRow, EntryPictureRow, EntryScanRow, StatsTableRow, ProjectRow, ResolveSecretRow, TicketKeyTableRow,
                            AccessKeyTableRow, NodeRow, NodeProgramRow, WebhookRow, DeliveryRow, EventRow>;

}  // namespace kaimen::store

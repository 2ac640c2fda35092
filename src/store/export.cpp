// All that is kept of one user, for the user. Whoever adds a table with a user in it adds it here (tests/contract/export_contract.cpp).
#include <algorithm>

#include "store/accounts.h"
#include "store/entries.h"
#include "store/records.h"

namespace kaimen::store {

namespace {

// In the order of their index; the columns of the rest of the key follow.
constexpr Scan kSessionsBehind{&kTable<SessionRow>, "user_id = ? AND ended >= ? AND (ended > ? OR app > ? OR (app = ? AND id > ?))", "ended, app, id", true};
constexpr Scan kScansBehind{&kTable<EntryScanRow>, "user_id = ? AND session_id > ?", "session_id", true};
constexpr Scan kEventsBehind{&kTable<EventRow>, "user_id = ? AND id > ?", "id", true};

Result<> add_identities(Rows& rows, const UserRow& user, core::HeldUser& held) {
  TRY(const auto identities, rows.list(kIdentitiesOfUser, user.id));
  for (const IdentityRow* row : identities) {
    held.identities.push_back({row->provider, row->app_id, row->subject, row->tenant, row->unionid, row->created_at});
  }
  TRY(const auto unionids, rows.list(kUnionidsOfUser, user.id));
  for (const UnionidRow* row : unionids) held.unionids.push_back(row->provider + ":" + row->unionid);
  std::ranges::sort(held.unionids);
  return ok();
}

}  // namespace

Result<core::HeldUser> held_of(ActContext& context, const Id& id) {
  Rows& rows = context.rows;
  TRY(const UserRow* user, existing_user(rows, id));
  core::HeldUser held;
  held.user = user_of(*user);
  held.profile_at = user->profile_at;
  held.phone_at = user->phone_at;
  TRY(add_identities(rows, *user, held));
  TRY(const auto passwords, rows.list(kPasswordsOfUser, id));
  if (!passwords.empty()) {
    held.account_name = passwords.front()->shown_name;
    held.password_changed_at = passwords.front()->changed_at;
  }
  TRY(const auto consents, rows.list(kConsentsOfUser, id));
  for (const ConsentRow* row : consents) held.consents.push_back({row->name, row->version, row->ip, row->app, row->agreed_at});
  TRY(const RegistrationRow* registration, rows.find<RegistrationRow>(id));
  if (registration) {
    held.registration_fields = registration->fields;
    held.registered_at = registration->registered_at;
  }
  return held;
}

Result<std::vector<core::Session>> held_sessions(ActContext& context, const Id& user, const std::optional<core::Session>& after, size_t limit) {
  TRY(existing_user(context.rows, user));
  const core::Session from = after.value_or(core::Session{});
  const Reason ended = from.ended.value_or(Reason::none);
  TRY(const auto found, context.rows.scan<SessionRow>(kSessionsBehind, user, ended, ended, from.app, from.app, from.id, static_cast<int64_t>(limit)));
  std::vector<core::Session> sessions;
  for (const SessionRow& row : found) sessions.push_back(session_of(row));
  return sessions;
}

Result<std::vector<core::HeldScan>> held_scans(ActContext& context, const core::HeldBehind& query) {
  TRY(existing_user(context.rows, query.user));
  TRY(const auto found, context.rows.scan<EntryScanRow>(kScansBehind, query.user, query.after, static_cast<int64_t>(query.limit)));
  std::vector<core::HeldScan> scans;
  for (const EntryScanRow& row : found) scans.push_back({row.code, row.app, row.session, row.scanned_at, row.is_new_user, row.registered});
  return scans;
}

Result<std::vector<core::HeldEvent>> held_events(ActContext& context, const core::HeldBehind& query) {
  TRY(existing_user(context.rows, query.user));
  TRY(auto found, context.rows.scan<EventRow>(kEventsBehind, query.user, query.after, static_cast<int64_t>(query.limit)));
  std::vector<core::HeldEvent> events;
  for (EventRow& row : found) {
    events.push_back({row.id, row.at, std::move(row.kind), row.app, row.session, row.reason, std::move(row.actor), std::move(row.ip), std::move(row.detail),
                      std::move(row.request_id)});
  }
  return events;
}

}  // namespace kaimen::store

// All that is kept of one user, for the user. Whoever adds a table with a user in it adds it here (tests/contract/deletion_contract.cpp).
#include <algorithm>

#include "store/accounts.h"
#include "store/entries.h"
#include "store/records.h"

namespace kaimen::store {

namespace {

Result<> add_scans(Rows& rows, const Id& user, core::HeldUser& held) {
  TRY(auto scans, rows.list(kScansOfUser, user));
  std::ranges::sort(scans, {}, &EntryScanRow::session);
  for (const EntryScanRow* row : scans) held.scans.push_back({row->code, row->app, row->session, row->scanned_at, row->is_new_user, row->registered});
  return ok();
}

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

Result<> add_sessions(Rows& rows, const Id& user, core::HeldUser& held) {
  TRY(auto sessions, rows.list(kSessionsOfUser, user));
  sort_by_age(sessions);
  for (const SessionRow* session : sessions) held.sessions.push_back(session_of(*session));
  return ok();
}

Result<> add_events(Rows& rows, const Id& user, core::HeldUser& held) {
  TRY(auto events, rows.list(kEventsOfUser, user));
  std::ranges::sort(events, {}, [](const EventRow* event) { return std::pair(event->at, event->id); });
  for (const EventRow* row : events) {
    held.events.push_back({row->id, row->at, row->kind, row->app, row->session, row->reason, row->actor, row->ip, row->detail, row->request_id});
  }
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
  TRY(add_sessions(rows, id, held));
  TRY(const auto consents, rows.list(kConsentsOfUser, id));
  for (const ConsentRow* row : consents) held.consents.push_back({row->name, row->version, row->ip, row->app, row->agreed_at});
  TRY(const RegistrationRow* registration, rows.find<RegistrationRow>(id));
  if (registration) {
    held.registration_fields = registration->fields;
    held.registered_at = registration->registered_at;
  }
  TRY(add_scans(rows, id, held));
  TRY(add_events(rows, id, held));
  return held;
}

}  // namespace kaimen::store

// What the team's own backend says of a user at an identity's first login.
#include <algorithm>

#include "store/directory_acts.h"
#include "store/records.h"

namespace kaimen::store {

using core::OpenedSession;

Result<OpenedSession> apply_resolved(ActContext& context, const core::ApplyResolved& act) {
  Rows& rows = context.rows;
  rows.expect<SessionRow>(act.session);
  rows.expect(kOpenSessionsOfUser, act.user);
  TRY(const UserRow* row, existing_user(rows, act.user));
  const std::string has = row->external_id.value_or("");
  const bool names = !act.external_id.empty() && act.external_id != has;
  if (names && !has.empty()) return make_error(ErrorCode::conflict, "the user has another external id");
  if (names) {
    TRY(const auto holders, rows.list(kUsersByExternalId, row->project, act.external_id));
    if (!holders.empty()) return make_error(ErrorCode::conflict, "another user of the project has this external id");
  }
  const std::string roles = act.roles ? join(*act.roles) : row->roles;
  const bool rights = names || roles != row->roles;
  const bool untold = row->profile_at == Time{};
  const bool nickname = untold && act.nickname && *act.nickname != row->nickname;
  const bool attributes = untold && act.attributes && *act.attributes != row->attributes;

  OpenedSession answer;
  if (rights || nickname || attributes) {
    UserRow& user = rows.change(*row);
    if (names) user.external_id = act.external_id;
    user.roles = roles;
    if (nickname) user.nickname = *act.nickname;
    if (attributes) user.attributes = *act.attributes;
    if (rights) {
      TRY(outdate_tickets(context, act.user, act.now, act.revocations_until, answer.revocations));
    }
    TRY(write_event(context, act.now, {"user_resolved", std::nullopt, act.user, act.session, Reason::none, act.source, user.project}));
  } else if (context.again) {
    TRY(answer.revocations, revocations_of(rows, act.user));
  }
  TRY(const SessionRow* session, rows.find<SessionRow>(act.session));
  if (!session) return make_error(ErrorCode::not_found, "no such session");
  answer.session = session_of(*session);
  answer.user = user_of(*row);
  return answer;
}

}  // namespace kaimen::store

// What the team's own backend says of a user, and whom it is still to be asked about.
#include <algorithm>

#include "store/directory_acts.h"
#include "store/records.h"

namespace kaimen::store {

using core::OpenedSession;

namespace {

constexpr Millis kLongestPutOff = std::chrono::hours(1);

}  // namespace

// Put off before it is asked, and taken out by its answer: so nothing has to be written where none comes, not even where this node dies.
Result<bool> asks_backend(Rows& rows, const core::RecordLogin& act, bool is_first) {
  if (act.resolve_mark.empty()) return false;
  TRY(const UnresolvedRow* row, rows.find<UnresolvedRow>(Bytes{act.resolve_mark}));
  if (!row) {
    if (is_first) rows.insert(UnresolvedRow{Bytes{act.resolve_mark}, act.now, act.now});
    return is_first;
  }
  if (is_first) {
    // It was somebody's who is gone.
    rows.change(*row) = UnresolvedRow{Bytes{act.resolve_mark}, act.now, act.now};
    return true;
  }
  if (act.now < row->again_at) return false;
  rows.change(*row).again_at = act.now + std::clamp<Millis>(act.now - row->since, Millis{0}, kLongestPutOff);
  return true;
}

Result<> settle_resolve(Rows& rows, const std::string& mark) {
  TRY(const UnresolvedRow* row, rows.find<UnresolvedRow>(Bytes{mark}));
  if (row) rows.remove(*row);
  return ok();
}

Result<OpenedSession> apply_resolved(ActContext& context, const core::ApplyResolved& act) {
  Rows& rows = context.rows;
  rows.expect<SessionRow>(act.session);
  if (!act.mark.empty()) rows.expect<UnresolvedRow>(Bytes{act.mark});
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

  if (!act.mark.empty()) {
    TRY(settle_resolve(rows, act.mark));
  }
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

// Sessions that are opened beside a login.
#include <algorithm>
#include <tuple>

#include "store/accounts.h"
#include "store/directory_acts.h"
#include "store/journal.h"
#include "store/records.h"

namespace kaimen::store {

using core::OpenedSession;

namespace {

/// Web-views of one session: as many as anybody has open, and no more than a logout should end.
constexpr size_t kWebViews = 5;

Result<OpenedSession> opened(Rows& rows, const SessionRow& session, const UserRow& user) {
  OpenedSession made;
  made.user = user_of(user);
  made.session = session_of(session);
  TRY(made.revocations, revocations_of(rows, user.id));
  return made;
}

/// The oldest web-views of the session make room for one more.
Result<> end_oldest(ActContext& context, const core::HandOver& act, const SessionRow& parent, std::vector<core::Revocation>& made) {
  TRY(auto views, context.rows.list(kOpenSessionsOfUser, parent.user));
  std::erase_if(views, [&](const SessionRow* session) { return session->parent != parent.id; });
  sort_by_age(views);
  while (views.size() >= kWebViews) {
    TRY(end_one(context, *views.front(), Reason::replaced, act.now, act.revocations_until, made));
    views.erase(views.begin());
  }
  return ok();
}

}  // namespace

Result<OpenedSession> hand_over(ActContext& context, const core::HandOver& act) {
  Rows& rows = context.rows;
  rows.expect<OnceMarkRow>(Bytes{act.once});
  TRY(const SessionRow* parent, rows.find<SessionRow>(act.parent));
  if (!parent) return unauthenticated(Reason::expired);
  rows.expect(kOpenSessionsOfUser, parent->user);
  TRY(const UserRow* user, rows.find<UserRow>(parent->user));
  TRY(const OnceMarkRow* mark, rows.find<OnceMarkRow>(Bytes{act.once}));
  if (mark && context.again) {
    TRY(const SessionRow* before, rows.find<SessionRow>(act.new_session));
    if (before && user) return opened(rows, *before, *user);
  }
  if (mark) return make_error(ErrorCode::code_used, "this hand-over was used");
  if (parent->ended != Reason::none) return unauthenticated(parent->ended);
  if (!is_live(*parent, act.now)) return unauthenticated(Reason::expired);
  if (act.created_after != Time{} && parent->created_at <= act.created_after) return unauthenticated(Reason::revoked);
  if (parent->parent || !parent->actor.empty()) return make_error(ErrorCode::forbidden, "only a session of a login is handed over");
  if (!user || !admit(rows, *user, act.now)) return unauthenticated(user && user->state == UserState::disabled ? Reason::disabled : Reason::deleted);

  OpenedSession made;
  TRY(end_oldest(context, act, *parent, made.revocations));
  rows.insert(OnceMarkRow{Bytes{act.once}, act.now});
  SessionRow session;
  session.id = act.new_session;
  session.user = parent->user;
  session.app = parent->app;
  session.openid = parent->openid;
  session.unionid = parent->unionid;
  session.env = parent->env;
  session.generation_issued_at = session.created_at = act.now;
  session.absolute_expires_at = parent->absolute_expires_at;
  session.idle_expires_at = std::min(act.idle_expires_at, session.absolute_expires_at);
  session.device_platform = "web-view";
  session.parent = parent->id;
  session.entry = act.entry;
  session.purge_day = purge_day(session.idle_expires_at);
  made.user = user_of(*user);
  made.session = session_of(session);
  rows.insert(std::move(session));
  TRY(write_event(context, act.now, {"session_handed_over", parent->app, parent->user, act.new_session, Reason::none, act.source, user->project}));
  return made;
}

Result<OpenedSession> open_support(ActContext& context, const core::OpenSupport& act) {
  Rows& rows = context.rows;
  rows.expect(kIdentitiesOfUser, act.user);
  TRY(const UserRow* user, existing_user(rows, act.user));
  if (context.again) {
    TRY(const SessionRow* before, rows.find<SessionRow>(act.new_session));
    if (before) return opened(rows, *before, *user);
  }
  TRY(const auto identities, rows.list(kIdentitiesOfUser, act.user));
  if (!admit(rows, *user, act.now)) return user_refusal(*user);
  SessionRow session;
  session.id = act.new_session;
  session.user = act.user;
  session.app = act.app;
  const IdentityRow* first = nullptr;
  for (const IdentityRow* one : identities) {
    const bool fits = one->provider == act.provider && one->app_id == act.app_id;
    if (fits && (!first || std::tie(one->created_at, one->subject) < std::tie(first->created_at, first->subject))) first = one;
  }
  if (first) {
    session.openid = first->subject;
    session.unionid = first->unionid;
  }
  session.generation_issued_at = session.created_at = act.now;
  session.idle_expires_at = session.absolute_expires_at = act.until;
  session.device_platform = "support";
  session.actor = act.actor;
  session.purge_day = purge_day(act.until);
  OpenedSession made;
  made.user = user_of(*user);
  made.session = session_of(session);
  rows.insert(std::move(session));
  std::string detail = "{";
  append_text(detail, "actor", act.actor);
  detail += "}";
  TRY(write_event(context, act.now, {"support_view", act.app, act.user, act.new_session, Reason::none, act.source, user->project, detail}));
  return made;
}

}  // namespace kaimen::store

// Sessions: renewal, the ways they end, and what is known of them.
#include <algorithm>

#include "base/limits.h"
#include "store/acts.h"
#include "store/records.h"

namespace kaimen::store {

using core::Renewal;
using core::RenewSession;
using core::Revocation;
using core::Session;

namespace {

Renewal refused(Reason reason) {
  Renewal renewal{};
  renewal.kind = Renewal::Kind::refused;
  renewal.reason = reason;
  return renewal;
}

Result<Renewal> refuse_and_end(ActContext& context, const RenewSession& act, const SessionRow& session, std::string_view project, Reason reason) {
  Renewal renewal = refused(reason);
  TRY(end_one(context, session, reason, act.now, act.revocations_until, renewal.revocations));
  TRY(write_event(context, act.now, {"session_ended", session.app, session.user, session.id, reason, act.source, project}));
  return renewal;
}

void advance(Rows& rows, const RenewSession& act, const SessionRow& row) {
  SessionRow& session = rows.change(row);
  session.generation += 1;
  session.renew_generation += 1;
  session.generation_issued_at = act.now;
  session.idle_expires_at = std::min(act.idle_expires_at, session.absolute_expires_at);
  session.purge_day = purge_day(session.idle_expires_at);
}

/// What a renewal with this very token revoked when it found, a moment ago, that the answer to the one before had been lost: this is the same
/// renewal again, because its own answer or the acknowledgement of its commit was lost, or a parallel one. Null: it is not.
Result<const RevocationRow*> just_lost(Rows& rows, const RenewSession& act, const SessionRow& session) {
  if (act.now - session.generation_issued_at > limits::kRenewGrace) return nullptr;
  TRY(const RevocationRow* row, rows.find<RevocationRow>(session.id));
  return row && row->reason == Reason::renew && row->generation == session.generation - 1 ? row : nullptr;
}

}  // namespace

Result<Renewal> renew_session(ActContext& context, const RenewSession& act) {
  Rows& rows = context.rows;
  TRY(const SessionRow* session, rows.find<SessionRow>(act.session));
  if (!session || session->app != act.app) return refused(Reason::expired);
  if (session->ended != Reason::none) return refused(session->ended);
  // Before the times: a store that lags behind knows old times too.
  if (act.generation > session->renew_generation) return make_error(ErrorCode::unavailable, "the renew token is newer than the stored session");
  // Whoever acts in a user's place has their time, and no more.
  if (!is_live(*session, act.now) || !session->actor.empty()) return refused(Reason::expired);

  TRY(const UserRow* user, rows.find<UserRow>(session->user));
  if (!user || !admit(rows, *user, act.now)) {
    return refused(user && user->state == UserState::disabled ? Reason::disabled : Reason::deleted);
  }
  if (act.created_after != Time{} && session->created_at <= act.created_after) {
    return refuse_and_end(context, act, *session, user->project, Reason::revoked);
  }

  if (session->parent) {
    TRY(const SessionRow* parent, rows.find<SessionRow>(*session->parent));
    if (!parent || !is_live(*parent, act.now)) return refuse_and_end(context, act, *session, user->project, Reason::expired);
  }

  const uint32_t behind = session->renew_generation - act.generation;
  Renewal renewal{};
  if (behind == 2) {
    TRY(const RevocationRow* lost, just_lost(rows, act, *session));
    if (lost) {
      renewal.kind = Renewal::Kind::same;
      renewal.revocations.push_back(revocation_of(*lost));
      renewal.session = session_of(*session);
      renewal.user = user_of(*user);
      return renewal;
    }
  }
  if (behind > 1) return refuse_and_end(context, act, *session, user->project, Reason::reused);
  if (behind == 1 && act.now - session->generation_issued_at <= limits::kRenewGrace) {
    renewal.kind = Renewal::Kind::same;
  } else {
    // The last generation that can be told from "all": such a session must begin anew.
    if (session->generation >= kAllGenerations - 1) return refuse_and_end(context, act, *session, user->project, Reason::expired);
    renewal.kind = behind == 0 ? Renewal::Kind::next : Renewal::Kind::lost;
    if (renewal.kind == Renewal::Kind::lost) {
      TRY(revoke(context, {session->id, session->generation, Reason::renew, act.revocations_until}, renewal.revocations));
      TRY(write_event(context, act.now, {"renewal_lost", session->app, session->user, session->id, Reason::renew, act.source, user->project}));
    }
    advance(rows, act, *session);
  }
  renewal.session = session_of(*session);
  renewal.user = user_of(*user);
  return renewal;
}

// Of a session that has ended already nothing is revoked, except where this very act may have ended it before.
Result<std::vector<Revocation>> end_session(ActContext& context, const core::EndSession& act) {
  Rows& rows = context.rows;
  TRY(const SessionRow* session, rows.find<SessionRow>(act.session));
  if (!session || (act.user && session->user != *act.user)) return make_error(ErrorCode::not_found, "no such session");
  if (session->ended != Reason::none) {
    if (!context.again) return std::vector<Revocation>{};
    return revocations_of(rows, session->user);
  }
  std::vector<Revocation> made;
  rows.expect<RevocationRow>(session->id);
  rows.expect(kOpenSessionsOfUser, session->user);
  TRY(const UserRow* user, rows.find<UserRow>(session->user));
  if (user) rows.touch(*user);
  TRY(end_one(context, *session, act.reason, act.now, act.revocations_until, made));
  TRY(write_event(context, act.now, {"session_ended", session->app, session->user, session->id, act.reason, act.source, user ? std::string_view(user->project) : ""}));
  return made;
}

// Sessions that have run out are ended too: a clock that is set back must not revive them.
Result<std::vector<Revocation>> end_sessions(ActContext& context, const core::EndSessions& act) {
  Rows& rows = context.rows;
  rows.expect<UserRow>(act.user);
  TRY(auto open, rows.list(kOpenSessionsOfUser, act.user));
  const std::vector<Id> spared = family_of(open, act.except);
  std::erase_if(open, [&](const SessionRow* session) {
    return std::ranges::find(spared, session->id) != spared.end() || (act.app && session->app != *act.app);
  });
  std::vector<Revocation> made;
  if (context.again) {
    TRY(made, revocations_of(rows, act.user));
  }
  if (open.empty()) return made;
  expect_ends(rows, open);
  TRY(const UserRow* user, rows.find<UserRow>(act.user));
  if (user) rows.touch(*user);
  for (const SessionRow* session : open) {
    TRY(end_alone(context, *session, act.reason, act.now, act.revocations_until, made));
  }
  TRY(write_event(context, act.now, {"sessions_ended", act.app, act.user, std::nullopt, act.reason, act.source, user ? std::string_view(user->project) : ""}));
  return made;
}

Result<core::SessionView> find_session(ActContext& context, const Id& id) {
  TRY(const SessionRow* session, context.rows.find<SessionRow>(id));
  if (!session) return make_error(ErrorCode::not_found, "no such session");
  TRY(const UserRow* user, context.rows.find<UserRow>(session->user));
  if (!user) return make_error(ErrorCode::not_found, "the session's user is gone");
  return core::SessionView{session_of(*session), user_of(*user)};
}

Result<std::vector<Session>> list_sessions(ActContext& context, const Id& user, Time now) {
  TRY(auto open, context.rows.list(kOpenSessionsOfUser, user));
  std::erase_if(open, [&](const SessionRow* session) { return !is_live(*session, now); });
  sort_by_age(open);
  std::vector<Session> sessions;
  for (auto session = open.rbegin(); session != open.rend(); ++session) sessions.push_back(session_of(**session));
  return sessions;
}

Result<std::vector<Revocation>> live_revocations(ActContext& context, Time now) {
  static constexpr Scan kLive{&kTable<RevocationRow>, "until > ?", ""};
  TRY(const auto rows, context.rows.scan<RevocationRow>(kLive, now));
  std::vector<Revocation> live;
  live.reserve(rows.size());
  for (const RevocationRow& row : rows) live.push_back(revocation_of(row));
  return live;
}

}  // namespace kaimen::store

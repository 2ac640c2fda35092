// Sessions: renewal, the ways they end, and what is known of them.
#include <algorithm>

#include "base/limits.h"
#include "store/acts.h"
#include "store/rows.h"

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

Result<Renewal> refuse_and_end(ActContext& context, const RenewSession& act, const Session& session, Reason reason) {
  Renewal renewal = refused(reason);
  TRY(end_one(context.db, session.id, reason, act.now, act.revocations_until, renewal.revocations));
  TRY(write_event(context, act.now, {"session_ended", session.app, session.user, session.id, reason, act.request_id}));
  return renewal;
}

Result<> advance(Database& db, const RenewSession& act, Session& session) {
  session.generation += 1;
  session.generation_issued_at = act.now;
  session.idle_expires_at = std::min(act.idle_expires_at, session.absolute_expires_at);
  TRY(db.run("UPDATE sessions SET generation = ?, generation_issued_at = ?, idle_expires_at = ?, purge_day = ? WHERE id = ?",
             session.generation, act.now, session.idle_expires_at, purge_day(session.idle_expires_at), session.id));
  return ok();
}

}  // namespace

Result<Renewal> renew_session(ActContext& context, const RenewSession& act) {
  Database& db = context.db;
  TRY(auto found, read_session(db, act.session));
  if (!found || found->app != act.app) return refused(Reason::expired);
  Session session = std::move(*found);
  if (session.ended) return refused(*session.ended);
  // Before the times: a store that lags behind knows old times too.
  if (act.generation > session.generation) return make_error(ErrorCode::unavailable, "the renew token is newer than the stored session");
  if (!is_live(session, act.now)) return refused(Reason::expired);

  TRY(const bool active, touch_active_user(db, session.user, act.now));
  TRY(auto user, read_user(db, session.user));
  if (!active) return refused(user && user->state == UserState::disabled ? Reason::disabled : Reason::deleted);
  if (act.created_after != Time{} && session.created_at <= act.created_after) {
    return refuse_and_end(context, act, session, Reason::revoked);
  }

  const uint32_t behind = session.generation - act.generation;
  if (behind > 1) return refuse_and_end(context, act, session, Reason::reused);
  Renewal renewal{};
  if (behind == 1 && act.now - session.generation_issued_at <= limits::kRenewGrace) {
    renewal.kind = Renewal::Kind::same;
  } else {
    // The last generation that can be told from "all": such a session must begin anew.
    if (session.generation >= kAllGenerations - 1) return refuse_and_end(context, act, session, Reason::expired);
    renewal.kind = behind == 0 ? Renewal::Kind::next : Renewal::Kind::lost;
    if (renewal.kind == Renewal::Kind::lost) {
      TRY(revoke(db, {session.id, session.generation, Reason::renew, act.revocations_until}, renewal.revocations));
      TRY(write_event(context, act.now, {"renewal_lost", session.app, session.user, session.id, Reason::renew, act.request_id}));
    }
    TRY(advance(db, act, session));
  }
  renewal.session = std::move(session);
  renewal.user = std::move(user->user);
  return renewal;
}

Result<std::vector<Revocation>> end_session(ActContext& context, const core::EndSession& act) {
  TRY(const auto session, read_session(context.db, act.session));
  if (!session || (act.user && session->user != *act.user)) return make_error(ErrorCode::not_found, "no such session");
  std::vector<Revocation> made;
  if (session->ended) return made;
  TRY(touch_user(context.db, session->user));
  TRY(end_one(context.db, session->id, act.reason, act.now, act.revocations_until, made));
  TRY(write_event(context, act.now, {"session_ended", session->app, session->user, session->id, act.reason, act.request_id}));
  return made;
}

// Sessions that have run out are ended too: a clock that is set back must not revive them.
Result<std::vector<Revocation>> end_sessions(ActContext& context, const core::EndSessions& act) {
  TRY(auto open, read_open_sessions(context.db, act.user));
  std::erase_if(open, [&](const Session& session) { return session.id == act.except || (act.app && session.app != *act.app); });
  std::vector<Revocation> made;
  if (open.empty()) return made;
  TRY(touch_user(context.db, act.user));
  for (const Session& session : open) {
    TRY(end_one(context.db, session.id, act.reason, act.now, act.revocations_until, made));
  }
  TRY(write_event(context, act.now, {"sessions_ended", act.app, act.user, std::nullopt, act.reason, act.request_id}));
  return made;
}

Result<core::SessionView> find_session(ActContext& context, const Id& id) {
  TRY(auto session, read_session(context.db, id));
  if (!session) return make_error(ErrorCode::not_found, "no such session");
  TRY(auto user, read_user(context.db, session->user));
  if (!user) return make_error(ErrorCode::not_found, "the session's user is gone");
  return core::SessionView{std::move(*session), std::move(user->user)};
}

Result<std::vector<Session>> list_sessions(ActContext& context, const Id& user, Time now) {
  TRY(auto open, read_open_sessions(context.db, user));
  std::erase_if(open, [&](const Session& session) { return !is_live(session, now); });
  std::ranges::reverse(open);
  return open;
}

Result<std::vector<Revocation>> live_revocations(ActContext& context, Time now) {
  Statement row(context.db, "SELECT session_id, generation, reason, until FROM revocations WHERE until > ?");
  row.bind(now);
  std::vector<Revocation> live;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) return live;
    live.push_back({row.id(0), row.number(1), static_cast<Reason>(row.integer(2)), row.time(3)});
  }
}

}  // namespace kaimen::store

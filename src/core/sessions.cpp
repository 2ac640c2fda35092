#include "core/sessions.h"

#include "core/revocation_life.h"

namespace kaimen::core {

Task<Result<LoginAnswer>> Sessions::renew(std::string renew_token, Trace* trace) {
  const auto opened = tickets_.open_renew(renew_token);
  if (!opened) co_return unauthenticated(Reason::malformed);
  const AppPtr app = live_.apps.get()->find(opened->app);
  if (!app) co_return unauthenticated(Reason::deleted);
  trace->app_id = app->app_id;
  trace->session_id = opened->session.hex();
  if (app->disabled) co_return unauthenticated(Reason::disabled);
  auto followed = co_await follow_key(app, opened->session, trace);
  CO_TRY(std::move(followed));

  const Time now = live_.clock.now();
  RenewSession act;
  act.session = opened->session;
  act.app = opened->app;
  act.generation = opened->generation;
  act.created_after = app->revoked_before;
  act.now = now;
  act.idle_expires_at = now + app->settings.idle_seconds;
  act.revocations_until = revocations_until(now);
  act.source = trace->source;
  Result<Renewal> renewed = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    renewed = co_await store_.renew_session(std::move(act));
  }
  CO_TRY(auto renewal, std::move(renewed));
  live_.revoke(renewal.revocations);
  if (renewal.kind == Renewal::Kind::refused) {
    // Whose token is dead may bring it for ever: of one session no more is written down than one user may cause.
    if (!user_rates_.admit(opened->session, now)) co_return unauthenticated(renewal.reason);
    Note refusal;
    refusal.kind = "renewal_refused";
    refusal.app = app->number;
    refusal.project = app->project;
    refusal.session = opened->session;
    refusal.reason = renewal.reason;
    refusal.source = trace->source;
    co_await journal_.note(std::move(refusal));
    co_return unauthenticated(renewal.reason);
  }

  LoginAnswer answer;
  answer.app = app;
  answer.session = std::move(*renewal.session);
  answer.user = std::move(*renewal.user);
  trace->user_id = answer.user.id.hex();
  CO_TRY(answer.tokens, tickets_.issue(*app, answer.session, answer.user, now));
  co_return answer;
}

Task<Result<>> Sessions::follow_key(AppPtr app, Id session, Trace* trace) {
  if (!app->settings.session_follows_key) co_return ok();
  auto found = co_await view(session, trace);
  // What does not live any more is answered by the act itself, with its own reason.
  if (found.has_error()) co_return ok();
  auto asked = co_await key_stands(app, found.value(), trace);
  // WeChat's bad days end nobody's session, nor does what cannot be asked. But nobody gets past the question by asking too often.
  if (asked.has_error() && asked.error().code == ErrorCode::rate_limited && !asked.error().upstream) co_return asked.error();
  if (asked.has_value() && asked.value() == false) co_return unauthenticated(Reason::expired);
  co_return ok();
}

Task<Result<std::optional<bool>>> Sessions::key_stands(AppPtr app, SessionView view, Trace* trace) {
  if (view.session.openid.empty() || !has_session_keys(app->platform)) co_return std::nullopt;
  CO_TRY(user_rates_.admit(view.user.id, live_.clock.now()));
  auto asked = co_await open_data_.key_stands(app, view.session.openid, trace);
  co_return asked;
}

Task<Result<SessionView>> Sessions::view(Id session, Trace* trace) {
  Result<SessionView> found = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    found = co_await store_.find_session(session);
  }
  if (found.has_error()) {
    if (found.error().code == ErrorCode::not_found) co_return unauthenticated(Reason::expired);
    co_return found.error();
  }
  const SessionView& view = found.value();
  const Time now = live_.clock.now();
  if (view.session.ended) co_return unauthenticated(*view.session.ended);
  if (view.user.disabled && !(view.user.disabled_until && *view.user.disabled_until <= now)) co_return unauthenticated(Reason::disabled);
  if (now >= view.session.idle_expires_at || now >= view.session.absolute_expires_at) co_return unauthenticated(Reason::expired);
  co_return found;
}

Task<Result<std::string>> Sessions::fresh_ticket(Id session, Trace* trace) {
  auto found = co_await view(session, trace);
  CO_TRY(const auto standing, std::move(found));
  const AppPtr app = live_.apps.get()->find(standing.session.app);
  if (!app) co_return unauthenticated(Reason::deleted);
  CO_TRY(auto issued, tickets_.issue(*app, standing.session, standing.user, live_.clock.now()));
  co_return std::move(issued.token);
}

Task<Result<std::vector<Session>>> Sessions::list(Id user) {
  auto listed = co_await store_.list_sessions(user, live_.clock.now());
  co_return listed;
}

Task<Result<>> Sessions::end(Id session, std::optional<Id> user, Reason reason, Trace* trace) {
  EndSession act;
  act.session = session;
  act.user = user;
  act.reason = reason;
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto ended = co_await store_.end_session(std::move(act));
  CO_TRY(auto made, std::move(ended));
  live_.revoke(made);
  co_return ok();
}

Task<Result<>> Sessions::end_all(Id user, std::optional<Id> except, std::optional<uint32_t> app, Reason reason, Trace* trace) {
  EndSessions act;
  act.user = user;
  act.except = except;
  act.app = app;
  act.reason = reason;
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto ended = co_await store_.end_sessions(std::move(act));
  CO_TRY(auto made, std::move(ended));
  live_.revoke(made);
  co_return ok();
}

Task<Result<>> Sessions::disable_user(Id user, std::optional<Time> until, std::string message, Trace* trace) {
  DisableUser act;
  act.user = user;
  act.until = until;
  act.message = std::move(message);
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  auto disabled = co_await store_.disable_user(std::move(act));
  CO_TRY(auto made, std::move(disabled));
  live_.revoke(made);
  co_return ok();
}

Task<Result<>> Sessions::enable_user(Id user, Trace* trace) {
  auto enabled = co_await store_.enable_user(user, live_.clock.now(), trace->source);
  co_return enabled;
}

Task<Result<>> Sessions::load_revocations() {
  // All there are, not only those that live by this clock: at a start it may be far ahead, and what it hides would revive tickets once it is
  // set right. What is really past is purged.
  auto read = co_await store_.revocations(Time{});
  CO_TRY(auto rows, std::move(read));
  live_.revoke(rows);
  co_return ok();
}

}  // namespace kaimen::core

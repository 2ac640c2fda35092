#include "core/resolving.h"

#include "core/directory.h"
#include "core/profile.h"
#include "core/revocation_life.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

/// By the rules that hold for whoever sets these. What nobody can be is nonsense of an upstream, not a bad request.
Result<> check_found(ResolvedUser& found) {
  const Error nonsense = make_error(ErrorCode::upstream_error, "resolve_url answered what no user can be");
  ProfileChange change;
  change.nickname = found.nickname;
  change.attributes = found.attributes;
  if (!is_subject(found.external_id) || !check_change(change)) return nonsense;
  if (!found.roles) return ok();
  auto roles = checked_roles(std::move(*found.roles));
  if (!roles) return nonsense;
  found.roles = std::move(roles.value());
  return ok();
}

Millis steady_now() { return std::chrono::floor<Millis>(std::chrono::steady_clock::now().time_since_epoch()); }

}  // namespace

std::string Resolving::mark_of(const App& app, const std::string& openid) {
  return crypto::sha256("resolve\n" + app.platform + "\n" + app.app_id + "\n" + openid);
}

Breaker& Resolving::breaker_of(uint32_t app) {
  std::lock_guard lock(mutex_);
  return breakers_.try_emplace(app, kResolveFailures).first->second;
}

// Only what a user has waited for counts against the backend: one that refuses at once costs nobody anything.
Task<Result<std::optional<ResolvedUser>>> Resolving::ask(WhoIs who) {
  Breaker& breaker = breaker_of(who.app->number);
  const Millis begun = steady_now();
  if (!breaker.admits(begun)) co_return make_error(ErrorCode::upstream_error, "resolve_url has not answered for a while");
  auto asking = resolver_.ask(std::move(who), live_.clock.now(), deadline_in(kResolveTime));
  auto asked = co_await std::move(asking);
  const Millis ended = steady_now();
  if (asked.has_error() && ended - begun >= kResolveTime / 2) breaker.failed(ended);
  else breaker.answered();
  co_return asked;
}

Task<Result<>> Resolving::run(WhoIs who, Session* session, User* user, Trace* trace) {
  if (who.app->resolve_secret.empty()) co_return make_error(ErrorCode::app_misconfigured, "the app has a resolve_url and no resolve_secret");
  std::string mark = mark_of(*who.app, who.openid);
  auto asking = ask(std::move(who));
  auto asked = co_await std::move(asking);
  if (asked.has_error() && asked.error().code == ErrorCode::invalid_request) co_return make_error(ErrorCode::app_misconfigured, asked.error().detail);
  CO_TRY(auto found, std::move(asked));
  if (!found) {
    auto settled = co_await store_.settle_resolve(std::move(mark));
    static_cast<void>(settled);  // else it is asked again, which is no harm
    co_return ok();
  }
  CO_TRY(check_found(*found));
  ApplyResolved act;
  act.user = user->id;
  act.session = session->id;
  act.mark = std::move(mark);
  act.external_id = std::move(found->external_id);
  act.roles = std::move(found->roles);
  act.nickname = std::move(found->nickname);
  act.attributes = std::move(found->attributes);
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  act.source.actor = "resolve_url";
  Result<OpenedSession> applying = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    applying = co_await store_.apply_resolved(std::move(act));
  }
  CO_TRY(auto applied, std::move(applying));
  live_.revoke(applied.revocations);
  *session = std::move(applied.session);
  *user = std::move(applied.user);
  co_return ok();
}

}  // namespace kaimen::core

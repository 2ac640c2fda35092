// How a token is asked for: with the app's secret; of a component with its ticket; of an app that has authorised one with the component's token
// and the app's refresh token.
#include "base/limits.h"
#include "core/access_tokens.h"
#include "core/app_disabled.h"
#include "core/component_store.h"

namespace kaimen::core {

namespace {
Error platform_gone() { return make_error(ErrorCode::internal, "the app's platform is gone"); }
constexpr std::string_view kNoTicket = "WeChat has not pushed a component_verify_ticket yet: it does so every ten minutes";
Error lost(const App& app) {
  return make_error(ErrorCode::app_misconfigured, "the refresh token of " + app.app_id + " is lost: its administrator has to authorise again");
}
}  // namespace

bool AccessTokens::is_lasting(const Error& error) {
  const bool our_own = error.code == ErrorCode::unavailable || error.code == ErrorCode::internal || error.detail == kNoTicket;
  return error.upstream || !our_own;
}

Task<Result<RefreshedToken>> AccessTokens::ask_platform(AppPtr app) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return platform_gone();
  if (app->authorization) {
    auto asked = co_await ask_by_component(app);
    co_return asked;
  }
  if (ComponentPlatform* component = platform->component()) {
    auto asked = co_await ask_as_component(app, component);
    co_return asked;
  }
  auto answer = co_await platform->fetch_access_token(app, deadline_in(limits::kUpstreamTotal));
  if (answer.has_error()) co_return answer.error().error;
  co_return RefreshedToken{std::move(answer.value()), Secret()};
}

Task<Result<RefreshedToken>> AccessTokens::ask_as_component(AppPtr component, ComponentPlatform* platform) {
  auto read = co_await store_.components().ticket(component->app_id);
  CO_TRY(const std::string sealed, std::move(read));
  if (sealed.empty()) co_return make_error(ErrorCode::app_misconfigured, std::string(kNoTicket));
  CO_TRY(auto ticket, vault_.open("component_ticket", component->app_id, sealed));
  auto answer = co_await platform->fetch_component_token(component, std::move(ticket), deadline_in(limits::kUpstreamTotal));
  if (answer.has_error()) co_return answer.error().error;
  co_return RefreshedToken{std::move(answer.value()), Secret()};
}

Task<Result<RefreshedToken>> AccessTokens::ask_by_component(AppPtr app) {
  const AppPtr component = app->authorization->component;
  Platform* found = platforms_.find(component->platform);
  ComponentPlatform* platform = found ? found->component() : nullptr;
  if (!platform) co_return platform_gone();
  auto read = co_await store_.components().refresh_token(app->app_id);
  CO_TRY(const std::string sealed, std::move(read));
  Secret refresh_token;
  if (!sealed.empty()) {
    CO_TRY(refresh_token, vault_.open("refresh_token", app->app_id, sealed));
  }
  Trace trace;  // the caller's own is about the caller's own call
  const Deadline deadline = deadline_in(limits::kUpstreamTotal);
  for (bool again = false;; again = true) {
    if (!refresh_token.empty()) {
      std::function<Task<CallResult<RefreshedToken>>(Secret)> refresh = [&](Secret token) {
        return platform->refresh_authorizer_token(component, std::move(token), app->app_id, refresh_token, deadline);
      };
      auto refreshed = co_await call<RefreshedToken>(component, refresh, &trace);
      if (refreshed.has_value()) {
        // One that we got back by asking is to be kept as well.
        if (again && refreshed.value().refresh_token.empty()) refreshed.value().refresh_token = refresh_token;
        co_return refreshed;
      }
      if (refreshed.error().code != ErrorCode::code_invalid) co_return refreshed;
      if (again) co_return lost(*app);
    }
    // It is not the current one: an answer that brought a newer one was lost, with the node that waited for it. WeChat tells it again.
    std::function<Task<CallResult<AuthorizationGrant>>(Secret)> look = [&](Secret token) {
      return platform->grant_of_app(component, std::move(token), app->app_id, deadline);
    };
    auto seen = co_await call<AuthorizationGrant>(component, look, &trace);
    CO_TRY(const auto grant, std::move(seen));
    if (grant.refresh_token.empty() || grant.refresh_token == refresh_token) co_return lost(*app);
    refresh_token = grant.refresh_token;
  }
}

Task<Result<bool>> AccessTokens::save(AppPtr app, uint64_t lease, const RefreshedToken& fetched, Time expires_at, Time now) {
  CO_TRY(auto sealed, vault_.seal("access_token", app->app_id, fetched.token.token));
  if (!app->authorization) {
    auto saved = co_await store_.save_access_token(app->app_id, lease, std::move(sealed), expires_at, now);
    co_return saved;
  }
  SaveAuthorizerToken act;
  act.app_id = app->app_id;
  act.lease = lease;
  act.token_sealed = std::move(sealed);
  act.expires_at = expires_at;
  act.now = now;
  if (!fetched.refresh_token.empty()) {
    CO_TRY(act.refresh_sealed, vault_.seal("refresh_token", app->app_id, fetched.refresh_token));
  }
  auto saved = co_await store_.components().save_authorizer_token(std::move(act));
  co_return saved;
}

Task<Result<>> AccessTokens::ask(AppPtr app) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) co_return platform_gone();
  if (platform->component() && app->disabled) co_return app_disabled();
  if (app->authorization || platform->component()) {
    auto kept = co_await get(app);
    CO_TRY(std::move(kept));
    co_return ok();
  }
  auto asked = co_await ask_platform(app);
  CO_TRY(std::move(asked));
  note_answer(app, nullptr);
  co_return ok();
}

}  // namespace kaimen::core

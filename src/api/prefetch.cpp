#include "api/prefetch.h"

#include "api/wire.h"
#include "base/limits.h"

namespace kaimen::api {

namespace {

constexpr size_t kPrefetchBytes = 256 * 1024;  // what WeChat takes

std::string parameter(const Call& call, std::string_view name) {
  const auto* value = call.query.find(name);
  return value ? *value : std::string();
}

/// Who is coming, with a ticket that says so.
struct Coming {
  core::AppPtr app;
  std::string ticket;
  http::Response answer;  ///< Where the app has no prefetch_url.
};

Task<Result<Coming>> by_token(Call& call, core::AppPtr app, std::string token) {
  const auto opened = call.services.tickets.open_prefetch(token);
  if (!opened || opened->app != app->number) co_return unauthenticated(Reason::malformed);
  call.trace.session_id = opened->session.hex();
  auto found = co_await call.services.sessions.view(opened->session, &call.trace);
  CO_TRY(const auto view, std::move(found));
  if (view.session.created_at <= app->revoked_before) co_return unauthenticated(Reason::revoked);
  call.trace.user_id = view.user.id.hex();
  Coming coming;
  coming.app = app;
  auto fresh = co_await call.services.sessions.fresh_ticket(opened->session, &call.trace);
  CO_TRY(coming.ticket, std::move(fresh));
  CO_TRY(auto user, user_json(call, view.user, *app, view.session.openid));
  const http::json::object body{{"session", session_json(view.session)}, {"user", std::move(user)}};
  coming.answer = json_response(200, body, true);
  co_return coming;
}

// The code is one of wx.login, called by WeChat itself. What it makes is the session the mini program finds ready when it starts. Anybody may
// ask here, so what a code costs is bounded apart from the logins of clients.
Task<Result<Coming>> by_code(Call& call, core::AppPtr app, std::string code) {
  if (!app->settings.prefetch_code) co_return make_error(ErrorCode::forbidden, "the app has not the setting prefetch_code");
  core::LoginRequest request;
  request.app = app;
  request.code = Secret(std::move(code));
  request.prefetched = true;
  auto logged_in = co_await call.services.login.run(std::move(request), &call.trace);
  CO_TRY(const auto answer, std::move(logged_in));
  Coming coming;
  coming.app = app;
  coming.ticket = answer.tokens.token;
  CO_TRY(coming.answer, login_response(call, answer, false));
  co_return coming;
}

/// The team's own answer: asked with the ticket, as if the client itself were asking.
Task<Result<http::Response>> ask_backend(Call& call, const Coming& coming) {
  core::OutboundRequest request;
  request.method = "GET";
  request.url = coming.app->settings.prefetch_url;
  char separator = request.url.find('?') == std::string::npos ? '?' : '&';
  for (const std::string_view name : {"path", "query", "scene", "timestamp", "customMiniprogramVersion"}) {
    const auto* value = call.query.find(name);
    if (!value) continue;
    request.url.append(1, std::exchange(separator, '&')).append(name).append("=").append(http::url_encode(*value));
  }
  request.headers.emplace_back("Authorization", "Bearer " + coming.ticket);
  request.headers.emplace_back("X-Request-Id", call.trace.source.request_id);
  request.deadline = deadline_in(limits::kUpstreamTotal);
  request.max_body_bytes = kPrefetchBytes;
  auto sending = call.services.outbound.send(std::move(request));
  auto sent = co_await std::move(sending);
  if (sent.has_error()) co_return make_error(ErrorCode::upstream_error, "prefetch_url: " + sent.error().detail);
  if (sent.value().status != 200) co_return make_error(ErrorCode::upstream_error, "prefetch_url answered " + std::to_string(sent.value().status));
  http::Response response;
  const std::string& type = sent.value().content_type;
  response.set("Content-Type", type.starts_with("application/json") ? "application/json" : "text/plain");
  response.set("X-Content-Type-Options", "nosniff").set("Cache-Control", "no-store");
  response.body = std::move(sent.value().body);
  co_return response;
}

}  // namespace

Answer make_prefetch_token(Call& call, const Visitor& visitor) {
  auto found = co_await call.services.sessions.view(visitor.session, &call.trace);
  CO_TRY(const auto view, std::move(found));
  CO_TRY(const auto token, call.services.tickets.prefetch_token(visitor.session, visitor.app->number));
  const auto end = std::min(view.session.idle_expires_at, view.session.absolute_expires_at);
  const auto left = std::chrono::floor<Seconds>(end - call.services.live.clock.now());
  co_return json_response(200, http::json::object{{"token", token}, {"expires_in", left.count()}}, true);
}

Answer prefetch(Call& call) {
  const std::string token = parameter(call, "token"), code = parameter(call, "code");
  std::string app_id = parameter(call, "appid");
  if (app_id.empty()) app_id = parameter(call, "app_id");
  if (token.empty() == code.empty()) co_return make_error(ErrorCode::invalid_request, "give either token or code");
  const core::AppPtr app = call.services.apps.find(app_id);
  if (!app) co_return make_error(ErrorCode::not_found, "there is no app with this appid");
  call.trace.app_id = app_id;
  if (app->disabled) co_return unauthenticated(Reason::disabled);
  Result<Coming> came = make_error(ErrorCode::internal);
  if (token.empty()) {
    came = co_await by_code(call, app, code);
  } else {
    came = co_await by_token(call, app, token);
  }
  CO_TRY(auto coming, std::move(came));
  if (app->settings.prefetch_url.empty()) co_return std::move(coming.answer);
  auto answered = co_await ask_backend(call, coming);
  co_return answered;
}

}  // namespace kaimen::api

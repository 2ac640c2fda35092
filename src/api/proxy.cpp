#include "api/proxy.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "api/admin.h"
#include "api/presented.h"
#include "core/app_disabled.h"

namespace kaimen::api {

namespace {

constexpr std::array<std::string_view, 6> kProxiedMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
// What says what the body is. All else is between the caller and us.
constexpr std::array<std::string_view, 2> kProxiedHeaders{"Content-Type", "Accept"};

Result<core::AppPtr> enabled_app_in_path(Call& call, const core::Caller& caller) {
  TRY(auto app, app_in_path(call, caller));
  if (app->disabled) return core::app_disabled();
  return app;
}

http::Response token_response(const Call& call, const core::AccessToken& token) {
  const auto left = std::chrono::floor<Seconds>(token.expires_at - call.services.live.clock.now());
  return json_response(200, http::json::object{{"access_token", token.token.reveal()}, {"expires_in", std::max<int64_t>(left.count(), 0)}}, true);
}

Error no_other(const Call& call, const core::App& app) {
  Error error = make_error(ErrorCode::upstream_error, "WeChat was asked for another access_token within the last 30 s: there is none yet");
  error.retry_after = std::max(call.services.access_tokens.no_other_for(app), Seconds{1});
  return error;
}

}  // namespace

Answer show_access_token(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, enabled_app_in_path(call, caller));
  auto got = co_await call.services.access_tokens.get(app);
  CO_TRY(const auto token, std::move(got));
  co_return token_response(call, token);
}

Answer reject_access_token(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, enabled_app_in_path(call, caller));
  http::Reader reader(call.body);
  const Secret rejected(reader.require_string({"access_token"}));
  CO_TRY(call.finish(reader));
  auto got = co_await call.services.access_tokens.get(app, rejected);
  CO_TRY(const auto token, std::move(got));
  if (token.token == rejected) co_return no_other(call, *app);
  co_return token_response(call, token);
}

Answer call_wechat(Call& call, const core::Caller& caller) {
  CO_TRY(const auto app, app_in_path(call, caller));
  if (std::ranges::find(kProxiedMethods, call.http.method) == kProxiedMethods.end()) co_return make_error(ErrorCode::method_not_allowed, "calls to WeChat are GET or POST");
  core::ProxyCall out;
  // The server leaves out the body of an answer to HEAD.
  out.method = call.http.method == "HEAD" ? "GET" : std::string(call.http.method);
  out.path = call.path[1];
  out.query = call.query.items;
  out.body = call.http.body;
  for (const std::string_view name : kProxiedHeaders) {
    if (const auto* value = call.http.header(name)) out.headers.emplace_back(name, *value);
  }
  auto passed = co_await call.services.proxy.pass(app, std::move(out), &call.trace);
  CO_TRY(auto answer, std::move(passed));
  http::Response response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  response.set("Cache-Control", "no-store").set("X-Content-Type-Options", "nosniff");
  response.body = std::move(answer.body);
  co_return response;
}

void add_proxy_counts(const core::Proxy& proxy, std::string& text) {
  text += "# HELP kaimen_wechat_calls_total Calls to WeChat for backends, by app, path and outcome.\n# TYPE kaimen_wechat_calls_total counter\n";
  for (const auto& counted : proxy.counts()) {
    // Both are of the plain characters of ids and paths.
    const std::string labels = "kaimen_wechat_calls_total{app_id=\"" + counted.app_id + "\",path=\"" + counted.path + "\",outcome=\"";
    for (const auto& [outcome, count] : {std::pair{"ok", counted.answered}, {"errcode", counted.refused}, {"failed", counted.failed}}) {
      if (count > 0) text += labels + outcome + "\"} " + std::to_string(count) + "\n";
    }
  }
}

bool may_call_wechat(const http::Request& head, core::Services& services, Surface surface) {
  constexpr std::string_view prefix = "/admin/v1/apps/";
  if (surface == Surface::public_ || !head.path.starts_with(prefix) || head.path.find("/wechat/") == head.path.npos) return false;
  if (surface == Surface::admin && head.peer && head.peer->is_unix && head.peer->uid == ::getuid()) return true;
  const std::string_view key = bearer(head);
  const auto caller = key.empty() ? nullptr : services.access_keys.find(key);
  return caller && caller->may(core::Scope::wechat);
}

}  // namespace kaimen::api

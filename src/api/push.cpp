#include "api/push.h"

#include <algorithm>

namespace kaimen::api {

namespace {

constexpr size_t kEchoBytes = 128;

Result<core::AppPtr> app_in_path(Call& call) {
  auto app = call.services.apps.find(call.path[0]);
  if (!app) return make_error(ErrorCode::not_found, "there is no app with this app_id");
  call.trace.app_id = app->app_id;
  return app;
}

core::Push push_of(const Call& call, std::string_view signature) {
  const auto text = [&](std::string_view name) {
    const auto* value = call.query.find(name);
    return value ? *value : std::string();
  };
  return {text("timestamp"), text("nonce"), text(signature), std::string(call.http.body)};
}

http::Response reply(std::string type, std::string text) {
  http::Response response;
  response.set("Content-Type", std::move(type)).set("X-Content-Type-Options", "nosniff");
  response.body = std::move(text);
  return response;
}

}  // namespace

Answer check_push_url(Call& call) {
  CO_TRY(const auto app, app_in_path(call));
  const auto* echo = call.query.find("echostr");
  const bool sane = echo && !echo->empty() && echo->size() <= kEchoBytes && std::ranges::all_of(*echo, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("+/=-_").find(c) != std::string_view::npos;
  });
  if (!sane) co_return make_error(ErrorCode::invalid_request, "echostr is missing");
  CO_TRY(call.services.pushes.check(*app, push_of(call, "signature")));
  co_return reply("text/plain", *echo);
}

Answer receive_push(Call& call) {
  CO_TRY(auto app, app_in_path(call));
  core::Push push = push_of(call, "msg_signature");
  auto received = co_await call.services.pushes.receive(std::move(app), std::move(push), &call.trace);
  CO_TRY(auto heard, std::move(received));
  co_return reply(std::move(heard.type), std::move(heard.body));
}

}  // namespace kaimen::api

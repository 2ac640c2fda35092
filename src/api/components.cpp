#include "api/components.h"

#include <algorithm>

#include "api/admin.h"
#include "api/wire.h"
#include "http/client.h"

namespace kaimen::api {

namespace {

constexpr size_t kCodeBytes = 1024;

Result<core::AppPtr> component_in_path(const Call& call) {
  auto app = call.services.apps.find(call.path[0]);
  if (!app || !call.services.components.is_component(*app)) return make_error(ErrorCode::not_found, "there is no such third-party platform");
  return app;
}

Result<core::AppPtr> component_in_path(Call& call, const core::Caller& caller) {
  TRY(auto app, app_in_path(call, caller));
  if (!call.services.components.is_component(*app)) return make_error(ErrorCode::invalid_request, "the app is no third-party platform");
  return app;
}

/// Where the app is to come to: the caller's own project, or the one that is named.
Result<std::string> project_for(const core::App& component, const core::Caller& caller, const std::optional<std::string>& named) {
  const std::string project = named.value_or(component.project);
  if (out_of_reach(caller, project)) return make_error(ErrorCode::forbidden, "this key is bound to another project");
  return project;
}

Result<std::string> url_of(const std::optional<std::string>& text, const char* name) {
  if (!text || text->empty()) return std::string();
  const bool sane = std::ranges::all_of(*text, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  const size_t host = text->find("://");
  const size_t path = host == text->npos ? host : text->find_first_of("/?", host + 3);
  const bool web = text->starts_with("https://") || text->starts_with("http://");
  if (!sane || !web || !http::BaseUrl::parse(std::string_view(*text).substr(0, path))) {
    return make_error(ErrorCode::invalid_request, std::string(name) + " must be an absolute http or https URL without a fragment");
  }
  return *text;
}

Result<Secret> code_of(std::string text) {
  const bool sane = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  if (text.empty() || text.size() > kCodeBytes || !sane) return make_error(ErrorCode::invalid_request, "auth_code must be 1 to 1024 printable ASCII characters");
  return Secret(std::move(text));
}

http::Response page(std::string text) {
  http::Response response;
  response.set("Content-Type", "text/plain; charset=utf-8").set("X-Content-Type-Options", "nosniff").set("Cache-Control", "no-store");
  response.body = std::move(text);
  return response;
}

}  // namespace

Answer make_authorization_link(Call& call, const core::Caller& caller) {
  CO_TRY(const auto component, component_in_path(call, caller));
  http::Reader reader(call.body);
  core::LinkRequest request;
  const auto project = reader.string({"project"}), redirect = reader.string({"redirect_uri"}), back = reader.string({"return_to"});
  request.app_id = reader.string({"app_id", "appid", "biz_appid"}).value_or("");
  CO_TRY(call.finish(reader));
  if (!request.app_id.empty()) {
    CO_TRY(core::check_app_id(request.app_id));
  }
  CO_TRY(request.project, project_for(*component, caller, project));
  CO_TRY(request.return_to, url_of(back, "return_to"));
  CO_TRY(request.callback, url_of(redirect, "redirect_uri"));
  if (request.callback.empty()) {
    const std::string own = call.options.issuer();
    if (own.empty()) co_return make_error(ErrorCode::invalid_request, "redirect_uri is missing: the configuration has no public.url for a callback of our own");
    request.callback = own + "/push/wechat/" + component->app_id + "/authorized";
  } else if (!request.return_to.empty()) {
    co_return make_error(ErrorCode::invalid_request, "return_to is for our own callback, not for a redirect_uri");
  }
  auto made = co_await call.services.components.make_link(component, std::move(request), &call.trace);
  CO_TRY(const auto link, std::move(made));
  http::json::object body{{"link", link.link}, {"url", link.url}, {"mobile_url", link.mobile_url}, {"expires_in", link.expires_in.count()}};
  co_return json_response(201, body, true);
}

Answer take_authorization(Call& call, const core::Caller& caller) {
  CO_TRY(const auto component, component_in_path(call, caller));
  http::Reader reader(call.body);
  const auto code = reader.string({"auth_code", "authorization_code"}), app_id = reader.string({"app_id", "appid"});
  const auto link = reader.string({"link"}), project = reader.string({"project"});
  CO_TRY(call.finish(reader));
  if (code.has_value() == app_id.has_value()) co_return make_error(ErrorCode::invalid_request, "say auth_code, or app_id");
  if (link && (app_id || project)) co_return make_error(ErrorCode::invalid_request, "a link says the project itself, and goes with an auth_code");
  core::AppPtr app;
  if (link) {
    CO_TRY(auto secret, code_of(*code));
    auto found = co_await call.services.components.find_link(*component, *link);
    CO_TRY(auto known, std::move(found));
    CO_TRY(project_for(*component, caller, known.project));
    auto taken = co_await call.services.components.take_code(component, std::move(known), std::move(secret), &call.trace);
    CO_TRY(app, std::move(taken));
  } else {
    CO_TRY(auto into, project_for(*component, caller, project));
    if (code) {
      CO_TRY(auto secret, code_of(*code));
      auto taken = co_await call.services.components.take_code(component, std::move(into), std::move(secret), &call.trace);
      CO_TRY(app, std::move(taken));
    } else {
      auto adopted = co_await call.services.components.adopt(component, std::move(into), *app_id, &call.trace);
      CO_TRY(app, std::move(adopted));
    }
  }
  if (!app) co_return make_error(ErrorCode::not_found, "the app is gone");
  co_return json_response(200, app_json(*app));
}

Answer take_authorization_callback(Call& call) {
  CO_TRY(const auto component, component_in_path(call));
  call.trace.app_id = component->app_id;
  const auto text = [&](std::string_view name) {
    const auto* value = call.query.find(name);
    return value ? *value : std::string();
  };
  CO_TRY(auto code, code_of(text("auth_code")));
  std::string name = text("link");
  auto found = co_await call.services.components.find_link(*component, std::move(name));
  CO_TRY(auto link, std::move(found));
  const std::string return_to = link.return_to;
  auto taken = co_await call.services.components.take_code(component, std::move(link), std::move(code), &call.trace);
  CO_TRY(std::move(taken));
  http::Response response = page("授权成功，可以关闭本页。\nAuthorised. You may close this page.\n");
  if (!return_to.empty()) {
    response.status = 303;
    response.set("Location", return_to).set("Referrer-Policy", "no-referrer");
  }
  co_return response;
}

}  // namespace kaimen::api

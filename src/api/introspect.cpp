// POST /introspect (RFC 7662): what a check says of a token, and what the store says of its session now.
#include "api/verify.h"
#include "core/registered.h"

namespace kaimen::api {

Answer introspect(Call& call) {
  http::json::object inactive{{"active", false}};
  std::string key_project;
  if (!may_check(call.http, call.services, call.options, key_project)) co_return make_error(ErrorCode::forbidden, "introspection wants a key of scope verify here");
  http::Parameters form;
  if (!http::parse_parameters(call.http.body, form)) co_return make_error(ErrorCode::invalid_request, "the body must be a form");
  const std::string* token = form.find("token");
  if (!token || form.doubled("token")) co_return make_error(ErrorCode::invalid_request, "token is required, once");

  auto& checker = core::Checker::of(call.services.live);
  const auto verdict = checker.check(*token);
  if (!verdict) co_return make_error(ErrorCode::unavailable, "not ready");
  if (verdict->reason != check::Reason::none) co_return json_response(200, inactive, true);
  const check::Claims& claims = checker.opened().claims;
  const Id session{claims.session};
  const uint64_t expires = claims.expires_ms() / 1000, issued = claims.issued_ms / 1000;
  const auto env = claims.env();
  // Other requests may use this thread's checker while the store is asked: nothing of it is touched after that.
  const core::AppPtr app = call.services.live.apps.get()->find(claims.app);
  if (!app || (!key_project.empty() && app->project != key_project)) co_return json_response(200, inactive, true);
  auto found = co_await call.services.sessions.view(session, &call.trace);
  if (found.has_error()) {
    if (found.error().code != ErrorCode::unauthenticated) co_return found.error();
    co_return json_response(200, inactive, true);
  }
  const core::SessionView& view = found.value();
  http::json::object body{{"active", true},
                          {"sub", view.user.id.hex()},
                          {"client_id", app->app_id},
                          {"exp", expires},
                          {"iat", issued},
                          {"sid", session.hex()},
                          {"token_type", "Bearer"},
                          {"env", core::name_of(env)},
                          {"registered", core::registered_in(*app, view.user)}};
  if (!view.session.openid.empty()) body["openid"] = view.session.openid;
  if (!view.session.unionid.empty()) body["unionid"] = view.session.unionid;
  if (!view.user.external_id.empty()) body["external_id"] = view.user.external_id;
  if (!view.session.actor.empty()) body["actor"] = view.session.actor;
  http::json::array roles;
  for (const auto& role : view.user.roles) roles.emplace_back(role);
  body["roles"] = std::move(roles);
  co_return json_response(200, body, true);
}

}  // namespace kaimen::api

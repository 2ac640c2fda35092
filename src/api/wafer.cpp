#include "api/wafer.h"

#include <algorithm>

#include "api/errors.h"
#include "api/login.h"
#include "api/wire.h"

namespace kaimen::api {

using core::Wafer;
using http::json::object;

namespace {

constexpr std::string_view kCode = "x-wx-code", kEncryptedData = "x-wx-encrypted-data", kIv = "x-wx-iv", kId = "x-wx-id";
// By this member clients of v1 know what comes from their session server.
constexpr std::string_view kMagic = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A";

bool names_host(const core::App& app, std::string_view host) {
  const std::string_view name = host.substr(0, host.rfind(':'));
  return std::ranges::any_of(app.settings.wafer_hosts, [&](const auto& one) {
    return http::name_is(one, host) || http::name_is(one, name);
  });
}

// The header's value; empty: there is none. Error: invalid_request where it is there more than once.
Result<std::string> only(const Call& call, std::string_view name) {
  if (call.http.count(name) > 1) return make_error(ErrorCode::invalid_request, std::string(name) + " must be there once");
  const auto* value = call.http.header(name);
  return value ? std::string(*value) : std::string();
}

bool is_login(const Call& call) { return call.http.path.ends_with("/login"); }

// The names that wafer's servers had for what went wrong.
std::string_view name_in_v1(const Call& call, const Error& error) {
  if (is_login(call)) return "ERR_LOGIN_FAILED";
  return error.code == ErrorCode::unauthenticated ? "ERR_INVALID_SESSION" : "ERR_CHECK_LOGIN_FAILED";
}

std::string_view name_in_v2(const Error& error) {
  switch (error.code) {
    case ErrorCode::unauthenticated: return "ERR_SKEY_INVALID";
    case ErrorCode::invalid_request: return "ERR_HEADER_MISSED";
    case ErrorCode::not_found: return "ERR_REQUEST_PARAM";
    case ErrorCode::unavailable:
    case ErrorCode::internal: return "ERR_WHEN_INSERT_TO_DB";
    default: return "ERR_GET_SESSION_KEY";
  }
}

// "Log in again", as v2 understands -1. A client that did so for anything else would go on doing it.
bool helped_by_login(const Call& call, ErrorCode code) {
  if (code == ErrorCode::invalid_request) return is_login(call);  // no code, or half of one
  return code == ErrorCode::unauthenticated || code == ErrorCode::code_invalid || code == ErrorCode::code_used;
}

}  // namespace

Result<core::AppPtr> wafer_app(const Call& call, std::optional<Wafer> version) {
  const auto apps = call.services.live.apps.get();
  const auto fits = [&](const core::App& app) { return app.settings.wafer != Wafer::off && (!version || app.settings.wafer == *version); };
  if (!call.path.empty()) {
    auto named = apps->find(call.path[0]);
    if (!named || !fits(*named)) return make_error(ErrorCode::not_found, "there is no such app of wafer's");
    return named;
  }
  const auto* host = call.http.count("host") == 1 ? call.http.header("host") : nullptr;
  core::AppPtr by_host, under_any, only;
  size_t hosts = 0, under_any_host = 0, all = 0;
  for (const auto& [id, app] : apps->by_id) {
    if (!fits(*app)) continue;
    only = app;
    ++all;
    if (app->settings.wafer_hosts.empty()) {
      under_any = app;
      ++under_any_host;
    }
    if (!host || !names_host(*app, *host)) continue;
    by_host = app;
    ++hosts;
  }
  // An app with hosts of its own takes nothing from the one that has none.
  if (hosts == 1) return by_host;
  if (hosts == 0 && under_any_host == 1) return under_any;
  if (all == 1) return only;
  return make_error(ErrorCode::not_found, all == 0 ? "no app has the setting wafer"
                                                   : "several apps have the setting wafer: name one in the path, or by wafer_hosts");
}

object wafer_userinfo(const Call& call, const core::App& app, const core::User& user, const core::Session& session, bool to_backend) {
  object info{{"nickName", user.nickname}, {"gender", user.gender}, {"language", user.language}, {"city", user.city},
              {"province", user.province}, {"country", user.country}, {"avatarUrl", avatar_url(call, user)}};
  if (to_backend || app.settings.expose_openid) info["openId"] = session.openid;
  if (to_backend && !session.unionid.empty()) info["unionId"] = session.unionid;
  info["watermark"] = object{{"timestamp", epoch_ms(call.services.live.clock.now()) / 1000}, {"appid", app.app_id}};
  return info;
}

std::optional<core::ProfileProof> wafer_profile(std::string data, std::string iv) {
  if (data.empty() || iv.empty()) return std::nullopt;
  core::ProfileProof proof;
  proof.encrypted = core::EncryptedData{std::move(data), std::move(iv)};
  return proof;
}

Answer wafer_login(Call& call) {
  core::LoginRequest request;
  CO_TRY(request.app, wafer_app(call));
  call.trace.app_id = request.app->app_id;
  call.trace.env = core::name_of(request.env);
  CO_TRY(std::string code, only(call, kCode));
  CO_TRY(std::string data, only(call, kEncryptedData));
  CO_TRY(std::string iv, only(call, kIv));
  if (code.empty()) co_return make_error(ErrorCode::invalid_request, "X-WX-Code is missing");
  request.code = Secret(std::move(code));
  request.profile = wafer_profile(std::move(data), std::move(iv));
  request.old_session = old_session(call, *request.app);
  request.renews = false;
  const bool v1 = request.app->settings.wafer == Wafer::v1;

  auto answer = co_await call.services.login.run(std::move(request), &call.trace);
  CO_TRY(const auto logged_in, std::move(answer));
  if (v1) {
    const object session{{"id", logged_in.session.id.hex()}, {"skey", logged_in.tokens.token}};
    const object body{{kMagic, 1}, {"session", session}};
    co_return json_response(200, body, true);
  }
  const object data_of_session{{"skey", logged_in.tokens.token},
                               {"userinfo", wafer_userinfo(call, *logged_in.app, logged_in.user, logged_in.session, false)},
                               {"time", epoch_ms(logged_in.session.created_at) / 1000},
                               {"expires_in", logged_in.tokens.expires_in.count()}};
  const object body{{"code", 0}, {"data", data_of_session}};
  co_return json_response(200, body, true);
}

Answer wafer_user(Call& call, const Visitor& visitor) {
  if (visitor.app->settings.wafer == Wafer::off) co_return make_error(ErrorCode::not_found, "the app has not the setting wafer");
  // Where the request names an app it must be the ticket's; where it names none, the ticket does.
  const auto named = wafer_app(call);
  if ((named && named.value()->number != visitor.app->number) || (!named && !call.path.empty())) co_return unauthenticated(Reason::malformed);
  auto found = co_await call.services.sessions.view(visitor.session, &call.trace);
  CO_TRY(const auto view, std::move(found));
  auto info = wafer_userinfo(call, *visitor.app, view.user, view.session, false);
  const bool v1 = visitor.app->settings.wafer == Wafer::v1;
  const object body = v1 ? object{{"code", 0}, {"message", "ok"}, {"data", object{{"userInfo", std::move(info)}}}}
                         : object{{"code", 0}, {"data", std::move(info)}};
  co_return json_response(200, body, true);
}

http::Response wafer_refusal(const Call& call, const Error& error) {
  const ErrorRow& row = row_of(error.code);
  object body;
  const auto app = wafer_app(call);
  const bool v1 = app ? app.value()->settings.wafer == Wafer::v1 : call.http.header(kId) != nullptr;
  if (v1) {
    body[kMagic] = 1;
    body["error"] = name_in_v1(call, error);
  } else {
    body["code"] = helped_by_login(call, error.code) ? -1 : row.status;
    body["error"] = name_in_v2(error);
  }
  std::string message(row.title);
  if (row.show_detail && !error.detail.empty()) message += ": " + error.detail;
  if (!error.message.empty()) message += ": " + error.message;
  body["message"] = std::move(message);
  body["cause"] = name_of(error.code);
  if (error.reason != Reason::none) body["reason"] = name_of(error.reason);
  if (error.retry_after) body["retry_after"] = error.retry_after->count();
  body["request_id"] = call.http.request_id;
  return rewritten(problem(error, call.http.request_id), body);
}

}  // namespace kaimen::api

#include "api/mina_auth.h"

#include "api/errors.h"
#include "api/verify.h"
#include "api/wafer.h"
#include "api/wire.h"
#include "base/limits.h"

namespace kaimen::api {

using http::json::object;

namespace {

/// The original's numbers, as its server kits know them.
enum class Mina : int {
  ok = 0,
  database = 1001,
  no_interface = 1002,
  bad_parameter = 1003,
  wechat_unreachable = 1005,
  session_not_written = 1006,
  wechat_refused = 1007,
  not_json = 1009,
  unknown_interface = 1010,
  no_parameters = 1011,
  no_app = 1012,
  not_initialised = 1013,
  code_refused = 40029,
  skey_expired = 60011,
  not_authenticated = 60012,
  not_decrypted = 60021,
};

object envelope(Mina code, std::string_view message, http::json::value data) {
  return {{"returnCode", static_cast<int>(code)},
          {"returnMessage", message},
          {"returnData", std::move(data)},
          {"version", 1},
          {"componentName", "MA"}};
}

http::Response answer_of(Mina code, std::string_view message, http::json::value data = "") {
  return json_response(200, envelope(code, message, std::move(data)), true);
}

Mina number_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::unauthenticated: {
      const bool ran_out = error.reason == Reason::expired || error.reason == Reason::renew;
      return ran_out ? Mina::skey_expired : Mina::not_authenticated;
    }
    case ErrorCode::invalid_request: return Mina::bad_parameter;
    case ErrorCode::not_found: return Mina::no_app;
    case ErrorCode::code_invalid:
    case ErrorCode::code_used:
    case ErrorCode::risk_blocked: return Mina::code_refused;
    case ErrorCode::upstream_busy:
    case ErrorCode::upstream_error: return Mina::wechat_unreachable;
    case ErrorCode::app_misconfigured:
    case ErrorCode::rate_limited: return Mina::wechat_refused;
    case ErrorCode::forbidden: return Mina::not_authenticated;
    default: return Mina::session_not_written;
  }
}

// qcloud.cam.id_skey: the client's code becomes a session, for the backend that it was sent to.
Answer log_in(Call& call, core::AppPtr app, http::Reader& para) {
  core::LoginRequest request;
  request.app = std::move(app);
  request.code = Secret(para.require_string({"code"}));
  request.profile = wafer_profile(para.string({"encrypt_data"}).value_or(""), para.string({"iv"}).value_or(""));
  request.renews = false;
  request.from_client = false;  // one session backend brings the codes of all its users
  CO_TRY(call.finish(para));
  auto answer = co_await call.services.login.run(std::move(request), &call.trace);
  CO_TRY(const auto logged_in, std::move(answer));
  object data{{"id", logged_in.session.id.hex()},
              {"skey", logged_in.tokens.token},
              {"user_info", wafer_userinfo(call, *logged_in.app, logged_in.user, logged_in.session, true)},
              {"duration", logged_in.tokens.expires_in.count()}};
  co_return answer_of(Mina::ok, "ok", std::move(data));
}

// qcloud.cam.auth: who holds that id and skey.
Answer authenticate(Call& call, core::AppPtr app, http::Reader& para) {
  const std::string id = para.require_string({"id"});
  const std::string skey = para.require_string({"skey"});
  CO_TRY(call.finish(para));
  auto& checker = core::Checker::of(call.services.live);
  const auto verdict = checker.check(skey);
  if (!verdict) co_return make_error(ErrorCode::unavailable, "not ready");
  if (verdict->reason != check::Reason::none) co_return unauthenticated(static_cast<Reason>(verdict->reason));
  const check::Claims& claims = checker.opened().claims;
  const Id session{claims.session};
  if (claims.app != app->number || session.hex() != id) co_return unauthenticated(Reason::malformed);
  // The protocol cannot say that somebody acts in the user's place, and its backends would take them for the user.
  if (!claims.actor.empty()) co_return unauthenticated(Reason::malformed);
  call.trace.user_id = Id{claims.user}.hex();
  call.trace.session_id = id;
  auto found = co_await call.services.sessions.view(session, &call.trace);
  CO_TRY(const auto view, std::move(found));
  object data{{"user_info", wafer_userinfo(call, *app, view.user, view.session, true)}};
  co_return answer_of(Mina::ok, "ok", std::move(data));
}

}  // namespace

Answer mina_auth(Call& call) {
  std::string key_project;
  if (!may_check(call.http, call.services, call.options, key_project)) {
    co_return make_error(ErrorCode::forbidden, "the session server wants a key of scope verify here");
  }
  auto parsed = http::parse_json(call.http.body, limits::kJsonDepth);
  if (!parsed || !parsed.value().is_object()) co_return answer_of(Mina::not_json, "the body is not a JSON object");
  http::Reader reader(parsed.value().get_object());
  const auto* interface = reader.object({"interface"});
  if (!interface) co_return answer_of(Mina::no_interface, "interface is missing");
  http::Reader inner(*interface, "interface.");
  const std::string name = inner.string({"interfaceName"}).value_or("");
  const auto* parameters = inner.object({"para"});
  if (name.empty()) co_return answer_of(Mina::no_interface, "interfaceName is missing");
  if (name == "qcloud.cam.initdata") co_return answer_of(Mina::not_initialised, "apps are set up by kaimen app add, not from here");
  if (name == "qcloud.cam.decrypt") co_return answer_of(Mina::not_decrypted, "open data are decrypted by POST /admin/v1/sessions/{id}/open-data");
  const bool login = name == "qcloud.cam.id_skey";
  if (!login && name != "qcloud.cam.auth") co_return answer_of(Mina::unknown_interface, "there is no such interface");
  if (!parameters) co_return answer_of(Mina::no_parameters, "para is missing");

  auto app = wafer_app(call, core::Wafer::v1);
  if (app && !key_project.empty() && app.value()->project != key_project) app = make_error(ErrorCode::not_found, "the key is of another project");
  if (!app) co_return app.error();
  call.trace.app_id = app.value()->app_id;
  http::Reader para(*parameters, "para.");
  auto answered = login ? log_in(call, app.value(), para) : authenticate(call, app.value(), para);
  auto answer = co_await std::move(answered);
  co_return answer;
}

http::Response mina_refusal(const Call& call, const Error& error) {
  const ErrorRow& row = row_of(error.code);
  const bool before_any_app = call.trace.app_id.empty();
  const Mina number = before_any_app && error.code == ErrorCode::unavailable ? Mina::database : number_of(error);
  std::string message(row.title);
  if (row.show_detail && !error.detail.empty()) message += ": " + error.detail;
  if (error.reason != Reason::none) message.append(" (").append(name_of(error.reason)).append(")");
  http::Response response = rewritten(problem(error, call.http.request_id), envelope(number, message, ""));
  // The original's kits look for the returnCode in answers of 200 alone.
  const bool ours = error.code == ErrorCode::unavailable || error.code == ErrorCode::internal;
  if (!ours && (!before_any_app || error.code == ErrorCode::not_found)) response.status = 200;
  return response;
}

}  // namespace kaimen::api

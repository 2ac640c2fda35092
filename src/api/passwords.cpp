// Accounts with a name and a password.
#include "api/passwords.h"

#include "api/login.h"
#include "api/same_origin.h"
#include "api/wire.h"
#include "core/account_services.h"

namespace kaimen::api {

namespace {

struct Asked {
  core::PasswordRequest request;
  bool cookies = false;
};

// Error: not_found in the same words whether there is no such app or it has no passwords.
Result<Asked> read_request(Call& call) {
  Asked asked;
  http::Reader reader(call.body);
  const std::string app_id = reader.require_string({"app_id", "appid", "appId"});
  asked.request.username = reader.require_string({"username"});
  asked.request.password = Secret(reader.require_string({"password"}));
  asked.request.nickname = reader.string({"nickname", "nickName"}).value_or("");
  const std::string env = reader.string({"env_version", "envVersion"}).value_or("release");
  asked.cookies = reader.boolean({"cookie"}).value_or(false);
  const auto* device = reader.object({"device"});
  const auto* entry = reader.object({"entry"});
  auto entry_code = reader.string({"entry_code"});
  TRY(call.finish(reader));
  TRY(asked.request.device, read_device(call, device));
  TRY(asked.request.came_by, read_entry(entry, std::move(entry_code)));
  const auto parsed_env = core::parse_env(env);
  if (!parsed_env) return make_error(ErrorCode::invalid_request, "env_version must be release, trial or develop");
  asked.request.env = *parsed_env;
  asked.request.app = call.services.apps.find(app_id);
  if (!asked.request.app || !asked.request.app->settings.passwords) return make_error(ErrorCode::not_found, "there is no such route here");
  if (asked.cookies) {
    TRY(not_of_another_site(call, *asked.request.app));
  }
  call.trace.app_id = app_id;
  call.trace.env = env;
  asked.request.old_session = old_session(call, *asked.request.app);
  return asked;
}

Answer log_in_by_password(Call& call, bool restoring) {
  CO_TRY(auto asked, read_request(call));
  asked.request.restore = restoring;
  auto answer = co_await call.services.accounts->passwords.login(std::move(asked.request), &call.trace);
  CO_TRY(const auto logged_in, std::move(answer));
  co_return login_response(call, logged_in, asked.cookies);
}

}  // namespace

Answer register_password(Call& call) {
  CO_TRY(auto asked, read_request(call));
  auto answer = co_await call.services.accounts->passwords.register_user(std::move(asked.request), &call.trace);
  CO_TRY(const auto made, std::move(answer));
  CO_TRY(auto response, login_response(call, made, asked.cookies));
  response.status = 201;
  co_return response;
}

Answer login_by_password(Call& call) { return log_in_by_password(call, false); }

Answer restore(Call& call) { return call.body.contains("username") ? log_in_by_password(call, true) : log_in(call, true); }

Answer change_password(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  core::PasswordChange change;
  change.username = reader.string({"username"});
  if (auto old_password = reader.string({"old_password"})) change.old_password = Secret(std::move(*old_password));
  change.new_password = Secret(reader.require_string({"new_password"}));
  CO_TRY(call.finish(reader));
  change.app = visitor.app;
  change.user = visitor.user;
  change.session = visitor.session;
  auto changed = co_await call.services.accounts->passwords.change(std::move(change), &call.trace);
  CO_TRY(std::move(changed));
  co_return no_content();
}

}  // namespace kaimen::api

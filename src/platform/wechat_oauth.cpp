#include "platform/wechat_oauth.h"

#include "platform/wechat_open_data.h"

namespace kaimen::platform {

using core::AppPtr;
using core::CallFailure;
using core::CallResult;

namespace {

CallFailure failure(ErrorCode code, std::string_view what) {
  CallFailure failed;
  failed.error = make_error(code, std::string(what));
  return failed;
}

// Empty: not there. nullopt: not of a sane form.
std::optional<std::string> subject_at(const http::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || value->is_null()) return std::string();
  const auto* text = value->if_string();
  if (!text) return std::nullopt;
  std::string subject(text->data(), text->size());
  if (!subject.empty() && !is_wechat_subject(subject)) return std::nullopt;
  return subject;
}

// WeChat documents 1 for a snapshot page's user and leaves the member out for all others. Whatever else may come, only 0 is nobody's sign.
bool is_snapshot(const http::json::object& object) {
  const auto* value = object.if_contains("is_snapshotuser");
  if (!value || value->is_null()) return false;
  const auto* number = value->if_int64();
  return !number || *number != 0;
}

}  // namespace

CallResult<core::CodeExchange> read_oauth_exchange(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::code_exchange, status, body));
  if (is_snapshot(object)) return failure(ErrorCode::forbidden, "a snapshot page's user is nobody: WeChat asks for the full page first");
  auto openid = subject_at(object, "openid"), unionid = subject_at(object, "unionid");
  if (!openid || openid->empty()) return failure(ErrorCode::upstream_error, "WeChat's answer is malformed: no openid of a sane form");
  if (!unionid) return failure(ErrorCode::upstream_error, "WeChat's answer is malformed: no unionid of a sane form");
  return core::CodeExchange{std::move(*openid), std::move(*unionid), Secret()};
}

Task<CallResult<core::CodeExchange>> WechatOauth::exchange_with(AppPtr app, Secret secret, Secret code, Deadline deadline) {
  std::string target = target_of("/sns/oauth2/access_token", {{"appid", app->app_id},
                                                              {"secret", secret.reveal()},
                                                              {"code", code.reveal()},
                                                              {"grant_type", "authorization_code"}});
  auto asking = ask(app, std::move(target), std::nullopt, deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_oauth_exchange(answer.value().status, answer.value().body);
}

Task<CallResult<core::PhoneNumber>> WechatOauth::phone_by_code(AppPtr, Secret, std::string, std::string, Deadline) {
  co_return failure(ErrorCode::invalid_request, "only mini programs have the phone button");
}

Task<CallResult<bool>> WechatOauth::check_session_key(AppPtr, Secret, std::string, Secret, Deadline) {
  co_return failure(ErrorCode::invalid_request, "only mini programs have a session_key");
}

Task<CallResult<std::string>> WechatOauth::draw_code(AppPtr, Secret, core::CodePicture, Deadline) {
  co_return failure(ErrorCode::invalid_request, "only mini programs have codes");
}

Task<CallResult<std::string>> WechatOauth::make_link(AppPtr, Secret, core::MakeLink, Deadline) {
  co_return failure(ErrorCode::invalid_request, "only mini programs have links of this kind");
}

}  // namespace kaimen::platform

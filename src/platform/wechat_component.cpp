#include "platform/wechat_component.h"

#include <algorithm>

#include "base/limits.h"
#include "http/message.h"
#include "platform/component_answer.h"
#include "platform/wechat_push.h"

namespace kaimen::platform {

using core::AppPtr;
using core::CallResult;

namespace {

constexpr std::string_view kPage = "https://mp.weixin.qq.com/cgi-bin/componentloginpage";
constexpr std::string_view kMobilePage = "https://open.weixin.qq.com/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1";
constexpr std::string_view kMiniProgramsOnly = "2";

Deadline bounded(Deadline deadline) { return std::min(deadline, deadline_in(limits::kUpstreamTotal)); }

}  // namespace

Task<CallResult<core::CodeExchange>> WechatComponent::exchange_code(AppPtr, Secret, Deadline) {
  core::CallFailure failure;
  failure.error = make_error(ErrorCode::invalid_request, "a third-party platform has no users: those of the apps that have authorised it log in to them");
  failure.code_unspent = true;
  co_return failure;
}

Task<CallResult<http::ClientResponse>> WechatComponent::post(AppPtr component, std::string_view call, const Secret& token, http::json::object question,
                                                             Deadline deadline) {
  question["component_appid"] = component->app_id;
  std::string target = target_of("/cgi-bin/component/" + std::string(call), {{"component_access_token", token.reveal()}});
  std::string body = http::to_text(question);
  return ask(std::move(component), std::move(target), std::move(body), bounded(deadline));
}

Task<CallResult<core::FetchedToken>> WechatComponent::fetch_with(AppPtr component, Secret secret, Secret ticket, Deadline deadline) {
  http::json::object question{{"component_appid", component->app_id}, {"component_appsecret", secret.reveal()}, {"component_verify_ticket", ticket.reveal()}};
  std::string body = http::to_text(question);
  auto asking = ask(component, "/cgi-bin/component/api_component_token", std::move(body), deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_component_token(answer.value().status, answer.value().body);
}

Task<CallResult<core::FetchedToken>> WechatComponent::fetch_component_token(AppPtr component, Secret ticket, Deadline deadline) {
  deadline = bounded(deadline);
  const std::function<Task<CallResult<core::FetchedToken>>(Secret)> ask = [&](Secret secret) {
    return fetch_with(component, std::move(secret), ticket, deadline);
  };
  auto asking = with_either_secret<core::FetchedToken>(component, WechatCall::component_token, ask);
  co_return co_await std::move(asking);
}

Task<CallResult<core::PreAuthCode>> WechatComponent::make_pre_auth_code(AppPtr component, Secret token, Deadline deadline) {
  http::json::object question;
  auto asking = post(component, "api_create_preauthcode", token, std::move(question), deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_pre_auth_code(answer.value().status, answer.value().body);
}

Task<CallResult<core::AuthorizationGrant>> WechatComponent::grant_of_code(AppPtr component, Secret token, Secret auth_code, Deadline deadline) {
  http::json::object question{{"authorization_code", auth_code.reveal()}};
  auto asking = post(component, "api_query_auth", token, std::move(question), deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_code_grant(answer.value().status, answer.value().body);
}

Task<CallResult<core::AuthorizationGrant>> WechatComponent::grant_of_app(AppPtr component, Secret token, std::string app_id, Deadline deadline) {
  http::json::object question{{"authorizer_appid", app_id}};
  auto asking = post(component, "api_get_authorizer_info", token, std::move(question), deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_app_grant(answer.value().status, answer.value().body);
}

Task<CallResult<core::RefreshedToken>> WechatComponent::refresh_authorizer_token(AppPtr component, Secret token, std::string app_id,
                                                                                Secret refresh_token, Deadline deadline) {
  http::json::object question{{"authorizer_appid", app_id}, {"authorizer_refresh_token", refresh_token.reveal()}};
  auto asking = post(component, "api_authorizer_token", token, std::move(question), deadline);
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_refreshed_token(answer.value().status, answer.value().body);
}

Task<CallResult<core::CodeExchange>> WechatComponent::exchange_code_for(AppPtr component, Secret token, AppPtr app, Secret code, Deadline deadline) {
  std::string target = target_of("/sns/component/jscode2session", {{"appid", app->app_id},
                                                                   {"js_code", code.reveal()},
                                                                   {"grant_type", "authorization_code"},
                                                                   {"component_appid", component->app_id},
                                                                   {"component_access_token", token.reveal()}});
  auto asking = ask(component, std::move(target), std::nullopt, bounded(deadline));
  auto answer = co_await std::move(asking);
  if (!answer) co_return std::move(answer).error();
  co_return read_code_exchange(answer.value().status, answer.value().body);
}

std::optional<core::ComponentPush> WechatComponent::open_component_push(const core::App& component, const core::Push& push) const {
  return open_wechat_component_push(component, push);
}

std::string WechatComponent::authorization_url(const core::App& component, const core::AuthorizationPage& page) const {
  std::string url(page.mobile ? kMobilePage : kPage);
  char separator = page.mobile ? '&' : '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    url.push_back(separator);
    url.append(name).append("=").append(http::url_encode(value));
    separator = '&';
  };
  add("component_appid", component.app_id);
  add("pre_auth_code", page.pre_auth_code.reveal());
  add("redirect_uri", page.redirect_uri);
  add("auth_type", kMiniProgramsOnly);
  if (!page.app_id.empty()) add("biz_appid", page.app_id);
  if (page.mobile) url += "#wechat_redirect";
  return url;
}

}  // namespace kaimen::platform

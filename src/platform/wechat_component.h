// WeChat's third-party platform (第三方平台) as a platform: an app of it is a component. What it is asked beside what every app is stands in
// core/component_platform.h. A component has no users of its own.
// (https://developers.weixin.qq.com/doc/oplatform/openApi/ticket-token/)
#pragma once

#include "core/component_platform.h"
#include "platform/wechat.h"

namespace kaimen::platform {

class WechatComponent final : public Wechat, public core::ComponentPlatform {
 public:
  using Wechat::Wechat;

  core::ComponentPlatform* component() override { return this; }

  Task<core::CallResult<core::CodeExchange>> exchange_code(core::AppPtr app, Secret code, Deadline deadline) override;

  Task<core::CallResult<core::FetchedToken>> fetch_component_token(core::AppPtr component, Secret ticket, Deadline deadline) override;
  Task<core::CallResult<core::PreAuthCode>> make_pre_auth_code(core::AppPtr component, Secret token, Deadline deadline) override;
  Task<core::CallResult<core::AuthorizationGrant>> grant_of_code(core::AppPtr component, Secret token, Secret auth_code, Deadline deadline) override;
  Task<core::CallResult<core::AuthorizationGrant>> grant_of_app(core::AppPtr component, Secret token, std::string app_id, Deadline deadline) override;
  Task<core::CallResult<core::RefreshedToken>> refresh_authorizer_token(core::AppPtr component, Secret token, std::string app_id, Secret refresh_token,
                                                                        Deadline deadline) override;
  Task<core::CallResult<core::CodeExchange>> exchange_code_for(core::AppPtr component, Secret token, core::AppPtr app, Secret code,
                                                               Deadline deadline) override;
  std::optional<core::ComponentPush> open_component_push(const core::App& component, const core::Push& push) const override;
  std::string authorization_url(const core::App& component, const core::AuthorizationPage& page) const override;

 private:
  Task<core::CallResult<core::FetchedToken>> fetch_with(core::AppPtr component, Secret secret, Secret ticket, Deadline deadline);
  /// POST /cgi-bin/component/… with the token.
  Task<core::CallResult<http::ClientResponse>> post(core::AppPtr component, std::string_view call, const Secret& token, http::json::object question,
                                                    Deadline deadline);
};

}  // namespace kaimen::platform

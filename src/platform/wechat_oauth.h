// WeChat's OAuth 2 as a platform: official accounts, websites and mobile apps. As Wechat but for the exchange of a code
// (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html), which brings no session_key: there is nothing to
// decrypt here, and no phone button.
#pragma once

#include "platform/wechat.h"

namespace kaimen::platform {

/// openid and unionid of an answer of /sns/oauth2/access_token. Failures: as read_code_exchange; forbidden for the made-up user of a snapshot
/// page (is_snapshotuser), who is a new one each time and never a person.
core::CallResult<core::CodeExchange> read_oauth_exchange(int status, std::string_view body);

class WechatOauth final : public Wechat {
 public:
  using Wechat::Wechat;

  Task<core::CallResult<core::PhoneNumber>> phone_by_code(core::AppPtr app, Secret access_token, std::string code, std::string openid,
                                                          Deadline deadline) override;
  Task<core::CallResult<bool>> check_session_key(core::AppPtr app, Secret access_token, std::string openid, Secret session_key,
                                                 Deadline deadline) override;
  Task<core::CallResult<std::string>> draw_code(core::AppPtr app, Secret access_token, core::CodePicture picture, Deadline deadline) override;
  Task<core::CallResult<std::string>> make_link(core::AppPtr app, Secret access_token, core::MakeLink link, Deadline deadline) override;

 private:
  Task<core::CallResult<core::CodeExchange>> exchange_with(core::AppPtr app, Secret secret, Secret code, Deadline deadline) override;
};

}  // namespace kaimen::platform

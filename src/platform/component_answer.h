// Reading what /cgi-bin/component/* answers; as platform/wechat_answer.h.
#pragma once

#include "core/component_platform.h"
#include "platform/wechat_answer.h"

namespace kaimen::platform {

core::CallResult<core::FetchedToken> read_component_token(int status, std::string_view body);
core::CallResult<core::PreAuthCode> read_pre_auth_code(int status, std::string_view body);
/// Of api_query_auth: the refresh token is there, and a token that goes with it.
core::CallResult<core::AuthorizationGrant> read_code_grant(int status, std::string_view body);
/// Of api_get_authorizer_info: without a token, and without a refresh token where WeChat leaves it out, as it sometimes does.
core::CallResult<core::AuthorizationGrant> read_app_grant(int status, std::string_view body);
core::CallResult<core::RefreshedToken> read_refreshed_token(int status, std::string_view body);

}  // namespace kaimen::platform

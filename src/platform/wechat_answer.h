// Reading WeChat's answers. WeChat says failures with HTTP status 200 and JSON as text/plain, so neither status nor content type decides:
// the errcode does, and a success must look like one. Anything else is upstream_error, never a login. Pure functions, no I/O.
#pragma once

#include <string_view>

#include "core/platform.h"
#include "http/client.h"
#include "http/json.h"
#include "platform/wechat_errors.h"

namespace kaimen::platform {

/// The answer's object, when it reports success: status 200 and errcode absent or 0. Failure: what the errcode means in this call;
/// upstream_error for anything that is not such an answer.
core::CallResult<http::json::object> read_answer(WechatCall call, int status, std::string_view body);

/// upstream_error: the answer is not what the call answers.
core::CallFailure malformed_answer(std::string_view what);
/// A member that is a string; else empty.
std::string text_in(const http::json::object& object, std::string_view key);
/// Whether it can be a token: 1 to 2048 printable characters of ASCII.
bool is_sane_token(std::string_view token);
/// The token in `member`, and its expires_in.
core::CallResult<core::FetchedToken> read_token_members(const http::json::object& object, std::string_view member);

core::CallResult<core::CodeExchange> read_code_exchange(int status, std::string_view body);
core::CallResult<core::FetchedToken> read_access_token(int status, std::string_view body);
/// phone_info, whose watermark must name `app_id`.
core::CallResult<core::PhoneNumber> read_phone_info(int status, std::string_view body, std::string_view app_id);
/// The picture's bytes: JPEG or PNG.
core::CallResult<std::string> read_drawn_code(int status, std::string body);
/// The link, in the answer's `member`.
core::CallResult<std::string> read_link(int status, std::string_view body, std::string_view member);
/// Whether the session_key stands.
core::CallResult<bool> read_session_check(int status, std::string_view body);

/// The session_key that takes the old one's place, for the openid that was asked for.
core::CallResult<Secret> read_session_reset(int status, std::string_view body, std::string_view openid);
core::CallResult<std::vector<core::EncryptKey>> read_encrypt_keys(int status, std::string_view body);
core::CallResult<core::Verdict> read_text_check(int status, std::string_view body);
/// The trace_id.
core::CallResult<std::string> read_picture_check(int status, std::string_view body);

/// The errcode and rid in a body that is a JSON object with an errcode, whatever else it is; errcode 0: none.
UpstreamFault fault_in(std::string_view body);

/// The exchange brought no answer: unavailable, with the code unspent, when no byte left; else upstream_error.
core::CallFailure transport_failure(const http::ClientError& error);

}  // namespace kaimen::platform

// What WeChat's errcodes mean to us: one table, looked up by call. A failure carries the errcode and the rid that WeChat's support asks
// for, never the errmsg, whose text may repeat what was sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/platform.h"

namespace kaimen::platform {

/// The calls made to WeChat; some errcodes mean another thing in each.
enum class WechatCall : uint8_t {
  code_exchange,      ///< GET /sns/jscode2session
  access_token,       ///< POST /cgi-bin/stable_token
  phone,              ///< POST /wxa/business/getuserphonenumber
  check_session_key,  ///< GET /wxa/checksession
  reset_session_key,  ///< GET /wxa/resetusersessionkey
  encrypt_keys,       ///< GET /wxa/business/getuserencryptkey
  check_text,         ///< POST /wxa/msg_sec_check
  check_picture,      ///< POST /wxa/media_check_async
  draw_code,          ///< POST /wxa/getwxacodeunlimit
  make_link,          ///< POST /wxa/generatescheme, /wxa/generate_urllink
  component_token,    ///< POST /cgi-bin/component/api_component_token
  component,          ///< POST /cgi-bin/component/…, with the component's token
};

/// The AppSecret is not (or no longer, or not yet) the app's.
inline constexpr int64_t kErrcodeSecretWrong = 40125;
/// Of a call that bears a token, about the token; of the call that asks for one, about the AppSecret.
inline constexpr int64_t kErrcodeCredentialInvalid = 40001;

/// The failure that `errcode` stands for in this call; upstream_error for errcodes without a row. `errcode` is not 0.
core::CallFailure wechat_failure(WechatCall call, int64_t errcode, std::string_view errmsg);

/// Whether it says that the AppSecret that came with the call is not the app's.
bool is_secret_refusal(WechatCall call, int64_t errcode);
/// Whether it says, in a call that bears an access_token, that the token is no longer good.
bool is_token_refusal(int64_t errcode);

/// The id at the tail of an errmsg ("…, rid: 60f0d6c1-…" or the older "req_id: …"); empty if there is none of a sane form.
std::string wechat_rid(std::string_view errmsg);
/// Of errcode 40164 the address that WeChat saw the call come from, as it says "invalid ip 203.0.113.9 ipv6 …": an address that reads as one, or
/// empty. Nothing else of errmsg is kept.
std::string wechat_seen_address(std::string_view errmsg);

}  // namespace kaimen::platform

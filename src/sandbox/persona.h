// Who a sandbox user is: ids and numbers in WeChat's forms. Those that WeChat keeps for ever follow from the names, so that they are the
// same after a restart; those that it makes anew are random.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace kaimen::sandbox {

/// 28 characters beginning with "o", as WeChat's are.
std::string openid_of(std::string_view appid, std::string_view user);
std::string unionid_of(std::string_view open_platform, std::string_view user);
/// A number of the mainland: "1", then 3–9, then nine digits.
std::string phone_of(std::string_view user);

/// Base64 of 16 random bytes. Error: unavailable.
Result<std::string> make_session_key(Random& random);
/// 32 letters and digits, as wx.login gives. Error: unavailable.
Result<std::string> make_login_code(Random& random);
/// 64 hex characters, as the phone button gives. Error: unavailable.
Result<std::string> make_phone_code(Random& random);
/// 136 characters, as WeChat's are. Error: unavailable.
Result<std::string> make_access_token(Random& random);
/// "1f2e3d4c-5b6a7988-00112233". Error: unavailable.
Result<std::string> make_rid(Random& random);

}  // namespace kaimen::sandbox

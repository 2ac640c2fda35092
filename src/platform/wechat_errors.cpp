// Sources of the rows: WeChat's pages of code2Session, getStableAccessToken, getPhoneNumber, checkSessionKey, getUnlimitedQRCode,
// generateScheme, generateUrlLink, of API signing and of third-party platforms.
#include "platform/wechat_errors.h"

#include <array>

#include "http/address.h"

namespace kaimen::platform {

namespace {

constexpr unsigned bit(WechatCall call) { return 1U << static_cast<unsigned>(call); }
constexpr unsigned kAny = ~0U;
constexpr unsigned kExchange = bit(WechatCall::code_exchange);
constexpr unsigned kToken = bit(WechatCall::access_token);
constexpr unsigned kPhone = bit(WechatCall::phone);
constexpr unsigned kContent = bit(WechatCall::check_text) | bit(WechatCall::check_picture);
constexpr unsigned kDraw = bit(WechatCall::draw_code), kLink = bit(WechatCall::make_link);
constexpr unsigned kComponent = bit(WechatCall::component), kComponentToken = bit(WechatCall::component_token);
constexpr unsigned kBearsToken = kComponent | kPhone | kContent | bit(WechatCall::check_session_key) | bit(WechatCall::reset_session_key) |
                                 bit(WechatCall::encrypt_keys) | bit(WechatCall::draw_code) | bit(WechatCall::make_link);

struct Row {
  int64_t first, last;  // of the errcodes, both included
  unsigned calls;
  ErrorCode code;
  int retry_after;      // seconds; 0: none
  bool code_unspent, token_rejected;
  std::string_view meaning;
};

constexpr Row row(int64_t errcode, unsigned calls, ErrorCode code, std::string_view meaning, int retry_after = 0) {
  return {errcode, errcode, calls, code, retry_after, false, false, meaning};
}
constexpr Row rejected(int64_t errcode, std::string_view meaning) {
  return {errcode, errcode, kExchange | kBearsToken, ErrorCode::upstream_error, 0, false, true, meaning};
}
constexpr auto kMisconfigured = ErrorCode::app_misconfigured;

// The first row that fits counts.
constexpr std::array kRows{
    Row{-1, -1, kAny, ErrorCode::upstream_busy, 1, true, false, "WeChat is busy"},

    row(40029, kExchange | kPhone | kComponent, ErrorCode::code_invalid, "the code is invalid, expired or another app's"),
    row(40163, kExchange | kPhone | kComponent, ErrorCode::code_used, "the code was used before"),
    row(40226, kAny, ErrorCode::risk_blocked, "WeChat holds this user to be high-risk"),
    // With the phone's code, 40013 is not about our appid, which is in the access_token.
    row(40013, kPhone, ErrorCode::code_invalid, "the phone code was made for another app"),
    row(40003, kPhone, ErrorCode::code_invalid, "the phone code is another user's"),

    row(45011, kAny, ErrorCode::rate_limited, "the quota of the minute is used up", 60),
    // It ends at midnight in WeChat's time zone, or when somebody clears the quota by hand: look again each hour.
    row(45009, kAny, ErrorCode::rate_limited, "the quota of the day is used up", 3600),

    row(40002, kAny, kMisconfigured, "grant_type is not accepted"),
    row(40013, kAny, kMisconfigured, "the appid is wrong"),
    row(kErrcodeSecretWrong, kAny, kMisconfigured, "the AppSecret is wrong"),
    row(40164, kAny, kMisconfigured, "this server's address is not on the app's IP allow list"),
    Row{40230, 40240, kAny, kMisconfigured, 0, false, false, "API signing or encryption is set differently at WeChat"},
    row(40243, kAny, kMisconfigured, "the AppSecret is frozen"),
    row(41002, kAny, kMisconfigured, "the appid is missing"),
    row(41004, kAny, kMisconfigured, "the AppSecret is missing"),
    row(41008, kAny, kMisconfigured, "the code is missing"),
    row(48001, kAny, kMisconfigured, "the app has no permission for this call"),
    row(50004, kAny, kMisconfigured, "the app may not use this grant"),
    row(50007, kAny, kMisconfigured, "the account is frozen"),
    row(61004, kAny, kMisconfigured, "this server's address is not on the component's IP allow list"),
    row(61005, kAny, kMisconfigured, "the component_verify_ticket is expired: WeChat's pushes do not reach this server"),
    row(61006, kAny, kMisconfigured, "the component_verify_ticket is not the component's"),
    row(61011, kAny, kMisconfigured, "the component is not one that WeChat knows"),
    row(61009, kComponent, ErrorCode::code_invalid, "the authorization_code is not valid"),
    row(61010, kComponent, ErrorCode::code_invalid, "the authorization_code is expired or was used"),
    row(61023, kComponent, ErrorCode::code_invalid, "the refresh token is not the current one"),
    row(61003, kAny, kMisconfigured, "the account has not authorised this component"),
    row(61007, kAny, kMisconfigured, "the account has not given the component this permission"),
    row(89503, kAny, kMisconfigured, "an administrator has to confirm this server's address"),
    row(89506, kAny, kMisconfigured, "this server's address was refused twice by an administrator today"),
    row(89507, kAny, kMisconfigured, "this server's address was refused by an administrator"),

    // Where a token is asked for, none was sent: 40001 is then about the AppSecret.
    row(kErrcodeCredentialInvalid, kToken | kComponentToken, kMisconfigured, "the AppSecret is wrong"),
    rejected(kErrcodeCredentialInvalid, "the access_token is not valid"),
    rejected(40014, "the access_token is not valid"),
    rejected(42001, "the access_token is expired"),

    row(87014, kContent, ErrorCode::content_rejected, "WeChat holds the content to be risky"),
    row(61010, kContent, ErrorCode::stale_session_key, "the user has not been in the mini program for two hours"),

    row(41030, kDraw, ErrorCode::invalid_request, "WeChat knows no such page in what is released"),
    row(40165, kLink, ErrorCode::invalid_request, "WeChat knows no such page in what is released"),
    row(40212, kLink, ErrorCode::invalid_request, "the query is not well formed"),
    row(85401, kLink, ErrorCode::invalid_request, "the link would live too long or too short"),
    row(85402, kLink, ErrorCode::invalid_request, "env_version is not accepted"),
    row(85079, kLink, kMisconfigured, "the mini program has no released version"),
    row(44990, kLink, ErrorCode::rate_limited, "too many links a second", 1),
    row(44993, kLink, ErrorCode::rate_limited, "the links of the day are used up", 3600),

    row(87007, kAny, ErrorCode::stale_session_key, "the session_key does not exist or is expired"),
    row(87009, kAny, ErrorCode::stale_session_key, "the signature is not by the current session_key"),
    row(87008, kAny, ErrorCode::upstream_error, "sig_method is not accepted"),
};

const Row* find_row(WechatCall call, int64_t errcode) {
  for (const auto& candidate : kRows) {
    if (candidate.first <= errcode && errcode <= candidate.last && (candidate.calls & bit(call)) != 0) return &candidate;
  }
  return nullptr;
}

bool is_id_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

constexpr size_t kRidBytes = 64;
constexpr int64_t kAddressRefused = 40164;

}  // namespace

core::CallFailure wechat_failure(WechatCall call, int64_t errcode, std::string_view errmsg) {
  core::CallFailure failure;
  const Row* found = find_row(call, errcode);
  failure.error.code = found ? found->code : ErrorCode::upstream_error;
  failure.error.detail = "WeChat answered errcode " + std::to_string(errcode);
  failure.error.upstream = UpstreamFault{errcode, wechat_rid(errmsg)};
  if (found) {
    failure.error.detail.append(": ").append(found->meaning);
    if (const std::string seen = errcode == kAddressRefused ? wechat_seen_address(errmsg) : ""; !seen.empty()) failure.error.detail.append(": ").append(seen);
    if (found->retry_after > 0) failure.error.retry_after = std::chrono::seconds(found->retry_after);
    failure.code_unspent = found->code_unspent;
    failure.token_rejected = found->token_rejected;
  }
  return failure;
}

std::string wechat_seen_address(std::string_view errmsg) {
  constexpr std::string_view kLabel = "invalid ip ";
  const size_t at = errmsg.find(kLabel);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = errmsg.substr(at + kLabel.size());
  const std::string_view address = rest.substr(0, rest.find_first_not_of("0123456789abcdefABCDEF.:"));
  return http::address_in(address, {"0.0.0.0/0", "::/0"}) ? std::string(address) : std::string();
}

bool is_secret_refusal(WechatCall call, int64_t errcode) {
  const bool brings_secret = call == WechatCall::access_token || call == WechatCall::component_token;
  return errcode == kErrcodeSecretWrong || (brings_secret && errcode == kErrcodeCredentialInvalid);
}

bool is_token_refusal(int64_t errcode) {
  const Row* found = find_row(WechatCall::check_text, errcode);
  return found && found->token_rejected;
}

std::string wechat_rid(std::string_view errmsg) {
  for (const std::string_view label : {"rid:", "req_id:"}) {
    const size_t at = errmsg.rfind(label);
    if (at == std::string_view::npos || (at > 0 && is_id_character(errmsg[at - 1]))) continue;
    std::string_view rest = errmsg.substr(at + label.size());
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    size_t length = 0;
    while (length < rest.size() && is_id_character(rest[length])) ++length;
    if (length > 0 && length <= kRidBytes) return std::string(rest.substr(0, length));
  }
  return {};
}

}  // namespace kaimen::platform

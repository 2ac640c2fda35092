#include "platform/wechat_answer.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "platform/wechat_open_data.h"

namespace kaimen::platform {

namespace json = http::json;

namespace {

constexpr size_t kTokenBytes = 2048;                    // WeChat asks for at least 512
constexpr auto kTokenLife = std::chrono::seconds(7200);  // as documented; twice that is still believed
constexpr size_t kSessionKeyBytes = 16;
constexpr size_t kLinkBytes = 512;
constexpr size_t kEncryptKeysMost = 16;                 // three are documented
constexpr int64_t kLastSecond = 253402300799;           // the end of the year 9999

// A whole number, or (seen from gateways in between) the same as text. nullopt: neither.
std::optional<int64_t> errcode_of(const json::value& value) {
  if (const auto* number = value.if_int64()) return *number;
  const auto* text = value.if_string();
  if (!text || text->empty() || text->size() > 10) return std::nullopt;
  int64_t number = 0;
  const auto* end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, number);
  // "0" as text is not how WeChat says success.
  if (error != std::errc() || stopped != end || number == 0) return std::nullopt;
  return number;
}

}  // namespace

core::CallFailure malformed_answer(std::string_view what) {
  core::CallFailure failure;
  failure.error = make_error(ErrorCode::upstream_error, "WeChat's answer is malformed: " + std::string(what));
  return failure;
}

std::string text_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

bool is_sane_token(std::string_view token) {
  return !token.empty() && token.size() <= kTokenBytes && std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
}

core::CallResult<json::object> read_answer(WechatCall call, int status, std::string_view body) {
  auto parsed = http::parse_json(body);
  auto* object = parsed ? parsed.value().if_object() : nullptr;
  if (!object) return malformed_answer("HTTP " + std::to_string(status) + " without a JSON object");
  if (const auto* value = object->if_contains("errcode")) {
    const auto errcode = errcode_of(*value);
    if (!errcode) return malformed_answer("errcode is no number");
    if (*errcode != 0) return wechat_failure(call, *errcode, text_in(*object, "errmsg"));
  }
  if (status != 200) return malformed_answer("HTTP " + std::to_string(status));
  return std::move(*object);
}

core::CallResult<core::CodeExchange> read_code_exchange(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::code_exchange, status, body));
  core::CodeExchange exchange;
  exchange.openid = text_in(object, "openid");
  if (!is_wechat_subject(exchange.openid)) return malformed_answer("no openid of a sane form");
  if (const auto* unionid = object.if_contains("unionid"); unionid && !unionid->is_null()) {
    if (!unionid->is_string()) return malformed_answer("unionid is no string");
    exchange.unionid = text_in(object, "unionid");
    if (!exchange.unionid.empty() && !is_wechat_subject(exchange.unionid)) return malformed_answer("no unionid of a sane form");
  }
  exchange.session_key = Secret(text_in(object, "session_key"));
  const auto key = from_base64(exchange.session_key.reveal());
  if (!key || key->size() != kSessionKeyBytes) return malformed_answer("no session_key of 16 bytes in base64");
  return exchange;
}

core::CallResult<core::FetchedToken> read_token_members(const json::object& object, std::string_view member) {
  core::FetchedToken fetched;
  fetched.token = Secret(text_in(object, member));
  if (!is_sane_token(fetched.token.reveal())) return malformed_answer("no token of a sane form");
  const auto* expires_in = object.if_contains("expires_in");
  const auto* seconds = expires_in ? expires_in->if_int64() : nullptr;
  if (!seconds || *seconds < 1 || *seconds > 2 * kTokenLife.count()) return malformed_answer("no sane expires_in");
  fetched.expires_in = Seconds(*seconds);
  return fetched;
}

core::CallResult<core::FetchedToken> read_access_token(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::access_token, status, body));
  return read_token_members(object, "access_token");
}

core::CallResult<core::PhoneNumber> read_phone_info(int status, std::string_view body, std::string_view app_id) {
  TRY(const auto object, read_answer(WechatCall::phone, status, body));
  const auto* value = object.if_contains("phone_info");
  const auto* info = value ? value->if_object() : nullptr;
  if (!info) return malformed_answer("no phone_info");
  auto phone = read_phone_members(*info);
  if (!phone) return malformed_answer("phone_info is not of its shape");
  if (phone->watermark.app_id != app_id) return malformed_answer("phone_info is another app's");
  return std::move(phone->phone);
}

core::CallResult<bool> read_session_check(int status, std::string_view body) {
  auto answer = read_answer(WechatCall::check_session_key, status, body);
  if (answer) {
    // Nothing but the errcode tells success here: it must be there.
    if (!answer.value().contains("errcode")) return malformed_answer("no errcode");
    return true;
  }
  if (answer.error().error.code == ErrorCode::stale_session_key) return false;
  return std::move(answer).error();
}

core::CallResult<Secret> read_session_reset(int status, std::string_view body, std::string_view openid) {
  TRY(const auto object, read_answer(WechatCall::reset_session_key, status, body));
  if (text_in(object, "openid") != openid) return malformed_answer("the new session_key is another user's");
  Secret session_key(text_in(object, "session_key"));
  const auto key = from_base64(session_key.reveal());
  if (!key || key->size() != kSessionKeyBytes) return malformed_answer("no session_key of 16 bytes in base64");
  return session_key;
}

core::CallResult<std::vector<core::EncryptKey>> read_encrypt_keys(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::encrypt_keys, status, body));
  const auto* list = object.if_contains("key_info_list");
  const auto* items = list ? list->if_array() : nullptr;
  if (!items || items->size() > kEncryptKeysMost) return malformed_answer("no key_info_list");
  std::vector<core::EncryptKey> keys;
  for (const auto& item : *items) {
    const auto* info = item.if_object();
    if (!info) return malformed_answer("a key that is no object");
    const auto number = [&](std::string_view name) {
      const auto* value = info->if_contains(name);
      const auto* found = value ? value->if_int64() : nullptr;
      return found && *found >= 0 && *found <= kLastSecond ? *found : -1;
    };
    core::EncryptKey key{Secret(text_in(*info, "encrypt_key")), Secret(text_in(*info, "iv")), number("version")};
    const int64_t expires_in = number("expire_in"), created = number("create_time");
    if (key.key.empty() || key.iv.empty() || key.version < 0 || expires_in < 0 || created < 0) return malformed_answer("a key without its parts");
    key.expires_in = Seconds(expires_in);
    key.created_at = from_epoch_ms(created * 1000);
    keys.push_back(std::move(key));
  }
  return keys;
}

core::CallResult<core::Verdict> read_text_check(int status, std::string_view body) {
  auto answer = read_answer(WechatCall::check_text, status, body);
  // How version 1 says it, and what some answers of version 2 still are.
  if (!answer && answer.error().error.code == ErrorCode::content_rejected) return core::Verdict::risky;
  if (!answer) return std::move(answer).error();
  const auto* value = answer.value().if_contains("result");
  const auto* result = value ? value->if_object() : nullptr;
  const std::string suggest = result ? text_in(*result, "suggest") : std::string();
  if (suggest == "pass") return core::Verdict::pass;
  if (suggest == "review") return core::Verdict::review;
  if (suggest == "risky") return core::Verdict::risky;
  return malformed_answer("no suggestion in result");
}

core::CallResult<std::string> read_picture_check(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::check_picture, status, body));
  const std::string trace_id = text_in(object, "trace_id");
  if (!is_wechat_subject(trace_id)) return malformed_answer("no trace_id of a sane form");
  return trace_id;
}

UpstreamFault fault_in(std::string_view body) {
  UpstreamFault fault;
  const size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == body.npos || body[begin] != '{') return fault;
  auto parsed = http::parse_json(body);
  const auto* object = parsed ? parsed.value().if_object() : nullptr;
  const auto* value = object ? object->if_contains("errcode") : nullptr;
  if (!value) return fault;
  fault.errcode = errcode_of(*value).value_or(0);
  if (fault.errcode != 0) fault.rid = wechat_rid(text_in(*object, "errmsg"));
  return fault;
}

core::CallResult<std::string> read_drawn_code(int status, std::string body) {
  // The content type is not dependable: an error has come as an image and as text.
  if (body.starts_with('{')) {
    TRY(read_answer(WechatCall::draw_code, status, body));
    return malformed_answer("success, but no picture");
  }
  if (status != 200) return malformed_answer("HTTP " + std::to_string(status));
  if (!body.starts_with("\xff\xd8") && !body.starts_with("\x89PNG")) return malformed_answer("neither a picture nor an error");
  return body;
}

core::CallResult<std::string> read_link(int status, std::string_view body, std::string_view member) {
  TRY(const auto object, read_answer(WechatCall::make_link, status, body));
  std::string link = text_in(object, member);
  const bool sane = link.size() <= kLinkBytes && std::all_of(link.begin(), link.end(), [](char c) { return c > ' ' && c <= '~'; });
  const bool known = link.starts_with("weixin://") || link.starts_with("https://");
  if (!sane || !known) return malformed_answer("no link of a sane form");
  return link;
}

core::CallFailure transport_failure(const http::ClientError& error) {
  core::CallFailure failure;
  using Kind = http::ClientError::Kind;
  if (error.kind == Kind::not_sent || error.kind == Kind::too_many) {
    failure.error = make_error(ErrorCode::unavailable, "WeChat was not reached: " + error.detail);
    failure.error.retry_after = std::chrono::seconds(1);
    failure.code_unspent = true;
  } else {
    failure.error = make_error(ErrorCode::upstream_error, "WeChat did not answer: " + error.detail);
  }
  return failure;
}

}  // namespace kaimen::platform

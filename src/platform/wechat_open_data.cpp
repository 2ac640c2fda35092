#include "platform/wechat_open_data.h"

#include <algorithm>

#include "base/limits.h"

namespace kaimen::platform {

namespace json = http::json;

namespace {

constexpr size_t kDepth = 8;
constexpr size_t kTextBytes = 1024;                      // of a nickname or a region; their limits in characters are the core's
constexpr int64_t kLastSecond = 253402300799;            // the end of the year 9999
constexpr std::string_view kPhoneKeys[] = {"phoneNumber", "purePhoneNumber", "countryCode"};
constexpr std::string_view kProfileKeys[] = {"nickName", "avatarUrl", "gender", "language", "country", "province", "city", "is_demote"};
constexpr std::string_view kIdKeys[] = {"openId", "unionId", "openid", "unionid"};
// Steps, groups, private messages, chat tools.
constexpr std::string_view kOtherKindKeys[] = {"stepInfoList", "openGId",   "opengid",           "open_single_roomid",
                                               "group_openid", "chat_type", "activityId"};

template <size_t N>
bool has_any(const json::object& object, const std::string_view (&keys)[N]) {
  return std::any_of(std::begin(keys), std::end(keys), [&](std::string_view key) { return object.contains(key); });
}

std::optional<json::object> parse_object(std::string_view text) {
  if (text.size() > limits::kOpenDataBytes) return std::nullopt;
  auto parsed = http::parse_json(text, kDepth);
  if (!parsed) return std::nullopt;
  auto* object = parsed.value().if_object();
  if (!object) return std::nullopt;
  return std::move(*object);
}

const json::string* find_text(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value ? value->if_string() : nullptr;
}

// Absent is the empty text; present, it must be a string of at most `limit` bytes.
bool take_text(const json::object& object, std::string_view key, size_t limit, std::string& out) {
  const auto* value = object.if_contains(key);
  if (!value) return true;
  const auto* text = value->if_string();
  if (!text || text->size() > limit) return false;
  out.assign(text->data(), text->size());
  return true;
}

std::optional<core::Watermark> read_watermark(const json::object& object) {
  const auto* value = object.if_contains("watermark");
  const auto* mark = value ? value->if_object() : nullptr;
  if (!mark) return std::nullopt;
  const auto* app_id = find_text(*mark, "appid");
  const auto* timestamp = mark->if_contains("timestamp");
  const auto* seconds = timestamp ? timestamp->if_int64() : nullptr;
  if (!app_id || !is_wechat_subject(*app_id) || !seconds || *seconds < 0 || *seconds > kLastSecond) return std::nullopt;
  return core::Watermark{std::string(*app_id), from_epoch_ms(*seconds * 1000)};
}

bool read_profile(const json::object& object, core::OpenUserInfo& out) {
  if (!find_text(object, "nickName") || !find_text(object, "avatarUrl")) return false;
  if (const auto* value = object.if_contains("gender")) {
    const auto* gender = value->if_int64();
    if (!gender || *gender < 0 || *gender > 2) return false;
    out.gender = static_cast<int>(*gender);
  }
  return take_text(object, "nickName", kTextBytes, out.nickname) && take_text(object, "avatarUrl", limits::kUrlBytes, out.avatar_url) &&
         take_text(object, "language", kTextBytes, out.language) && take_text(object, "country", kTextBytes, out.country) &&
         take_text(object, "province", kTextBytes, out.province) && take_text(object, "city", kTextBytes, out.city);
}

bool is_digits(std::string_view text, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A string in today's documents, a number in older ones. Empty: neither.
std::string country_code_of(const json::object& object) {
  const auto* value = object.if_contains("countryCode");
  if (!value) return {};
  std::string code;
  if (const auto* number = value->if_int64()) code = std::to_string(*number);
  if (const auto* text = value->if_string()) code.assign(text->data(), text->size());
  return is_digits(code, 1, 4) && code.front() != '0' ? code : std::string();
}

}  // namespace

bool is_wechat_subject(std::string_view text) {
  return !text.empty() && text.size() <= limits::kSubjectBytes && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::optional<core::Watermark> read_open_watermark(std::string_view plaintext) {
  const auto object = parse_object(plaintext);
  return object ? read_watermark(*object) : std::nullopt;
}

std::optional<core::OpenPhone> read_phone_members(const json::object& object) {
  const auto* full = find_text(object, "phoneNumber");
  const auto* national = find_text(object, "purePhoneNumber");
  const std::string country = country_code_of(object);
  auto watermark = read_watermark(object);
  if (!full || !national || country.empty() || !watermark || !is_digits(*national, 4, 20)) return std::nullopt;
  core::OpenPhone phone;
  phone.watermark = std::move(*watermark);
  phone.phone.country_code = country;
  phone.phone.national.assign(national->data(), national->size());
  phone.phone.full = "+" + country + phone.phone.national;
  // Numbers of the mainland come without their country code, others with it.
  const std::string_view said(full->data(), full->size());
  const std::string_view normal(phone.phone.full);
  if (said != phone.phone.national && said != normal && said != normal.substr(1)) return std::nullopt;
  return phone;
}

std::optional<core::OpenPhone> read_open_phone(std::string_view plaintext) {
  const auto object = parse_object(plaintext);
  if (!object || has_any(*object, kProfileKeys) || has_any(*object, kIdKeys) || has_any(*object, kOtherKindKeys)) return std::nullopt;
  return read_phone_members(*object);
}

std::optional<core::OpenUserInfo> read_open_user_info(std::string_view plaintext) {
  const auto object = parse_object(plaintext);
  if (!object || has_any(*object, kPhoneKeys) || has_any(*object, kOtherKindKeys)) return std::nullopt;
  core::OpenUserInfo info;
  auto watermark = read_watermark(*object);
  if (!watermark || !read_profile(*object, info)) return std::nullopt;
  info.watermark = std::move(*watermark);
  if (object->contains("openId")) {
    if (!take_text(*object, "openId", limits::kSubjectBytes, info.openid) || !is_wechat_subject(info.openid)) return std::nullopt;
  }
  return info;
}

std::optional<core::OpenUserInfo> read_raw_user_info_text(std::string_view raw_data) {
  const auto object = parse_object(raw_data);
  if (!object || has_any(*object, kPhoneKeys) || has_any(*object, kIdKeys) || has_any(*object, kOtherKindKeys)) return std::nullopt;
  core::OpenUserInfo info;
  if (object->contains("watermark") || !read_profile(*object, info)) return std::nullopt;
  return info;
}

}  // namespace kaimen::platform

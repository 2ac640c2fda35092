#include "app/wafer_user.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"

namespace kaimen::app {

namespace {

namespace json = http::json;

constexpr std::string_view kNoName = "微信用户";

// wafer2 has JSON there, the first version base64 of it.
json::object profile_of(const std::string& user_info) {
  auto parsed = http::parse_json(user_info);
  if (!parsed) {
    if (const auto decoded = from_base64(user_info)) parsed = http::parse_json(*decoded);
  }
  return parsed && parsed.value().is_object() ? std::move(parsed.value().get_object()) : json::object{};
}

std::string text(const json::object& profile, std::string_view name) {
  const auto* value = profile.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool is_avatar(std::string_view url) {
  const bool printable = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; });
  return printable && url.size() <= limits::kUrlBytes && (url.starts_with("https://") || url.starts_with("http://"));
}

}  // namespace

std::optional<json::object> import_line_of(const store::WaferRow& row, const std::string& app_id) {
  if (row.openid.empty()) return std::nullopt;
  json::object line{{"app_id", app_id}, {"openid", row.openid}};
  if (row.created_at) line["created_at"] = rfc3339(*row.created_at);
  const json::object profile = profile_of(row.user_info);
  const std::string name = text(profile, "nickName"), avatar = text(profile, "avatarUrl");
  if (name.empty() || name == kNoName) return line;
  if (is_plain_text(name, limits::kNicknameCodePoints)) line["nickname"] = name;
  if (is_avatar(avatar)) line["avatar_url"] = avatar;
  return line;
}

}  // namespace kaimen::app

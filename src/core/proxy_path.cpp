#include "core/proxy_path.h"

#include <algorithm>

namespace kaimen::core {

namespace {

constexpr size_t kPathBytes = 256;

// What answers with a session_key, a key or a token, or takes our secret to do so. One that ends with '/' stands for all below it.
constexpr std::string_view kKeys[] = {
    "sns/",
    "cgi-bin/token",
    "cgi-bin/stable_token",
    "cgi-bin/component/",
    "wxa/resetusersessionkey",
    "wxa/business/getuserencryptkey",
};
// These take the AppSecret in their parameters.
constexpr std::string_view kOurs[] = {"accesstoken", "componentaccesstoken", "authorizeraccesstoken", "appid", "componentappid",
                                      "authorizerappid", "secret", "appsecret", "componentappsecret"};

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

bool brings_a_key(const std::string& path) {
  return std::ranges::any_of(kKeys, [&](std::string_view key) {
    const std::string_view whole = key.ends_with('/') ? key.substr(0, key.size() - 1) : key;
    return path == whole || (path.starts_with(whole) && path[whole.size()] == '/');
  });
}

}  // namespace

ProxyFamilies default_proxy_families() { return {"cgi-bin", "wxa", "datacube", "wxaapi"}; }

Result<> check_proxy_path(std::string_view path, const ProxyFamilies& families) {
  const auto not_plain = [] { return make_error(ErrorCode::invalid_request, "the path must be plain: segments of letters, digits, _ and - between single slashes"); };
  if (path.empty() || path.size() > kPathBytes) return not_plain();
  char before = '/';
  for (const char c : path) {
    if (!is_plain(c) && !(c == '/' && before != '/')) return not_plain();
    before = c;
  }
  if (before == '/') return not_plain();
  if (brings_a_key(lower(path))) return make_error(ErrorCode::forbidden, "this call would bring a key, which stays here");
  const std::string_view family = path.substr(0, path.find('/'));
  if (family == path || !families.contains(family)) return make_error(ErrorCode::forbidden, "calls of this family are not passed on: wechat.path_families lists those that are");
  return ok();
}

Result<> check_proxy_query(const std::vector<std::pair<std::string, std::string>>& query) {
  for (const auto& [name, value] : query) {
    // As loosely as any server might read a name: "Access-Token", "access_token[]".
    std::string letters = lower(name);
    std::erase_if(letters, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9'); });
    if (std::ranges::find(kOurs, letters) != std::end(kOurs)) {
      return make_error(ErrorCode::invalid_request, "access_token, appid and secret are put in here; leave them out of the query");
    }
  }
  return ok();
}

}  // namespace kaimen::core

#include "platform/component_answer.h"

#include "platform/wechat_open_data.h"

namespace kaimen::platform {

namespace json = http::json;

namespace {

constexpr int64_t kPreAuthLife = 1800;  // as documented
constexpr size_t kPermissions = 500, kPermissionBytes = 1000;

const json::object* object_at(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

/// "1,17,30" of [{"funcscope_category":{"id":1}}, …]; what is of another shape is left out.
std::string permissions_of(const json::object& info) {
  const auto* value = info.if_contains("func_info");
  const auto* list = value ? value->if_array() : nullptr;
  std::string text;
  for (size_t i = 0; list && i < list->size() && i < kPermissions; ++i) {
    const auto* item = (*list)[i].if_object();
    const auto* category = item ? object_at(*item, "funcscope_category") : nullptr;
    const auto* id = category ? category->if_contains("id") : nullptr;
    const auto* number = id ? id->if_int64() : nullptr;
    if (!number || *number < 0) continue;
    const std::string one = (text.empty() ? "" : ",") + std::to_string(*number);
    if (text.size() + one.size() > kPermissionBytes) break;
    text += one;
  }
  return text;
}

core::CallResult<core::AuthorizationGrant> read_grant(const json::object& object) {
  const auto* info = object_at(object, "authorization_info");
  if (!info) return malformed_answer("no authorization_info");
  core::AuthorizationGrant grant;
  grant.app_id = text_in(*info, "authorizer_appid");
  if (!is_wechat_subject(grant.app_id)) return malformed_answer("no authorizer_appid of a sane form");
  grant.refresh_token = Secret(text_in(*info, "authorizer_refresh_token"));
  if (!grant.refresh_token.empty() && !is_sane_token(grant.refresh_token.reveal())) return malformed_answer("no refresh token of a sane form");
  grant.permissions = permissions_of(*info);
  return grant;
}

}  // namespace

core::CallResult<core::FetchedToken> read_component_token(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::component_token, status, body));
  return read_token_members(object, "component_access_token");
}

core::CallResult<core::PreAuthCode> read_pre_auth_code(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::component, status, body));
  core::PreAuthCode made{Secret(text_in(object, "pre_auth_code"))};
  if (!is_sane_token(made.code.reveal())) return malformed_answer("no pre_auth_code of a sane form");
  const auto* expires_in = object.if_contains("expires_in");
  const auto* seconds = expires_in ? expires_in->if_int64() : nullptr;
  if (!seconds || *seconds < 1 || *seconds > 2 * kPreAuthLife) return malformed_answer("no sane expires_in");
  made.expires_in = Seconds(*seconds);
  return made;
}

core::CallResult<core::AuthorizationGrant> read_code_grant(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::component, status, body));
  TRY(auto grant, read_grant(object));
  // An account that may not call WeChat's API has no tokens: it logs in by the component's.
  const auto& info = *object_at(object, "authorization_info");
  if (info.contains("authorizer_access_token")) {
    TRY(grant.token, read_token_members(info, "authorizer_access_token"));
    if (grant.refresh_token.empty()) return malformed_answer("no refresh token");
  }
  return grant;
}

core::CallResult<core::AuthorizationGrant> read_app_grant(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::component, status, body));
  TRY(auto grant, read_grant(object));
  if (const auto* who = object_at(object, "authorizer_info")) grant.name = text_in(*who, "nick_name");
  return grant;
}

core::CallResult<core::RefreshedToken> read_refreshed_token(int status, std::string_view body) {
  TRY(const auto object, read_answer(WechatCall::component, status, body));
  core::RefreshedToken refreshed;
  TRY(refreshed.token, read_token_members(object, "authorizer_access_token"));
  refreshed.refresh_token = Secret(text_in(object, "authorizer_refresh_token"));
  if (!refreshed.refresh_token.empty() && !is_sane_token(refreshed.refresh_token.reveal())) return malformed_answer("no refresh token of a sane form");
  return refreshed;
}

}  // namespace kaimen::platform

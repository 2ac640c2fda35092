#include "app/app_check.h"

#include "app/admin_client.h"

namespace kaimen::app {

namespace {

constexpr const char* kConsole = "mp.weixin.qq.com → 管理 → 开发管理 → 开发设置";

constexpr int64_t kAddressRefused = 40164;

struct Meaning {
  int64_t errcode;
  const char* what;
  const char* hint;
};

// Of /cgi-bin/stable_token and /cgi-bin/component/*. Others are shown with their number.
constexpr Meaning kMeanings[] = {
    {40013, "WeChat does not know this AppID", "compare it with the console, letter by letter: AppIDs begin with wx and have 18 characters"},
    {40125, "the AppSecret is wrong", "it was reset, or belongs to another AppID; set the present one with `kaimen app rotate-secret`"},
    {40001, "the AppSecret is wrong", "it was reset, or belongs to another AppID; set the present one with `kaimen app rotate-secret`"},
    {40164, "this server's address is not on the app's IP allow list (IP 白名单)", "add the address from which this server reaches the internet"},
    {40243, "the AppSecret is frozen (已冻结)", "an administrator of the mini program can unfreeze it in the console"},
    {41002, "the AppID is missing", nullptr},
    {41004, "the AppSecret is missing", nullptr},
    {50002, "the mini program is restricted (受限)", "the console says why"},
    {50004, "this kind of account may not use this interface", nullptr},
    {50007, "the account is frozen", "the console says why"},
    {61003, "the account has not authorised the third-party platform (any more)", "its administrator authorises it by a link: `kaimen component link`"},
    {61004, "this server's address is not on the third-party platform's IP allow list (白名单IP地址列表)", "open.weixin.qq.com → 第三方平台 → 开发配置"},
    {61005, "the component_verify_ticket is expired", "WeChat's pushes do not reach this server: compare 授权事件接收配置 with {public.url}/push/wechat/APPID"},
    {61006, "the component_verify_ticket is not this third-party platform's", "the next one comes within ten minutes"},
    {61011, "WeChat does not know this third-party platform", "compare its AppID with open.weixin.qq.com"},
    {89503, "an administrator must first confirm this call", "the administrator has got a message from WeChat; confirm it there, then try again"},
    {89506, "an administrator refused this address; WeChat lets it ask again in an hour", nullptr},
    {89507, "an administrator refused this address; WeChat lets it ask again in a day", nullptr},
    {45009, "WeChat's daily limit of calls is used up", "it starts again at midnight, Beijing time"},
    {45011, "too many calls a minute", "try again in a minute"},
    {-1, "WeChat is busy", "try again"},
};

}  // namespace

AppVerdict read_app_check(const http::json::value& answer) {
  const auto* object = answer.if_object();
  const auto* ok = object ? object->if_contains("ok") : nullptr;
  if (ok && ok->is_bool() && ok->get_bool()) return {true, "WeChat accepts appid and secret", ""};

  const auto* upstream = object ? object->if_contains("upstream") : nullptr;
  const auto* members = upstream ? upstream->if_object() : nullptr;
  const auto* number = members ? members->if_contains("errcode") : nullptr;
  if ((!number || !number->is_int64()) && text_member(answer, "code") == "app_misconfigured") return {false, text_member(answer, "detail"), ""};
  if (!number || !number->is_int64()) {
    return {false, "WeChat could not be asked (" + text_member(answer, "code") + ")", "`kaimen check` looks at the way to it: name, network, TLS, proxy"};
  }
  const int64_t errcode = number->get_int64();
  const std::string rid = text_member(*upstream, "rid");
  const std::string source = " (errcode " + std::to_string(errcode) + (rid.empty() ? "" : ", rid " + rid) + ")";
  for (const auto& meaning : kMeanings) {
    if (meaning.errcode != errcode) continue;
    std::string hint = meaning.hint ? std::string(meaning.hint) + "; console: " + kConsole : "";
    // WeChat says which address it saw; the server passes on nothing of what it said but that (platform/wechat_errors.h).
    const std::string detail = text_member(answer, "detail");
    const size_t end = detail.rfind(": ");
    const std::string seen = errcode == kAddressRefused && end != std::string::npos ? detail.substr(end + 2) : "";
    if (!seen.empty() && seen.find(' ') == std::string::npos) hint = "add " + seen + " there; console: " + kConsole;
    return {false, meaning.what + source, std::move(hint)};
  }
  return {false, "WeChat refuses" + source, "WeChat's list of return codes explains the number: developers.weixin.qq.com"};
}

}  // namespace kaimen::app

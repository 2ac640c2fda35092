#include "sandbox/wechat_calls.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "sandbox/component_calls.h"
#include "sandbox/messages.h"
#include "sandbox/persona.h"
#include "sandbox/picture.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

using Reply = Granted<Answer>;

constexpr Refusal kMissingAppid{41002, "appid missing"};
constexpr Refusal kBadAppid{40013, "invalid appid"};
constexpr Refusal kMissingSecret{41004, "appsecret missing"};
constexpr Refusal kBadSecret{40125, "invalid appsecret"};
constexpr Refusal kMissingCode{41008, "missing code"};
constexpr Refusal kBadGrant{40002, "invalid grant_type"};
constexpr Refusal kBadArgument{40097, "invalid args"};
constexpr Refusal kBadData{47001, "data format error"};
constexpr Refusal kBadOpenid{40003, "invalid openid"};

constexpr int64_t kLinkDays = 30;
constexpr size_t kLinkQueryBytes = 1024;

Answer with_ok() {
  Answer answer;
  answer.json["errcode"] = 0;
  answer.json["errmsg"] = "ok";
  return answer;
}

Granted<App*> app_by_secret(World& world, const std::string& appid, const std::string& secret) {
  if (appid.empty()) return kMissingAppid;
  if (secret.empty()) return kMissingSecret;
  App* app = world.find_app(appid);
  if (!app) return kBadAppid;
  if (app->secret != Secret(secret)) return kBadSecret;
  return app;
}

Reply code_to_session(World& world, const Question& question) {
  TRY(App* const app, app_by_secret(world, question.parameter("appid"), question.parameter("secret")));
  if (question.parameter("js_code").empty()) return kMissingCode;
  if (question.parameter("grant_type") != "authorization_code") return kBadGrant;
  TRY(const User* const user, world.spend_login_code(*app, question.parameter("js_code"), question.now));
  return session_of(*app, *user);
}

/// Official accounts, websites, mobile apps. With the scope that lets a page see the profile, as the unionid comes with no other.
Reply oauth_token(World& world, const Question& question) {
  TRY(App* const app, app_by_secret(world, question.parameter("appid"), question.parameter("secret")));
  if (question.parameter("code").empty()) return kMissingCode;
  if (question.parameter("grant_type") != "authorization_code") return kBadGrant;
  TRY(const User* const user, world.spend_login_code(*app, question.parameter("code"), question.now));
  TRY(const std::string access_token, world.oauth_token());
  TRY(const std::string refresh_token, world.oauth_token());
  Answer answer;
  answer.json["access_token"] = access_token;
  answer.json["expires_in"] = 7200;
  answer.json["refresh_token"] = refresh_token;
  answer.json["openid"] = user->openid;
  answer.json["scope"] = "snsapi_userinfo";
  if (user->snapshot) answer.json["is_snapshotuser"] = 1;
  if (const auto unionid = app->unionid_of(*user); !unionid.empty()) answer.json["unionid"] = unionid;
  return answer;
}

Reply token_answer(const Token& token, Time now) {
  Answer answer;
  answer.json["access_token"] = token.text;
  answer.json["expires_in"] = std::chrono::duration_cast<Seconds>(token.dies - now).count();
  return answer;
}

Reply classic_token(World& world, const Question& question) {
  if (question.parameter("grant_type") != "client_credential") return kBadGrant;
  TRY(App* const app, app_by_secret(world, question.parameter("appid"), question.parameter("secret")));
  TRY(const Token token, world.classic_token(*app, question.now));
  return token_answer(token, question.now);
}

Reply stable_token(World& world, const Question& question) {
  TRY(const auto body, body_of(question));
  if (text_of(body, "grant_type") != "client_credential") return kBadGrant;
  TRY(App* const app, app_by_secret(world, text_of(body, "appid"), text_of(body, "secret")));
  const auto* force = body.if_contains("force_refresh");
  if (force && !force->is_bool()) return kBadData;
  TRY(const Token token, world.stable_token(*app, force && force->as_bool(), question.now));
  return token_answer(token, question.now);
}

Granted<App*> app_of(World& world, const Question& question) {
  return world.app_of_token(question.parameter("access_token"), question.now);
}

/// The user whose current session_key signed the (empty) body.
Granted<User*> signed_user(App& app, const Question& question) {
  const auto found = app.by_openid.find(question.parameter("openid"));
  if (found == app.by_openid.end()) return kBadOpenid;
  if (question.parameter("sig_method") != "hmac_sha256") return Refusal{87008, "invalid sig_method"};
  User& user = *found->second;
  if (!has_key(app, user, question.now)) return Refusal{87007, "session_key is not existd or expired"};
  const std::string expected = to_hex(crypto::hmac_sha256(user.session_key, question.body));
  if (!Secret::equal(question.parameter("signature"), expected)) return Refusal{87009, "invalid signature"};
  return &user;
}

Reply check_session(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(signed_user(*app, question));
  return with_ok();
}

Reply reset_session_key(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(User* const user, signed_user(*app, question));
  TRY(world.rotate_key(*user, question.now));
  Answer answer = with_ok();
  answer.json["openid"] = user->openid;
  answer.json["session_key"] = user->session_key;
  return answer;
}

Reply encrypt_keys(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(User* const user, signed_user(*app, question));
  TRY(const auto keys, world.encrypt_keys(*user, question.now));
  json::array list;
  for (const auto& key : keys) {
    const auto left = std::chrono::duration_cast<Seconds>(key.made + kEncryptKeyLife - question.now).count();
    json::object item;
    item["encrypt_key"] = key.key;
    item["iv"] = key.iv;
    item["version"] = key.version;
    item["expire_in"] = std::max<int64_t>(left, 0);
    item["create_time"] = epoch_ms(key.made) / 1000;
    list.insert(list.begin(), std::move(item));  // newest first
  }
  Answer answer = with_ok();
  answer.json["key_info_list"] = std::move(list);
  return answer;
}

Reply phone_number(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  if (text_of(body, "code").empty()) return kMissingCode;
  TRY(const User* const user, world.spend_phone_code(*app, text_of(body, "code"), text_of(body, "openid"), question.now));
  Answer answer = with_ok();
  answer.json["phone_info"] = phone_members(*app, *user, question.now);
  return answer;
}

/// What a text or a picture is thought of: by words in it, so that a test can have either.
std::string_view suggestion_of(std::string_view content) {
  if (content.find("risky") != content.npos) return "risky";
  return content.find("review") != content.npos ? "review" : "pass";
}

json::object verdict_of(std::string_view content) {
  const auto suggestion = suggestion_of(content);
  return {{"suggest", suggestion}, {"label", suggestion == "pass" ? 100 : 20006}};
}

/// The user and the version that both content checks ask for.
Granted<User*> checked_user(App& app, const json::object& body) {
  const auto* version = body.if_contains("version");
  if (!version || !version->is_int64() || version->as_int64() != 2) return kBadArgument;
  const auto found = app.by_openid.find(text_of(body, "openid"));
  if (found == app.by_openid.end()) return kBadOpenid;
  return found->second;
}

Reply check_text(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  TRY(checked_user(*app, body));
  const std::string content = text_of(body, "content");
  if (content.empty() || content.size() > 10'000) return kBadArgument;
  Answer answer = with_ok();
  answer.json["result"] = verdict_of(content);
  return answer;
}

Reply check_media(World& world, const Question& question, Random& random) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  TRY(const User* const user, checked_user(*app, body));
  const std::string url = text_of(body, "media_url");
  if (url.empty()) return kBadArgument;
  const auto id = make_rid(random);
  if (!id) return kBusy;
  if (app->media_checks.size() >= kMediaChecks) app->media_checks.pop_front();
  app->media_checks.push_back({id.value(), url, user->openid});
  Answer answer = with_ok();
  answer.json["trace_id"] = id.value();
  return answer;
}

bool is_scene(std::string_view scene) {
  constexpr std::string_view marks = "!#$&'()*+,/:;=?@-._~";
  return !scene.empty() && scene.size() <= 32 && std::all_of(scene.begin(), scene.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != std::string_view::npos;
  });
}

Reply unlimited_code(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  const std::string scene = text_of(body, "scene"), page = text_of(body, "page"), env = text_of(body, "env_version");
  if (!is_scene(scene)) return Refusal{40169, "invalid length for scene, or the data is not json string"};
  if (page.starts_with('/')) return Refusal{41030, "invalid page"};
  if (!env.empty() && env != "release" && env != "trial" && env != "develop") return kBadArgument;
  int64_t width = 430;
  if (const auto* value = body.if_contains("width")) {
    const auto* number = value->if_int64();
    if (!number || *number < 280 || *number > 1280) return kBadArgument;
    width = *number;
  }
  Answer answer;
  const auto* check = body.if_contains("check_path");
  if (check && !check->is_bool()) return kBadArgument;
  if ((!check || check->as_bool()) && !app->has_page(page)) return Refusal{41030, "invalid page"};
  // What a scan opens, as a mini program is given it.
  const std::string shown = env.empty() ? "release" : env;
  answer.image = draw_code(app->appid + "/" + page + "?env_version=" + shown + "&scene=" + http::url_encode(scene), static_cast<unsigned>(width));
  if (answer.image.empty()) return kBadArgument;
  return answer;
}

// ---- links ----

/// When it is over, as a number of seconds since 1970, or days from now. Every link has an end, within 30 days.
Granted<void> check_end(const json::object& body, Time now) {
  const auto number = [&body](std::string_view name) {
    const auto* value = body.if_contains(name);
    const auto* found = value ? value->if_int64() : nullptr;
    return found ? *found : 0;
  };
  const int64_t in_days = number("expire_interval"), at = number("expire_time"), seconds = epoch_ms(now) / 1000;
  const bool good = number("expire_type") == 1 ? in_days >= 1 && in_days <= kLinkDays : at > seconds && at <= seconds + kLinkDays * 86400;
  if (!good) return Refusal{85401, "invalid expire time"};
  return ok();
}

Granted<void> check_target(const App& app, const json::object& where) {
  const std::string path = text_of(where, "path"), env = text_of(where, "env_version");
  if (!env.empty() && env != "release" && env != "trial" && env != "develop") return Refusal{85402, "invalid env_version"};
  const std::string_view page = std::string_view(path).substr(path.starts_with('/') ? 1 : 0);
  if (page.find('?') != page.npos || !app.has_page(page)) return Refusal{40165, "invalid weapp pagepath"};
  if (text_of(where, "query").size() > kLinkQueryBytes) return Refusal{40212, "invalid query"};
  return ok();
}

Reply link_answer(World& world, App& app, std::string_view member, std::string_view begin, Time now) {
  TRY(const std::string ticket, world.count_link(app, now));
  Answer answer = with_ok();
  answer.json[member] = std::string(begin) + ticket;
  return answer;
}

Reply scheme(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  const auto* jump = body.if_contains("jump_wxa");
  const json::object nowhere;
  TRY(check_target(*app, jump && jump->is_object() ? jump->get_object() : nowhere));
  TRY(check_end(body, question.now));
  return link_answer(world, *app, "openlink", "weixin://dl/business/?t=", question.now);
}

Reply url_link(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  TRY(check_target(*app, body));
  TRY(check_end(body, question.now));
  return link_answer(world, *app, "url_link", "https://wxaurl.cn/", question.now);
}

struct Row {
  std::string_view path;
  bool get, post;
  Reply (*answer)(World&, const Question&);
};
constexpr std::array kRows{
    Row{"/sns/jscode2session", true, false, code_to_session},
    Row{"/sns/oauth2/access_token", true, false, oauth_token},
    Row{"/cgi-bin/token", true, false, classic_token},
    Row{"/cgi-bin/stable_token", false, true, stable_token},
    Row{"/wxa/checksession", true, false, check_session},
    Row{"/wxa/resetusersessionkey", true, false, reset_session_key},
    // Documented as GET with a POST in its sample. Its signature covers the body, so any body at all is 87009.
    Row{"/wxa/business/getuserencryptkey", true, true, encrypt_keys},
    Row{"/wxa/business/getuserphonenumber", false, true, phone_number},
    Row{"/wxa/msg_sec_check", false, true, check_text},
    Row{"/cgi-bin/message/subscribe/send", false, true, send_subscribe_message},
    Row{"/wxa/getwxacodeunlimit", false, true, unlimited_code},
    Row{"/wxa/generatescheme", false, true, scheme},
    Row{"/wxa/generate_urllink", false, true, url_link},
};

Reply dispatch(World& world, const Question& question, Random& random) {
  if (is_component_path(question.path)) return ask_component(world, question, random);
  if (question.path == "/wxa/media_check_async") {
    return question.method == "POST" ? check_media(world, question, random) : Reply(Refusal{43002, "require POST method"});
  }
  for (const auto& row : kRows) {
    if (row.path != question.path) continue;
    if (question.method == "GET" ? !row.get : question.method != "POST" || !row.post) {
      return row.post ? Refusal{43002, "require POST method"} : Refusal{43001, "require GET method"};
    }
    return row.answer(world, question);
  }
  return Refusal{40066, "invalid url"};
}

}  // namespace

Answer session_of(const App& app, const User& user) {
  Answer answer;
  answer.json["session_key"] = user.session_key;
  answer.json["openid"] = user.openid;
  if (const auto unionid = app.unionid_of(user); !unionid.empty()) answer.json["unionid"] = unionid;
  return answer;
}

Granted<json::object> body_of(const Question& question) {
  auto parsed = http::parse_json(question.body);
  auto* object = parsed ? parsed.value().if_object() : nullptr;
  if (!object) return kBadData;
  return std::move(*object);
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(text->data(), text->size()) : std::string();
}

const std::string& Question::parameter(std::string_view name) const {
  static const std::string none;
  const auto* value = query.find(name);
  return value ? *value : none;
}

int64_t Answer::errcode() const {
  const auto* value = json.if_contains("errcode");
  return value && value->is_int64() ? value->as_int64() : 0;
}

json::object phone_members(const App& app, const User& user, Time now) {
  json::object members;
  // Numbers of the mainland come without their country code.
  members["phoneNumber"] = user.country_code == "86" ? user.phone : "+" + user.country_code + user.phone;
  members["purePhoneNumber"] = user.phone;
  members["countryCode"] = user.country_code;
  members["watermark"] = watermark_of(app, now);
  return members;
}

json::object media_verdict(const MediaCheck& check, const App& app, const std::optional<std::string>& picture, Time now) {
  json::object message{{"ToUserName", "gh_sandbox"}, {"FromUserName", check.openid}, {"CreateTime", epoch_ms(now) / 1000}, {"MsgType", "event"},
                       {"Event", "wxa_media_check"}, {"appid", app.appid},           {"trace_id", check.trace_id},         {"version", 2}};
  message["errcode"] = picture ? 0 : -1008;
  message["errmsg"] = picture ? "ok" : "download media fail";
  message["result"] = verdict_of(picture.value_or(""));
  return message;
}

json::object watermark_of(const App& app, Time now) {
  json::object mark;
  mark["timestamp"] = epoch_ms(now) / 1000;
  mark["appid"] = app.appid;
  return mark;
}

Answer refuse_as_wechat(int64_t errcode, std::string_view errmsg, Random& random) {
  Answer answer;
  answer.json["errcode"] = errcode;
  std::string text(errmsg);
  if (const auto rid = make_rid(random)) text.append(", rid: ").append(rid.value());
  answer.json["errmsg"] = text;
  return answer;
}

Answer ask_wechat(World& world, const Question& question, Random& random) {
  auto reply = dispatch(world, question, random);
  if (!reply) return refuse_as_wechat(reply.error().errcode, reply.error().errmsg, random);
  return std::move(reply).value();
}

std::string_view content_type_of(std::string_view path) {
  return path.starts_with("/sns/") ? "text/plain" : "application/json; encoding=utf-8";
}

}  // namespace kaimen::sandbox

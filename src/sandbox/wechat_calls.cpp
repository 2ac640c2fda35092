#include "sandbox/wechat_calls.h"

#include <array>

#include "sandbox/component_calls.h"
#include "sandbox/content_calls.h"
#include "sandbox/link_calls.h"
#include "sandbox/messages.h"
#include "sandbox/persona.h"
#include "sandbox/user_key_calls.h"

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
constexpr Refusal kBadData{47001, "data format error"};

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

Reply phone_number(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  if (text_of(body, "code").empty()) return kMissingCode;
  TRY(const User* const user, world.spend_phone_code(*app, text_of(body, "code"), text_of(body, "openid"), question.now));
  Answer answer = with_ok();
  answer.json["phone_info"] = phone_members(*app, *user, question.now);
  return answer;
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

Answer with_ok() {
  Answer answer;
  answer.json["errcode"] = 0;
  answer.json["errmsg"] = "ok";
  return answer;
}

Granted<App*> app_of(World& world, const Question& question) {
  return world.app_of_token(question.parameter("access_token"), question.now);
}

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

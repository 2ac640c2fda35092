#include "sandbox/control_calls.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/cbc.h"
#include "crypto/hash.h"
#include "crypto/wechat_push.h"
#include "http/client.h"
#include "sandbox/signing.h"
#include "sandbox/wechat_calls.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr size_t kNameBytes = 128;
constexpr int64_t kLongestPause = 600'000;
constexpr std::string_view kAnonymousName = "微信用户";
constexpr std::string_view kAnonymousAvatar =
    "https://thirdwx.qlogo.cn/mmopen/vi_32/"
    "POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";

using Reply = Result<json::object>;

bool is_appid(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

Result<> all_known(const http::Reader& reader) {
  TRY(reader.check());
  const auto unknown = reader.unknown();
  if (!unknown.empty()) return make_error(ErrorCode::invalid_request, "unknown field \"" + unknown.front() + "\"");
  return ok();
}

// All that can be refused on this side is for want of randomness.
Result<std::string> granted(Granted<std::string> result) {
  if (!result) return make_error(ErrorCode::unavailable, "no randomness");
  return std::move(result).value();
}
Result<> granted(const Granted<void>& result) {
  if (!result) return make_error(ErrorCode::unavailable, "no randomness");
  return ok();
}

struct Person {
  App* app;
  User* user;
};
Result<Person> person_of(World& world, const std::string& appid, const std::string& name) {
  App* app = world.find_app(appid);
  if (!app) return make_error(ErrorCode::not_found, "no app \"" + appid + "\": POST /sandbox/apps makes one");
  if (name.empty() || name.size() > kNameBytes) return make_error(ErrorCode::invalid_request, "user must have 1 to 128 bytes");
  User* user = world.user_of(*app, name);
  if (!user) return make_error(ErrorCode::unavailable, "too many users");
  return Person{app, user};
}

/// Which session_key encrypts: "current", or "previous", as a phone does that logged in before the server noticed.
Result<std::string> key_of(World& world, const App& app, User& user, const std::optional<std::string>& which, Time now) {
  if (!which || *which == "current") {
    TRY(granted(world.ensure_key(app, user, now)));
    return user.session_key;
  }
  if (*which != "previous") return make_error(ErrorCode::invalid_request, "key must be \"current\" or \"previous\"");
  if (user.previous_key.empty()) return make_error(ErrorCode::invalid_request, "this user has no previous session_key yet");
  return user.previous_key;
}

Result<> put_encrypted(json::object& answer, const std::string& session_key, const std::string& plaintext, Random& random) {
  TRY(const auto iv_bytes, random.bytes<16>());
  const std::string iv(iv_bytes.begin(), iv_bytes.end());
  const auto encrypted = crypto::aes_cbc_encrypt(from_base64(session_key).value_or(""), iv, plaintext);
  if (!encrypted) return make_error(ErrorCode::internal, "AES failed");
  answer["encryptedData"] = to_base64(*encrypted);
  answer["iv"] = to_base64(iv);
  return ok();
}

Reply put_app(World& world, const json::object& body, Time, Random&) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"});
  const auto secret = reader.string({"secret"}), push_url = reader.string({"push_url"}), push_token = reader.string({"push_token"});
  const auto push_key = reader.string({"push_key", "encoding_aes_key"});
  const auto minute = reader.integer({"logins_per_minute"}), day = reader.integer({"logins_per_day"}), phones = reader.integer({"phone_quota"});
  const auto token_seconds = reader.integer({"token_seconds"});
  const auto key_life = reader.integer({"session_key_seconds"}), media_pause = reader.integer({"media_verdict_after_ms"});
  const auto links = reader.integer({"links_per_day"});
  const auto* pages = reader.array({"pages"});
  const auto unionid = reader.boolean({"unionid"});
  const auto open_platform = reader.string({"open_platform"});
  TRY(all_known(reader));
  if (!is_appid(appid)) return make_error(ErrorCode::invalid_request, "appid must be 1 to 64 letters and digits");
  if (secret ? secret->empty() : !world.find_app(appid)) return make_error(ErrorCode::invalid_request, "secret must not be empty");
  if (push_url && !push_url->empty() && !http::BaseUrl::parse(*push_url)) return make_error(ErrorCode::invalid_request, "push_url is no URL");
  if (minute.value_or(0) < 0 || day.value_or(0) < 0 || links.value_or(0) < 0 || phones.value_or(0) < 0) {
    return make_error(ErrorCode::invalid_request, "a quota is not negative");
  }
  if (key_life.value_or(1) < 1 || media_pause.value_or(0) < 0 || media_pause.value_or(0) > kLongestPause) {
    return make_error(ErrorCode::invalid_request, "session_key_seconds is at least 1, media_verdict_after_ms 0 to 600000");
  }
  if (push_key && !push_key->empty() && !crypto::push_key(*push_key)) {
    return make_error(ErrorCode::invalid_request, "push_key must be an EncodingAESKey of 43 characters");
  }
  if (token_seconds && (*token_seconds < 1 || *token_seconds > kTokenLife.count())) {
    return make_error(ErrorCode::invalid_request, "token_seconds must be 1 to 7200");
  }
  App* app = world.put_app(appid);
  if (!app) return make_error(ErrorCode::unavailable, "too many apps");
  if (secret) app->secret = Secret(*secret);
  if (minute) app->logins_per_minute = *minute;
  if (day) app->logins_per_day = *day;
  if (phones) app->phone_quota = *phones;
  if (token_seconds) app->token_life = Seconds(*token_seconds);
  if (key_life) app->session_key_life = Seconds{*key_life};
  if (media_pause) app->media_pause = Millis{*media_pause};
  if (links) app->links_per_day = *links;
  if (pages) {
    app->pages.clear();
    for (const auto& page : *pages) app->pages.emplace_back(page.is_string() ? std::string_view(page.get_string()) : std::string_view());
  }
  if (push_url) app->push_url = *push_url;
  if (push_token) app->push_token = Secret(*push_token);
  if (push_key) app->push_key = Secret(*push_key);
  if (unionid) app->open_platform = *unionid ? "default" : "";
  if (open_platform) app->open_platform = *open_platform;
  json::object answer;
  answer["appid"] = appid;
  return answer;
}

Reply login(World& world, const json::object& body, Time now, Random&) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"}), name = reader.require_string({"user"});
  const auto rotate = reader.boolean({"rotate"});
  const bool snapshot = reader.boolean({"snapshot"}).value_or(false);
  TRY(all_known(reader));
  TRY(const auto person, person_of(world, appid, name));
  User* const user = snapshot ? world.snapshot_of(*person.app, *person.user) : person.user;
  if (!user) return make_error(ErrorCode::unavailable, "too many users");
  TRY(const std::string code, granted(world.login(*person.app, *user, rotate, now)));
  json::object answer;
  answer["code"] = code;
  answer["openid"] = user->openid;
  return answer;
}

Reply user_info(World& world, const json::object& body, Time now, Random& random) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"}), name = reader.require_string({"user"});
  const auto nickname = reader.string({"nickName", "nickname"}), avatar = reader.string({"avatarUrl", "avatar_url"});
  const auto gender = reader.integer({"gender"});
  const auto key = reader.string({"key"});
  TRY(all_known(reader));
  TRY(const auto person, person_of(world, appid, name));
  TRY(const std::string session_key, key_of(world, *person.app, *person.user, key, now));
  json::object profile;
  profile["nickName"] = nickname.value_or(std::string(kAnonymousName));
  profile["gender"] = gender.value_or(0);
  profile["language"] = "zh_CN";
  profile["city"] = "";
  profile["province"] = "";
  profile["country"] = "";
  profile["avatarUrl"] = avatar.value_or(std::string(kAnonymousAvatar));
  const std::string raw = http::to_text(profile);
  json::object whole;
  whole["openId"] = person.user->openid;
  for (const auto& member : profile) whole[member.key()] = member.value();
  if (const auto unionid = person.app->unionid_of(*person.user); !unionid.empty()) whole["unionId"] = unionid;
  whole["watermark"] = watermark_of(*person.app, now);
  json::object answer;
  answer["rawData"] = raw;
  answer["signature"] = to_hex(crypto::sha1(raw + session_key));
  TRY(put_encrypted(answer, session_key, http::to_text(whole), random));
  return answer;
}

Reply phone(World& world, const json::object& body, Time now, Random& random) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"}), name = reader.require_string({"user"});
  const auto number = reader.string({"phone"}), country = reader.string({"country_code"});
  const auto key = reader.string({"key"});
  TRY(all_known(reader));
  auto digits = [](std::string_view text, size_t most) {
    return !text.empty() && text.size() <= most && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (number && !digits(*number, 20)) return make_error(ErrorCode::invalid_request, "phone must be digits, without the country code");
  if (country && !digits(*country, 4)) return make_error(ErrorCode::invalid_request, "country_code must be digits");
  TRY(const auto person, person_of(world, appid, name));
  if (number) person.user->phone = *number;
  if (country) person.user->country_code = *country;
  if (person.app->phone_quota == 0) {
    // The phone itself refuses then; the server hears nothing of it.
    return json::object{{"errno", 1400001}, {"errMsg", "getPhoneNumber:fail jsapi has no permission"}};
  }
  TRY(const std::string session_key, key_of(world, *person.app, *person.user, key, now));
  TRY(const std::string code, granted(world.phone_code(*person.app, *person.user, now)));
  json::object answer;
  answer["code"] = code;
  TRY(put_encrypted(answer, session_key, http::to_text(phone_members(*person.app, *person.user, now)), random));
  return answer;
}

/// Whether the user takes messages of this template: what wx.requestSubscribeMessage asks.
Reply subscribe(World& world, const json::object& body, Time, Random&) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"}), name = reader.require_string({"user"});
  const std::string template_id = reader.require_string({"template_id"});
  const bool accept = reader.boolean({"accept"}).value_or(true);
  TRY(all_known(reader));
  TRY(const auto person, person_of(world, appid, name));
  if (accept) person.user->refused_templates.erase(template_id);
  else person.user->refused_templates.insert(template_id);
  return json::object{{"openid", person.user->openid}, {template_id, accept ? "accept" : "reject"}};
}

/// Turns API signing and encryption on with new keys, which are answered, or off.
Reply signing(World& world, const json::object& body, Time, Random& random) {
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"});
  const bool on = reader.boolean({"on"}).value_or(true);
  TRY(all_known(reader));
  App* app = world.find_app(appid);
  if (!app) return make_error(ErrorCode::not_found, "no app \"" + appid + "\": POST /sandbox/apps makes one");
  app->signing.reset();
  if (!on) return json::object{};
  return make_signing(*app, random);
}

// Any data: an object gets a watermark if it has none; a string is encrypted as it is.
Reply open_data(World& world, json::object body, Time now, Random& random) {
  json::value data;
  if (const auto* value = body.if_contains("data")) data = *value;
  body.erase("data");
  http::Reader reader(body);
  const std::string appid = reader.require_string({"appid", "app_id"}), name = reader.require_string({"user"});
  const auto key = reader.string({"key"});
  TRY(all_known(reader));
  if (!data.is_object() && !data.is_string()) return make_error(ErrorCode::invalid_request, "data must be an object or a string");
  TRY(const auto person, person_of(world, appid, name));
  TRY(const std::string session_key, key_of(world, *person.app, *person.user, key, now));
  std::string plaintext;
  if (auto* object = data.if_object()) {
    if (!object->contains("watermark")) (*object)["watermark"] = watermark_of(*person.app, now);
    plaintext = http::to_text(*object);
  } else {
    plaintext.assign(data.as_string().data(), data.as_string().size());
  }
  json::object answer;
  TRY(put_encrypted(answer, session_key, plaintext, random));
  return answer;
}

}  // namespace

ControlAnswer refuse_control(int status, std::string_view words) {
  ControlAnswer answer;
  answer.status = status;
  answer.json["error"] = words;
  return answer;
}

ControlAnswer control(World& world, std::string_view path, std::string_view body, Time now, Random& random) {
  auto parsed = http::parse_json(body);
  if (!parsed) return refuse_control(400, parsed.error().detail);
  const auto* object = parsed.value().if_object();
  if (!object) return refuse_control(400, "the body must be a JSON object");
  Reply reply = make_error(ErrorCode::not_found, "no such control path; see docs/sandbox.md");
  if (path == "/sandbox/apps") reply = put_app(world, *object, now, random);
  if (path == "/sandbox/subscribe") reply = subscribe(world, *object, now, random);
  if (path == "/sandbox/signing") reply = signing(world, *object, now, random);
  if (path == "/sandbox/login") reply = login(world, *object, now, random);
  if (path == "/sandbox/user-info") reply = user_info(world, *object, now, random);
  if (path == "/sandbox/phone") reply = phone(world, *object, now, random);
  if (path == "/sandbox/open-data") reply = open_data(world, *object, now, random);
  if (reply) return {200, std::move(reply).value()};
  const auto code = reply.error().code;
  return refuse_control(code == ErrorCode::not_found ? 404 : code == ErrorCode::invalid_request ? 400 : 503, reply.error().detail);
}

}  // namespace kaimen::sandbox

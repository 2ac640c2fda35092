// WeChat's own paths: checks the question as WeChat does, and answers in its shapes. A failure is an errcode in an HTTP 200.
#pragma once

#include <string>
#include <string_view>

#include "http/json.h"
#include "http/message.h"
#include "sandbox/world.h"

namespace kaimen::sandbox {

struct Question {
  std::string_view method, path;
  http::Parameters query;
  std::string_view body;
  Time now{};
  const http::Request* request = nullptr;  ///< As it came, for what is signed.
  /// First value of a query parameter; empty if there is none.
  const std::string& parameter(std::string_view name) const;
};

struct Answer {
  http::json::object json;
  std::string image;  ///< Instead of json: PNG bytes.
  int64_t errcode() const;
};

inline constexpr Refusal kBadArgument{40097, "invalid args"}, kBadOpenid{40003, "invalid openid"};

/// {errcode: 0, errmsg: "ok"}, to which most calls add.
Answer with_ok();
/// The app whose access_token the question has. Refusals: as of World::app_of_token.
Granted<App*> app_of(World& world, const Question& question);
/// session_key, openid and, where the app is bound, unionid.
Answer session_of(const App& app, const User& user);
/// The body as an object. Refusal: 47001.
Granted<http::json::object> body_of(const Question& question);
/// A member that is a string; else empty.
std::string text_of(const http::json::object& object, std::string_view name);

/// Answers a question on one of WeChat's paths; 40066 for a path that WeChat does not have.
Answer ask_wechat(World& world, const Question& question, Random& random);
/// {errcode, errmsg} with a rid, as every failure of WeChat's looks.
Answer refuse_as_wechat(int64_t errcode, std::string_view errmsg, Random& random);
/// {timestamp, appid}.
http::json::object watermark_of(const App& app, Time now);
/// phoneNumber, purePhoneNumber, countryCode and watermark, as phone_info and decrypted phone data have them.
http::json::object phone_members(const App& app, const User& user, Time now);
/// The type WeChat gives to answers of this path: sns/* is text/plain although it is JSON.
std::string_view content_type_of(std::string_view path);

}  // namespace kaimen::sandbox

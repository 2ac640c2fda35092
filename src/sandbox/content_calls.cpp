#include "sandbox/content_calls.h"

#include "sandbox/persona.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

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

}  // namespace

Granted<Answer> check_text(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  TRY(checked_user(*app, body));
  const std::string content = text_of(body, "content");
  if (content.empty() || content.size() > 10'000) return kBadArgument;
  Answer answer = with_ok();
  answer.json["result"] = verdict_of(content);
  return answer;
}

Granted<Answer> check_media(World& world, const Question& question, Random& random) {
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

json::object media_verdict(const MediaCheck& check, const App& app, const std::optional<std::string>& picture, Time now) {
  json::object message{{"ToUserName", "gh_sandbox"}, {"FromUserName", check.openid}, {"CreateTime", epoch_ms(now) / 1000}, {"MsgType", "event"},
                       {"Event", "wxa_media_check"}, {"appid", app.appid},           {"trace_id", check.trace_id},         {"version", 2}};
  message["errcode"] = picture ? 0 : -1008;
  message["errmsg"] = picture ? "ok" : "download media fail";
  message["result"] = verdict_of(picture.value_or(""));
  return message;
}

}  // namespace kaimen::sandbox

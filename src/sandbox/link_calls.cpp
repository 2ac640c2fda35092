#include "sandbox/link_calls.h"

#include <algorithm>

#include "sandbox/picture.h"

namespace kaimen::sandbox {

namespace json = http::json;

namespace {

constexpr int64_t kLinkDays = 30;
constexpr size_t kLinkQueryBytes = 1024;

bool is_scene(std::string_view scene) {
  constexpr std::string_view marks = "!#$&'()*+,/:;=?@-._~";
  return !scene.empty() && scene.size() <= 32 && std::all_of(scene.begin(), scene.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || marks.find(c) != std::string_view::npos;
  });
}

bool is_env_version(std::string_view env) { return env.empty() || env == "release" || env == "trial" || env == "develop"; }

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
  if (!is_env_version(env)) return Refusal{85402, "invalid env_version"};
  const std::string_view page = std::string_view(path).substr(path.starts_with('/') ? 1 : 0);
  if (page.find('?') != page.npos || !app.has_page(page)) return Refusal{40165, "invalid weapp pagepath"};
  if (text_of(where, "query").size() > kLinkQueryBytes) return Refusal{40212, "invalid query"};
  return ok();
}

Granted<Answer> link_answer(World& world, App& app, std::string_view member, std::string_view begin, Time now) {
  TRY(const std::string ticket, world.count_link(app, now));
  Answer answer = with_ok();
  answer.json[member] = std::string(begin) + ticket;
  return answer;
}

}  // namespace

Granted<Answer> unlimited_code(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  const std::string scene = text_of(body, "scene"), page = text_of(body, "page"), env = text_of(body, "env_version");
  if (!is_scene(scene)) return Refusal{40169, "invalid length for scene, or the data is not json string"};
  if (page.starts_with('/')) return Refusal{41030, "invalid page"};
  if (!is_env_version(env)) return kBadArgument;
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

Granted<Answer> scheme(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  const auto* jump = body.if_contains("jump_wxa");
  const json::object nowhere;
  TRY(check_target(*app, jump && jump->is_object() ? jump->get_object() : nowhere));
  TRY(check_end(body, question.now));
  return link_answer(world, *app, "openlink", "weixin://dl/business/?t=", question.now);
}

Granted<Answer> url_link(World& world, const Question& question) {
  TRY(App* const app, app_of(world, question));
  TRY(const auto body, body_of(question));
  TRY(check_target(*app, body));
  TRY(check_end(body, question.now));
  return link_answer(world, *app, "url_link", "https://wxaurl.cn/", question.now);
}

}  // namespace kaimen::sandbox

// POST /v1/login: reads the request, hands it to core/login, writes the answer.
#include "api/login.h"

#include "api/presented.h"
#include "api/same_origin.h"
#include "api/wire.h"
#include "base/encoding.h"
#include "base/limits.h"

namespace kaimen::api {

namespace {

constexpr int64_t kSceneMax = 99999;
constexpr size_t kEntryPathCodePoints = 128;
constexpr size_t kSceneBytes = 1024;  // encoded

// The scene of a code, which is in the query as WeChat encoded it. What is not well encoded stands for itself: it is no code of ours.
std::string decoded_scene(const std::string& scene) {
  std::string decoded;
  return http::url_decode(scene, decoded) ? decoded : scene;
}

}  // namespace

// The client's own old ticket, good or expired, names the session that this login takes the place of.
std::optional<Id> old_session(Call& call, const core::App& app) {
  const Presented presented = call.presented();
  if (presented.kind != Presented::Kind::one) return std::nullopt;
  auto& checker = core::Checker::of(call.services.live);
  const auto verdict = checker.check(presented.ticket);
  if (!verdict || verdict->reason == check::Reason::malformed || checker.opened().claims.app != app.number) return std::nullopt;
  return Id{checker.opened().claims.session};
}

Result<core::Device> read_device(Call& call, const http::json::object* json) {
  core::Device device;
  if (!json) return device;
  http::Reader reader(*json, "device.");
  auto text = [&](std::string_view name) {
    auto value = reader.string({name}).value_or("");
    if (value.size() > limits::kDeviceFieldBytes) reader.fail(std::string(name) + " must be at most 128 bytes");
    if (value.find('\0') != std::string::npos) reader.fail(std::string(name) + " must hold no zero character");
    return value;
  };
  device.id = text("id");
  device.model = text("model");
  device.system = text("system");
  device.platform = text("platform");
  TRY(call.finish(reader));
  return device;
}

// As "1047 pages/cart", and the code. The rest of the query stays out of it, for it may hold anything; whatever else WeChat adds is nobody's
// mistake.
Result<core::CameBy> read_entry(const http::json::object* json, std::optional<std::string> code) {
  static const http::json::object kNothing;
  core::CameBy by;
  http::Reader reader(json ? *json : kNothing, "entry.");
  const auto scene = reader.integer({"scene"});
  const auto path = reader.string({"path"}).value_or("");
  if (scene && (*scene < 0 || *scene > kSceneMax)) reader.fail("scene must be 0 to 99999");
  if (!is_plain_text(path, kEntryPathCodePoints)) reader.fail("path must be at most 128 characters without control characters");
  auto within = reader.string({"entry_code"});
  if (within && code && *within != *code) reader.fail("entry_code is given twice");
  if (within) code = std::move(within);
  const auto* query = reader.object({"query"});
  TRY(reader.check());
  by.place = scene ? std::to_string(*scene) : std::string();
  if (!path.empty()) by.place += (by.place.empty() ? "" : " ") + path;
  const auto* value = query ? query->if_contains("scene") : nullptr;
  const auto* text = value ? value->if_string() : nullptr;
  by.code = code ? *code : text ? decoded_scene(std::string(*text)) : std::string();
  if (by.code.size() > kSceneBytes) return make_error(ErrorCode::invalid_request, "an entry code has at most 32 characters");
  return by;
}

Answer login(Call& call) { return log_in(call, false); }

Answer log_in(Call& call, bool restore) {
  http::Reader reader(call.body);
  const std::string app_id = reader.require_string({"app_id", "appid", "appId"});
  core::LoginRequest request;
  request.code = Secret(reader.require_string({"code", "js_code"}));
  request.attempt = reader.string({"attempt"}).value_or("");
  if (request.attempt.find('\0') != std::string::npos) reader.fail("attempt must hold no zero character");
  const std::string env = reader.string({"env_version", "envVersion"}).value_or("release");
  const bool cookies = reader.boolean({"cookie"}).value_or(false);
  const auto* profile = reader.object({"profile"});
  const auto* phone = reader.object({"phone"});
  const auto* device = reader.object({"device"});
  const auto* entry = reader.object({"entry"});
  auto entry_code = reader.string({"entry_code"});
  CO_TRY(call.finish(reader));
  if (profile) {
    http::Reader part(*profile, "profile.");
    request.profile = read_profile_proof(part);
    CO_TRY(call.finish(part));
  }
  if (phone) {
    http::Reader part(*phone, "phone.");
    request.phone = read_phone_proof(part);
    CO_TRY(call.finish(part));
  }
  CO_TRY(request.device, read_device(call, device));
  CO_TRY(request.came_by, read_entry(entry, std::move(entry_code)));
  const auto parsed_env = core::parse_env(env);
  if (!parsed_env) co_return make_error(ErrorCode::invalid_request, "env_version must be release, trial or develop");
  request.env = *parsed_env;
  request.restore = restore;

  request.app = call.services.apps.find(app_id);
  if (!request.app) co_return make_error(ErrorCode::not_found, "there is no app with this app_id");
  if (cookies) {
    CO_TRY(not_of_another_site(call, *request.app));
  }
  call.trace.app_id = app_id;
  call.trace.env = env;
  request.old_session = old_session(call, *request.app);

  auto answer = co_await call.services.login.run(std::move(request), &call.trace);
  CO_TRY(const auto logged_in, std::move(answer));
  co_return login_response(call, logged_in, cookies);
}

}  // namespace kaimen::api

#include "platform/resolver.h"

#include "core/webhooks.h"
#include "http/json.h"

namespace kaimen::platform {

namespace {

constexpr size_t kAnswerBytes = 16 * 1024;

std::string question(const core::WhoIs& who) {
  http::json::object body{{"app_id", who.app->app_id}, {"openid", who.openid}, {"user_id", who.user.hex()}, {"is_new_user", who.is_new_user}};
  if (!who.unionid.empty()) body["unionid"] = who.unionid;
  return http::to_text(body);
}

}  // namespace

Result<std::optional<core::ResolvedUser>> read_resolved(const core::OutboundAnswer& answer) {
  if (answer.status == 204 || answer.status == 404) return std::nullopt;
  if (answer.status != 200) return make_error(ErrorCode::upstream_error, "resolve_url answered " + std::to_string(answer.status));
  const auto parsed = http::parse_json(answer.body);
  const auto* object = parsed ? parsed.value().if_object() : nullptr;
  const Error nonsense = make_error(ErrorCode::upstream_error, "resolve_url answered what is not such an answer");
  if (!object) return nonsense;
  http::Reader reader(*object);
  core::ResolvedUser found;
  found.external_id = reader.string({"external_id"}).value_or("");
  found.nickname = reader.string({"nickname"});
  if (const auto* attributes = reader.object({"attributes"})) found.attributes = http::to_text(*attributes);
  if (const auto* roles = reader.array({"roles"})) {
    auto& texts = found.roles.emplace();
    for (const auto& role : *roles) {
      if (!role.is_string()) return nonsense;
      texts.emplace_back(role.get_string());
    }
  }
  if (reader.error()) return nonsense;
  return found;
}

Task<Result<std::optional<core::ResolvedUser>>> Resolver::ask(core::WhoIs who, Time now, Deadline deadline) {
  core::OutboundRequest request;
  request.url = who.app->settings.resolve_url;
  request.body = question(who);
  request.deadline = deadline;
  request.max_body_bytes = kAnswerBytes;
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("X-Request-Id", who.request_id);
  request.headers.emplace_back("X-Kaimen-Signature", core::webhook_signature(who.app->resolve_secret, now, request.body));
  auto sending = outbound_.send(std::move(request));
  auto sent = co_await std::move(sending);
  CO_TRY(const auto answer, std::move(sent));
  co_return read_resolved(answer);
}

}  // namespace kaimen::platform

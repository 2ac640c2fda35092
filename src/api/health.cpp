#include "api/health.h"

namespace kaimen::api {

Answer healthz(Call& call) {
  const http::json::object body{{"status", "ok"}, {"version", call.options.version}};
  co_return json_response(200, body);
}

Answer readyz(Call& call) {
  const core::Services& services = call.services;
  if (!services.live.ready.load()) co_return make_error(ErrorCode::unavailable, "keys, apps and revocations are not read yet");
  if (services.follower && services.follower->went_back()) co_return make_error(ErrorCode::unavailable, "the database has gone back in time; see the log");
  if (!services.live.moment()) co_return make_error(ErrorCode::unavailable, "the database has been out of reach for longer than store.revocation_grace_seconds");
  const http::json::object body{{"status", "ready"}};
  co_return json_response(200, body);
}

Answer openapi(Call& call) {
  http::Response response;
  response.set("Content-Type", "application/json");
  response.body = openapi_document(call.options.version);
  co_return response;
}

}  // namespace kaimen::api

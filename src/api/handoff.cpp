#include "api/handoff.h"

#include "api/wire.h"

namespace kaimen::api {

Answer offer_handoff(Call& call, const Visitor& visitor) {
  http::Reader reader(call.body);
  const std::string to = reader.require_string({"to"});
  CO_TRY(call.finish(reader));
  const std::string base = call.options.issuer();
  if (base.empty()) co_return make_error(ErrorCode::app_misconfigured, "the address handed out begins with public.url, which is not set");
  // Each becomes a session, and costs whoever asks nothing.
  CO_TRY(call.services.user_rates.admit(visitor.user, call.services.live.clock.now()));
  CO_TRY(const auto code, call.services.handoffs.offer(*visitor.app, visitor.session, to));
  const http::json::object body{{"url", base + "/v1/handoff?c=" + code}, {"expires_in", core::kHandoffLife.count()}};
  co_return json_response(200, body, true);
}

Answer take_handoff(Call& call) {
  // What looks at a link before it is opened must not use it up.
  if (call.http.method != "GET") co_return make_error(ErrorCode::invalid_request, "a hand-over is taken with GET");
  const std::string* code = call.query.find("c");
  if (!code || call.query.doubled("c")) co_return make_error(ErrorCode::invalid_request, "c is required, once");
  auto taking = call.services.handoffs.take(*code, &call.trace);
  auto taken = co_await std::move(taking);
  CO_TRY(const auto handed, std::move(taken));
  http::Response response;
  response.status = 303;
  response.set("Location", handed.to).set("Cache-Control", "no-store").set("Referrer-Policy", "no-referrer");
  set_session_cookies(call, handed.answer, response);
  co_return response;
}

}  // namespace kaimen::api

#include "api/errors.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/clock.h"
#include "http/json.h"

namespace kaimen::api {

namespace {

constexpr ErrorRow kRows[] = {
    {ErrorCode::invalid_request, 400, "The request is not valid", true},
    {ErrorCode::unauthenticated, 401, "No valid ticket", false},
    {ErrorCode::forbidden, 403, "Not allowed", false},
    {ErrorCode::registration_required, 403, "Registration required", false},
    {ErrorCode::not_found, 404, "Not found", true},
    {ErrorCode::method_not_allowed, 405, "Method not allowed", true},
    {ErrorCode::conflict, 409, "Conflict with what exists", true},
    {ErrorCode::code_invalid, 401, "Code not accepted by the platform", false},
    {ErrorCode::code_used, 409, "Code already used", false},
    {ErrorCode::risk_blocked, 403, "Login blocked by the platform's risk control", false},
    {ErrorCode::stale_session_key, 409, "The data was encrypted under another session_key", true},
    {ErrorCode::signature_invalid, 400, "The signature does not match", false},
    {ErrorCode::decrypt_failed, 400, "The encrypted data has not the right form", true},
    {ErrorCode::content_rejected, 400, "The content was rejected", false},
    {ErrorCode::payload_too_large, 413, "The request is too large", true},
    {ErrorCode::rate_limited, 429, "Too many requests", false},
    {ErrorCode::app_misconfigured, 503, "The mini program is not set up rightly", false},
    {ErrorCode::upstream_busy, 503, "The platform is busy", false},
    {ErrorCode::upstream_error, 502, "The platform did not answer as it should", false},
    {ErrorCode::unavailable, 503, "The service is not available at present", false},
    {ErrorCode::internal, 500, "Internal error", false},
};
static_assert(std::size(kRows) == kErrorCodeCount);

http::json::array items_of(std::string_view comma_separated) {
  http::json::array items;
  while (!comma_separated.empty()) {
    const size_t comma = std::min(comma_separated.find(','), comma_separated.size());
    items.emplace_back(comma_separated.substr(0, comma));
    comma_separated.remove_prefix(std::min(comma + 1, comma_separated.size()));
  }
  return items;
}

}  // namespace

const ErrorRow& row_of(ErrorCode code) { return kRows[static_cast<size_t>(code)]; }

http::Response problem(const Error& error, std::string_view request_id, int status) {
  const ErrorRow& row = row_of(error.code);
  if (status == 0) status = row.status;
  http::json::object body{{"type", "about:blank"}, {"title", row.title}, {"status", status}, {"code", name_of(error.code)}};
  if (row.show_detail && !error.detail.empty()) body["detail"] = error.detail;
  if (error.reason != Reason::none) body["reason"] = name_of(error.reason);
  if (error.until) body["until"] = rfc3339(*error.until);
  if (!error.message.empty()) body["message"] = error.message;
  if (error.code == ErrorCode::registration_required) body["missing"] = items_of(error.detail);
  body["request_id"] = request_id;
  if (error.upstream) {
    http::json::object upstream{{"errcode", error.upstream->errcode}};
    if (!error.upstream->rid.empty()) upstream["rid"] = error.upstream->rid;
    body["upstream"] = std::move(upstream);
  }
  if (error.retry_after) body["retry_after"] = error.retry_after->count();

  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/problem+json").set("Cache-Control", "no-store");
  if (error.retry_after) response.set("Retry-After", std::to_string(error.retry_after->count()));
  if (error.code == ErrorCode::code_invalid) response.set("WWW-Authenticate", "Bearer");  // every 401 names a scheme (RFC 9110, 11.6.1)
  if (error.code == ErrorCode::unauthenticated) {
    const std::string reason(name_of(error.reason));
    // Without a reason it is not about a ticket: a wrong password.
    const bool of_ticket = error.reason != Reason::none;
    if (of_ticket) response.set("X-Kaimen-Reason", reason);
    response.set("WWW-Authenticate", !of_ticket || error.reason == Reason::missing ? "Bearer" : "Bearer error=\"invalid_token\", error_description=\"" + reason + "\"");
  }
  response.body = http::to_text(body);
  return response;
}

http::Response rewritten(http::Response refusal, const http::json::value& body) {
  for (auto& [name, value] : refusal.headers) {
    if (name == "Content-Type") value = "application/json";
  }
  refusal.body = http::to_text(body);
  return refusal;
}

}  // namespace kaimen::api

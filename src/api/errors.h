// The error table: what each ErrorCode is on the wire (RFC 9457). Clients see the fixed title of the code; the detail only where it speaks
// of what they sent.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/json.h"
#include "http/message.h"

namespace kaimen::api {

struct ErrorRow {
  ErrorCode code;
  int status;
  std::string_view title;
  bool show_detail;  ///< The detail describes the request, not the inside.
};
/// Every code has its row, in the order of the enumeration.
const ErrorRow& row_of(ErrorCode code);

/// application/problem+json with Retry-After and, for 401, WWW-Authenticate and X-Kaimen-Reason where they apply. `status`: where HTTP has
/// one of its own for what the code says in general; 0: the code's.
http::Response problem(const Error& error, std::string_view request_id, int status = 0);
/// The same refusal with another body, for clients that know other words.
http::Response rewritten(http::Response refusal, const http::json::value& body);

}  // namespace kaimen::api

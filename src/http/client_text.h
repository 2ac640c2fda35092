// A request as text, and what must not become one.
#pragma once

#include <optional>
#include <string>

#include "http/client.h"

namespace kaimen::http {

/// Why this request cannot be sent, e.g. a line break in a header; nullopt when it can.
std::optional<std::string> check_request(const ClientRequest& request);
/// Head and body. With a proxy and without TLS in absolute form.
std::string request_text(const ClientRequest& request);
/// CONNECT to the proxy.
std::string connect_text(const ClientRequest& request);
/// Equal for requests that may use the same connection.
std::string pool_key(const ClientRequest& request);

}  // namespace kaimen::http

// The way out to addresses that are set at run time (webhooks, prefetch_url): never to loopback, private or metadata addresses in
// any notation, unless the configuration file allows the range (docs/security.md, U2). No redirects, no proxies of the environment.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

struct OutboundRequest {
  std::string method = "POST";
  std::string url;  ///< http or https, absolute.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Deadline deadline{};
  size_t max_body_bytes = 64 * 1024;
};
struct OutboundAnswer {
  int status = 0;
  std::string content_type, body;
};

class Outbound {
 public:
  virtual ~Outbound() = default;
  /// Errors: invalid_request (not a URL, or one that may not be reached), upstream_error (no connection, TLS, time-out, too large).
  virtual Task<Result<OutboundAnswer>> send(OutboundRequest request) = 0;
};

}  // namespace kaimen::core

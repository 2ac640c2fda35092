// core/outbound.h over HTTP, with connections of its own: one that may go to WeChat's address is not lent to a webhook.
#pragma once

#include "core/outbound.h"
#include "http/client.h"

namespace kaimen::platform {

class Outbound final : public core::Outbound {
 public:
  /// `allow_private`: addresses or CIDR blocks that may be reached although they are not public.
  explicit Outbound(std::vector<std::string> allow_private);
  Task<Result<core::OutboundAnswer>> send(core::OutboundRequest request) override;

 private:
  http::Client client_;
};

}  // namespace kaimen::platform

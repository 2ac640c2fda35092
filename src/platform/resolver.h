// Asks a team's own backend who somebody is: one POST, signed as webhooks are.
#pragma once

#include "core/outbound.h"
#include "core/resolver.h"

namespace kaimen::platform {

class Resolver final : public core::Resolver {
 public:
  explicit Resolver(core::Outbound& outbound) : outbound_(outbound) {}
  Task<Result<std::optional<core::ResolvedUser>>> ask(core::WhoIs who, Time now, Deadline deadline) override;

 private:
  core::Outbound& outbound_;
};

/// What an answer says; nullopt: nobody. Error: upstream_error (not such an answer).
Result<std::optional<core::ResolvedUser>> read_resolved(const core::OutboundAnswer& answer);

}  // namespace kaimen::platform

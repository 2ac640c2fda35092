// The part of `kaimen check` that is about master keys: whether the store's values are under one that is configured, and whether a rotation is
// under way.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "app/check.h"
#include "base/clock.h"

namespace kaimen::app {

struct SealedUnder {
  std::optional<uint32_t> settled, next;  ///< As core::MasterKeyState.
};
/// Of the answer of GET /admin/v1/master-key; nullopt: it is none.
std::optional<SealedUnder> sealed_under_of(std::string_view answer);
/// Of the store itself, which is a server's, or a file that nobody else has open; nullopt: it cannot be read, or has no tables yet.
std::optional<SealedUnder> read_sealed_under(const Config& config, const Clock& clock);

std::vector<Finding> check_master_keys(const Config& config, const SealedUnder& state);

}  // namespace kaimen::app

// The clocks of a node, which a test moves.
#pragma once

#include <atomic>

#include "tests/contract/store_contract.h"

namespace kaimen::contract {

class ManualClock final : public Clock {
 public:
  Time now() const override { return t0 + Millis(passed); }
  std::chrono::steady_clock::time_point steady() const {
    return std::chrono::steady_clock::time_point(std::chrono::hours(1)) + Millis(passed);
  }
  std::atomic<int64_t> passed{0};
};

}  // namespace kaimen::contract

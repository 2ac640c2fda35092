// Randomness for tests: a source that fails, and one that repeats a byte.
#pragma once

#include <algorithm>

#include "base/random.h"

namespace kaimen {

class FailingRandom final : public Random {
 public:
  Result<> fill(std::span<uint8_t> out) override {
    std::fill(out.begin(), out.end(), uint8_t{0});  // what a caller that ignores the error would then use
    return make_error(ErrorCode::unavailable, "no randomness");
  }
};

class RepeatingRandom final : public Random {
 public:
  explicit RepeatingRandom(uint8_t byte) : byte_(byte) {}
  Result<> fill(std::span<uint8_t> out) override {
    std::fill(out.begin(), out.end(), byte_);
    return ok();
  }

 private:
  uint8_t byte_;
};

}  // namespace kaimen

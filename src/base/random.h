// Randomness as an argument. A source that fails is an error for the caller, never a weaker source.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace kaimen {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out` with unpredictable bytes. Error: unavailable. Thread-safe.
  virtual Result<> fill(std::span<uint8_t> out) = 0;

  template <size_t N>
  Result<std::array<uint8_t, N>> bytes() {
    std::array<uint8_t, N> out;
    TRY(fill(out));
    return out;
  }
};

/// getrandom(2).
class SystemRandom final : public Random {
 public:
  Result<> fill(std::span<uint8_t> out) override;
};

}  // namespace kaimen

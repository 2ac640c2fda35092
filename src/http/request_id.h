// Request ids: 32 hex characters that do not repeat, made without a system call. They join log lines; they are no secrets and nothing
// may rely on their being hard to guess.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/encoding.h"
#include "base/random.h"

namespace kaimen::http {

/// One for each loop: not thread-safe.
class RequestIds {
 public:
  /// Error: unavailable (no randomness).
  Result<> seed(Random& random) {
    TRY(const auto bytes, random.bytes<16>());
    const auto words = std::bit_cast<std::array<uint64_t, 2>>(bytes);
    high_ = words[0];
    low_ = words[1];
    return ok();
  }

  void next(std::string& out) {
    out.resize(32);
    put(mixed(high_ += kStep), out.data());
    put(mixed(low_ += kStep), out.data() + 16);
  }

 private:
  // SplitMix64: a counter through a bijection, so that each half repeats only after 2^64 ids.
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  static uint64_t mixed(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }
  static void put(uint64_t value, char* out) {
    for (int i = 0; i < 8; ++i, value >>= 8) std::memcpy(out + 2 * i, kHexPairs[value & 255].data(), 2);
  }
  uint64_t high_ = 0, low_ = 0;
};

}  // namespace kaimen::http

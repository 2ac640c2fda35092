// 128-bit ids of users, sessions and other rows: 48 bits of milliseconds, then 80 random bits. The time in front keeps inserts of one
// moment beside each other in a B-tree; nobody may read meaning into it. On the wire: 32 lower-case hex characters.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace kaimen {

struct Id {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Id&) const = default;
  bool is_zero() const { return *this == Id{}; }
  std::string hex() const;
  std::string_view raw() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

  /// Exactly 32 hex characters, lower case; nullopt otherwise.
  static std::optional<Id> parse(std::string_view hex);
  /// Exactly 16 bytes; nullopt otherwise.
  static std::optional<Id> from_raw(std::string_view raw);
  /// Error: unavailable (no randomness).
  static Result<Id> make(Time now, Random& random);
};

struct IdHash {
  // The last eight bytes are random.
  size_t operator()(const Id& id) const {
    uint64_t value;
    std::memcpy(&value, id.bytes.data() + 8, sizeof value);
    return value;
  }
};

}  // namespace kaimen

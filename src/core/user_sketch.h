// How many different users there were, over hours, apps and nodes, in little room: exactly up to kExact, beyond that within a few per cent
// (HyperLogLog with 2,048 registers: a standard error of 2.3 %). Sketches unite, and the same user twice is one.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"

namespace kaimen::core {

class UserSketch {
 public:
  static constexpr size_t kExact = 500;

  void add(const Id& user) { add(IdHash{}(user)); }
  void unite(const UserSketch& other);
  int64_t count() const;

  /// At most 4,001 bytes. Stored; do not change.
  std::string text() const;
  /// Of text(); what is none is an empty one.
  static UserSketch of(std::string_view text);

 private:
  static constexpr unsigned kBits = 11;
  static constexpr size_t kRegisters = size_t{1} << kBits;
  void add(uint64_t hash);
  void rank(uint64_t hash);

  std::set<uint64_t> exact_;
  std::vector<uint8_t> registers_;  ///< Empty while exact_ counts.
};

}  // namespace kaimen::core

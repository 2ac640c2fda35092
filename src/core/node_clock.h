// The time of a node that shares its database with others: the database's time as it was last told, carried on by the machine's own steady
// clock. So all nodes agree on it, however their wall clocks are set.
//
// What is told lies between the question and the answer; which time fits both is known no better than to the length of that wait. The rule:
// a time that fits stays as it is, any other moves to the nearest that fits. So it never steps, in either direction, further than the answer
// proves it wrong, and a slow answer moves it less than a quick one.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/clock.h"

namespace kaimen::core {

class NodeClock final : public Clock {
 public:
  /// Further than this from the wall clock, one of the two is wrong, and somebody should be told.
  static constexpr Seconds kMaxSkew{30};

  NodeClock(const Clock& wall, const SteadyClock& steady) : wall_(wall), steady_(steady) {}

  /// The wall clock's before the first set().
  Time now() const override {
    const int64_t lead = lead_ms_.load(std::memory_order_relaxed);
    return lead == kUnset ? wall_.now() : from_epoch_ms(steady_.now().count() + lead);
  }
  Millis steady() const { return steady_.now(); }

  /// The database said that it is `told`, somewhere between `asked` and `answered` by steady(). One thread at a time. Returns how far the
  /// node's time stepped; zero at the first.
  Millis set(Time told, Millis asked, Millis answered) {
    // All three are cut to milliseconds, hence the one on either side.
    const int64_t lowest = epoch_ms(told) - answered.count() - 1, highest = epoch_ms(told) - asked.count() + 1;
    const int64_t before = lead_ms_.load(std::memory_order_relaxed);
    const int64_t lead = before == kUnset ? lowest + (highest - lowest) / 2 : std::clamp(before, lowest, highest);
    lead_ms_.store(lead, std::memory_order_relaxed);
    return before == kUnset ? Millis{0} : Millis{lead - before};
  }

  /// How far the node's time is ahead of the wall clock (negative: behind). nullopt before the first set().
  std::optional<Millis> ahead_of_wall() const {
    if (lead_ms_.load(std::memory_order_relaxed) == kUnset) return std::nullopt;
    return now() - wall_.now();
  }
  static bool is_skewed(Millis ahead) { return std::chrono::abs(ahead) > kMaxSkew; }

 private:
  static constexpr int64_t kUnset = std::numeric_limits<int64_t>::min();

  const Clock& wall_;
  const SteadyClock& steady_;
  std::atomic<int64_t> lead_ms_{kUnset};  // node time = steady + this
};

}  // namespace kaimen::core

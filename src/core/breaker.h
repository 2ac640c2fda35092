// A circuit breaker for one upstream, or for one team's backend: when it has not answered for a while, calls fail at once instead of waiting for
// it, but for one a second that looks whether it is back. Only silence counts: an errcode is an answer.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace kaimen::core {

class Breaker {
 public:
  static constexpr int kFailures = 50;          ///< In a row, before it opens.
  static constexpr Millis kProbeEvery{1000};

  explicit Breaker(int failures = kFailures) : most_(failures) {}

  /// Whether a call may go out. `now`: of a steady clock.
  bool admits(Millis now) {
    if (failures_.load(std::memory_order_relaxed) < most_) return true;
    int64_t due = probe_at_ms_.load(std::memory_order_relaxed);
    // Of all who ask at that moment one goes.
    return now.count() >= due && probe_at_ms_.compare_exchange_strong(due, (now + kProbeEvery).count());
  }
  /// It answered, whatever it said.
  void answered() { failures_.store(0, std::memory_order_relaxed); }
  /// It did not.
  void failed(Millis now) {
    if (failures_.fetch_add(1, std::memory_order_relaxed) + 1 == most_) probe_at_ms_.store((now + kProbeEvery).count(), std::memory_order_relaxed);
  }

 private:
  const int64_t most_;
  std::atomic<int64_t> failures_{0};
  std::atomic<int64_t> probe_at_ms_{0};
};

}  // namespace kaimen::core

// Tells a wall clock that jumped forward from one that runs: what is purged by a wrong clock cannot be called back when the clock is set
// right, and a forgotten revocation would revive a ticket.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace kaimen::core {

class ClockGuard {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  /// Whether purging by `now` is safe: the wall clock has not run more than an hour ahead of the monotonic one since the last call, or has
  /// stood by its jump for ten minutes.
  bool may_purge(Time now, Steady steady) {
    using namespace std::chrono_literals;
    if (!started_) {
      started_ = true;
      anchor_ = now;
      anchored_ = steady;
      return true;
    }
    const Time expected = anchor_ + std::chrono::floor<Millis>(steady - anchored_);
    if (now - expected <= 1h) {
      anchor_ = now;
      anchored_ = steady;
      jumped_ = false;
      return true;
    }
    if (!jumped_) {
      jumped_ = true;
      jumped_at_ = steady;
    }
    if (steady - jumped_at_ < 10min) return false;
    anchor_ = now;
    anchored_ = steady;
    jumped_ = false;
    return true;
  }
  bool jumped() const { return jumped_; }

 private:
  bool started_ = false, jumped_ = false;
  Time anchor_{};
  Steady anchored_{}, jumped_at_{};
};

}  // namespace kaimen::core

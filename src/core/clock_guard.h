// Tells a wall clock that jumped forward from one that runs: what is purged by a wrong clock cannot be called back when the clock is set
// right, and a forgotten revocation would revive a ticket.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace kaimen::core {

class ClockGuard {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  /// Whether purging by `now` is safe: the wall clock has not run more than an hour ahead of the monotonic one since the last time it was,
  /// or has stood for ten minutes where it is now. At a start, too, it must first stand: a machine may boot with a wrong clock.
  bool may_purge(Time now, Steady steady) {
    using namespace std::chrono_literals;
    const bool runs = believed_ && ahead(*believed_, now, steady) <= 1h;
    if (!runs) {
      if (!doubted_ || std::chrono::abs(ahead(*doubted_, now, steady)) > 1h) doubted_ = Seen{now, steady};
      if (steady - doubted_->steady < 10min) return false;
    }
    believed_ = Seen{now, steady};
    doubted_.reset();
    return true;
  }
  /// It has jumped, and not stood by it yet.
  bool jumped() const { return believed_ && doubted_; }

 private:
  struct Seen {
    Time at;
    Steady steady;
  };
  static Millis ahead(const Seen& since, Time now, Steady steady) {
    return (now - since.at) - std::chrono::floor<Millis>(steady - since.steady);
  }
  std::optional<Seen> believed_, doubted_;
};

}  // namespace kaimen::core

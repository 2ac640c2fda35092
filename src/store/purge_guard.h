// Whether the time given to a purge can be believed (security: a clock that jumps ahead must not delete what is still needed).
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace kaimen::store {

class PurgeGuard {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  explicit PurgeGuard(Steady opened) : last_steady_(opened) {}

  /// `last`: the time of the last purge that was let through, before a restart too. A time more than an hour ahead of `last` plus what the
  /// monotonic clock counted since is believed only after another purge, more than ten minutes later, has told the same time.
  bool believes(std::optional<Time> last, Time now, Steady steady) {
    std::lock_guard lock(mutex_);
    const auto counted = std::chrono::duration_cast<Millis>(steady - last_steady_);
    if (last && now - *last > std::chrono::hours(1) + counted && !confirms(now, steady)) return false;
    last_steady_ = steady;
    doubted_.reset();
    return true;
  }

 private:
  struct Doubted {
    Time at;
    Steady steady;
  };
  bool confirms(Time now, Steady steady) {
    if (doubted_) {
      const auto counted = std::chrono::duration_cast<Millis>(steady - doubted_->steady);
      const bool agrees = std::chrono::abs((now - doubted_->at) - counted) <= std::chrono::minutes(1);
      if (agrees) return counted > std::chrono::minutes(10);
    }
    doubted_ = Doubted{now, steady};
    return false;
  }

  std::mutex mutex_;
  Steady last_steady_;
  std::optional<Doubted> doubted_;
};

}  // namespace kaimen::store

// How often something may happen in a minute, counted on this node only: a full minute's worth at once, then as it drains. Memory is bounded:
// whoever has rested long enough is forgotten, and if nobody has, the one who has rested longest.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"

namespace kaimen::core {

/// What is answered then.
inline Error rate_limited(std::string detail, Seconds wait) {
  Error error = make_error(ErrorCode::rate_limited, std::move(detail));
  error.retry_after = wait;
  return error;
}

class Rates {
 public:
  /// `most`: how many keys are remembered at once.
  explicit Rates(size_t most) : most_(most) {}

  /// Counts one of `key`. nullopt: it may go on; else it was not counted, and may come again after this long. `per_minute` 0: no limit.
  std::optional<Seconds> count(const std::string& key, int64_t per_minute, Time now);
  size_t size() const;

 private:
  using Micros = std::chrono::microseconds;
  void make_room(Micros now);

  const size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Micros> drained_at_;  // when nothing will be left of what was counted
};

}  // namespace kaimen::core

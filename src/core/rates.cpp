#include "core/rates.h"

#include <algorithm>
#include <vector>

namespace kaimen::core {

namespace {
constexpr std::chrono::microseconds kMinute = std::chrono::minutes(1);
}  // namespace

std::optional<Seconds> Rates::count(const std::string& key, int64_t per_minute, Time now_time) {
  if (per_minute <= 0) return std::nullopt;
  const Micros now = now_time.time_since_epoch();
  const Micros each = kMinute / per_minute;
  std::lock_guard lock(mutex_);
  if (drained_at_.size() >= most_ && !drained_at_.contains(key)) make_room(now);
  Micros& drained_at = drained_at_[key];
  // A clock that was set back must not keep anybody out for longer than a minute.
  const Micros from = std::clamp(drained_at, now, now + kMinute);
  if (from + each - now > kMinute) {
    const auto wait = std::chrono::ceil<Seconds>(from + each - now - kMinute);
    return std::max(wait, Seconds{1});
  }
  drained_at = from + each;
  return std::nullopt;
}

void Rates::make_room(Micros now) {
  std::erase_if(drained_at_, [now](const auto& entry) { return entry.second <= now; });
  if (drained_at_.size() < most_) return;
  // One in eight, so that a flood of new keys does not search for each of them.
  std::vector<Micros> times;
  times.reserve(drained_at_.size());
  for (const auto& [key, time] : drained_at_) times.push_back(time);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 8);
  std::nth_element(times.begin(), middle, times.end());
  const Micros limit = *middle;
  size_t left = times.size() / 8 + 1;
  std::erase_if(drained_at_, [&](const auto& entry) { return entry.second <= limit && left > 0 && left-- > 0; });
}

size_t Rates::size() const {
  std::lock_guard lock(mutex_);
  return drained_at_.size();
}

}  // namespace kaimen::core

// Time as an argument. Rules about time are functions of `now`; only wiring owns a Clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kaimen {

using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
/// A point in wall-clock time, UTC, to the millisecond; what is stored and what travels in tickets.
using Time = std::chrono::sys_time<Millis>;

inline int64_t epoch_ms(Time time) { return time.time_since_epoch().count(); }
inline Time from_epoch_ms(int64_t ms) { return Time{Millis{ms}}; }

/// "2026-11-20T09:42:00Z" (RFC 3339; milliseconds only where they are not zero). Years outside 0000–9999 are clamped.
std::string rfc3339(Time time);
/// Parses RFC 3339 with "Z" or an offset; nullopt for anything else.
std::optional<Time> parse_rfc3339(std::string_view text);

class Clock {
 public:
  virtual ~Clock() = default;
  /// The node's time. Thread-safe.
  virtual Time now() const = 0;
};

/// The machine's wall clock.
class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }
};

/// A clock that nobody sets, to measure with.
class SteadyClock {
 public:
  virtual ~SteadyClock() = default;
  /// The time since some moment of the past; never goes back. Thread-safe.
  virtual Millis now() const = 0;
};

/// The machine's, counted on while it sleeps: what was true before a suspended hour is an hour old after it.
class BootClock final : public SteadyClock {
 public:
  Millis now() const override;
};
/// A BootClock that lives as long as the process.
const SteadyClock& machine_steady_clock();

/// A deadline on the monotonic clock, passed to every downstream call.
using Deadline = std::chrono::steady_clock::time_point;
inline Deadline deadline_in(Millis duration) { return std::chrono::steady_clock::now() + duration; }

}  // namespace kaimen

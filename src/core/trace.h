// What a request did downstream, for its log line. Filled by the rules, written out at the edge.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "core/types.h"

namespace kaimen::core {

struct Trace {
  Source source;
  std::string app_id, env, user_id, session_id;
  std::string upstream_path, upstream_rid;
  int64_t upstream_errcode = 0;
  Millis upstream{0}, store{0};
  bool logs_in = false;  ///< A code was brought for a login, whatever came of it.
  /// Whether it recorded a login, and whose: one that answers again what was recorded before is none.
  enum class Came : uint8_t { nobody, known, fresh } came = Came::nobody;
};

/// Measures from its making to its end and adds to `total`.
class Stopwatch {
 public:
  explicit Stopwatch(Millis& total) : total_(total), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { total_ += std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start_); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Millis& total_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace kaimen::core

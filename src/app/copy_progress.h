// How far a copy of the store is: a bar that is drawn over itself on a terminal, else a line now and then.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "store/copy.h"

namespace kaimen::app {

class CopyProgressView {
 public:
  /// Writes to stderr.
  CopyProgressView();
  void show(const store::CopyProgress& at);
  /// Ends the bar's line, before something else is written.
  void end();

 private:
  using Moment = std::chrono::steady_clock::time_point;
  void write(const store::CopyProgress& at, Moment now);

  const bool terminal_;
  bool bar_stands_ = false;
  std::optional<store::CopyStep> step_;
  uint64_t done_ = 0;
  Moment step_began_{}, written_{};
};

/// "writing    [#######···]  47 %   1234567 of 2600000 rows, 31000 a second, sessions": one state of the bar, without the end of the line.
std::string progress_line(const store::CopyProgress& at, std::chrono::duration<double> since_the_step_began);

}  // namespace kaimen::app

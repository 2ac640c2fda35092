#include "app/copy_progress.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace kaimen::app {

namespace {

using namespace std::chrono_literals;
constexpr auto kRedraw = 100ms;
constexpr auto kLine = 5s;
constexpr uint64_t kBar = 24;

const char* name_of(store::CopyStep step) {
  switch (step) {
    case store::CopyStep::look: return "looking  ";
    case store::CopyStep::write: return "writing  ";
    case store::CopyStep::verify: return "comparing";
  }
  return "";
}

}  // namespace

std::string progress_line(const store::CopyProgress& at, std::chrono::duration<double> since_the_step_began) {
  std::string line = name_of(at.step);
  if (at.total != 0) {
    const uint64_t done = std::min(at.done, at.total);
    const uint64_t filled = done * kBar / at.total;
    line += " [" + std::string(filled, '#') + std::string(kBar - filled, '.') + "] " + std::to_string(done * 100 / at.total) + " %";
  }
  line += "  " + std::to_string(at.done) + (at.total == 0 ? "" : " of " + std::to_string(at.total)) + " rows";
  if (since_the_step_began >= 1s) {
    const double speed = static_cast<double>(at.done) / since_the_step_began.count();
    line += ", " + std::to_string(static_cast<uint64_t>(speed)) + " a second";
  }
  if (!at.table.empty()) line += ", " + std::string(at.table);
  return line;
}

CopyProgressView::CopyProgressView() : terminal_(isatty(STDERR_FILENO) == 1) {}

void CopyProgressView::show(const store::CopyProgress& at) {
  const Moment now = std::chrono::steady_clock::now();
  const bool new_step = step_ != at.step;
  if (new_step) {
    end();
    step_ = at.step;
    step_began_ = written_ = now;
  }
  const bool complete = at.total != 0 && at.done == at.total && at.done != done_;
  done_ = at.done;
  if (complete || now - written_ >= (terminal_ ? std::chrono::milliseconds(kRedraw) : std::chrono::milliseconds(kLine))) write(at, now);
}

void CopyProgressView::write(const store::CopyProgress& at, Moment now) {
  written_ = now;
  const std::string line = progress_line(at, now - step_began_);
  if (terminal_) {
    std::cerr << '\r' << line << "\x1b[K" << std::flush;
    bar_stands_ = true;
  } else {
    std::cerr << line << std::endl;
  }
}

void CopyProgressView::end() {
  if (bar_stands_) std::cerr << std::endl;
  bar_stands_ = false;
}

}  // namespace kaimen::app

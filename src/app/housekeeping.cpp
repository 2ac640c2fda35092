#include "app/housekeeping.h"

#include "base/log.h"

namespace kaimen::app {

Housekeeping::Housekeeping(core::Services& services) : services_(services), thread_([this] { run(); }) {}

Housekeeping::~Housekeeping() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Housekeeping::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const auto done = run_here(services_.every_minute());
    if (!done) log::Line("every_minute").field("code", name_of(done.error().code)).field("message", done.error().detail).emit(log::Level::error);
    lock.lock();
    wake_.wait_for(lock, std::chrono::minutes(1), [this] { return stopping_; });
  }
  lock.unlock();
  // What was counted since.
  const auto counted = run_here(services_.stats.flush());
  if (!counted) log::Line("stats").field("code", name_of(counted.error().code)).field("message", counted.error().detail).emit(log::Level::warn);
}

}  // namespace kaimen::app

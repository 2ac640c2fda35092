// Keeps overlapping readings of the same rows in order. Of two, the one that began later has seen every change that was answered before; an
// older one that comes in after it must not replace it in memory: a key that one administrator revoked would come back to life with the
// list that another one was still reading.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace kaimen::core {

class ReadOrder {
 public:
  using Reading = uint64_t;

  /// Call before the rows are asked for.
  Reading begin() { return ++begun_; }

  /// Runs `publish`, one at a time, unless a reading that began later was published already.
  template <class Publish>
  void publish(Reading reading, Publish publish) {
    std::lock_guard lock(mutex_);
    if (reading < published_) return;
    published_ = reading;
    publish();
  }

 private:
  std::atomic<Reading> begun_{0};
  std::mutex mutex_;
  Reading published_ = 0;
};

}  // namespace kaimen::core

// What is due every minute (keys, purges), on a thread of its own: rebuilding a large revocation table takes tens of milliseconds, which an
// event loop does not have while checks wait.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/services.h"

namespace kaimen::app {

class Housekeeping {
 public:
  /// Runs Services::every_minute() now and every minute after. `services` must outlive it.
  explicit Housekeeping(core::Services& services);
  /// Waits for a run under way, and writes what was counted last.
  ~Housekeeping();
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;

 private:
  void run();

  core::Services& services_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kaimen::app

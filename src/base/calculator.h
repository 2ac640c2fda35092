// Long calculations for one other thread, on a thread of its own that runs only on what no other wants of the processor.
#pragma once

#include <functional>
#include <semaphore>
#include <thread>

#include "base/background.h"

namespace kaimen {

/// A thread that stands back may be kept waiting in the middle of anything, also while it holds a lock. So this one takes none that others want:
/// it is told of its work, and tells of its end, by semaphores. What it is given to do must not take any either.
class Calculator {
 public:
  Calculator() : thread_([this] { serve(); }) {}
  ~Calculator() {
    go_.release();
    thread_.join();
  }
  Calculator(const Calculator&) = delete;
  Calculator& operator=(const Calculator&) = delete;

  /// Returns when `work` is done there. By one thread at a time.
  void run(const std::function<void()>& work) {
    work_ = &work;
    go_.release();
    done_.acquire();
    work_ = nullptr;
  }

 private:
  void serve() {
    stand_back();
    for (;;) {
      go_.acquire();
      if (!work_) return;
      (*work_)();
      done_.release();
    }
  }

  const std::function<void()>* work_ = nullptr;
  std::binary_semaphore go_{0}, done_{0};
  std::thread thread_;
};

}  // namespace kaimen

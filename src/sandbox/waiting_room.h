// Where answers wait that a fault delays or withholds: one thread that calls back when the time has come. It ends all waits when it is
// stopped, because a request that waits for ever would keep its server from stopping.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"

namespace kaimen::sandbox {

class WaitingRoom {
 public:
  using Done = std::function<void(bool)>;

  WaitingRoom();
  ~WaitingRoom();

  /// Calls done(true) after `duration`, on another thread; at once after stop(). A `hanging` wait is also ended by release_hanging().
  void wait(Millis duration, bool hanging, Done done);
  void release_hanging();
  /// Ends all waits and the thread.
  void stop();

 private:
  struct Waiting {
    bool hanging;
    Done done;
  };
  void run();
  void release(bool hanging_only);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<Deadline, Waiting> waiting_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace kaimen::sandbox

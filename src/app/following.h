// Polls the database for what other nodes change, on a thread of its own: rebuilding a large revocation table takes tens of milliseconds,
// which an event loop does not have while checks wait.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "base/task.h"
#include "core/follower.h"

namespace kaimen::app {

class Following {
 public:
  /// Polls every `every` from now on. A poll that has no answer after 2 s counts as failed, and one more starts beside it, maybe over another
  /// connection. `follower` must outlive it.
  Following(core::Follower& follower, Millis every);
  /// Waits for polls under way, and says that the node is gone: what else acts in the store must have ended, or ends_late() be called.
  ~Following();
  /// Acts of the node may be under way when this ends: the others are to wait for it as for one that was killed.
  void ends_late() { late_ = true; }
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;

 private:
  using Moment = std::chrono::steady_clock::time_point;
  void run();
  void tick(LocalLoop& loop);
  void poll();
  void leave(LocalLoop& loop);
  void failed(ErrorCode code, std::string_view message);
  void succeeded();

  core::Follower& follower_;
  const Millis every_;
  std::atomic<bool> stopping_{false}, late_{false};
  // The thread's own.
  int under_way_ = 0;
  bool told_late_ = false;
  Moment asked_{};
  std::optional<Moment> failing_since_, last_line_;
  std::thread thread_;
};

}  // namespace kaimen::app

// Sends what webhooks are to be told, on a thread of its own: the one background task that a node has for it.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "base/task.h"
#include "core/webhooks.h"

namespace kaimen::app {

class Courier {
 public:
  /// Looks every half second from now on. `webhooks` must outlive it.
  explicit Courier(core::Webhooks& webhooks);
  /// Waits for what is under way.
  ~Courier();
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

 private:
  void run();
  void tick(LocalLoop& loop);
  void look();
  void send(core::LeasedDelivery leased);

  core::Webhooks& webhooks_;
  std::atomic<bool> stopping_{false};
  bool looking_ = false;
  bool failing_ = false;
  std::map<Id, size_t> under_way_;  // sendings of each webhook
  std::thread thread_;
};

}  // namespace kaimen::app

#include "sandbox/waiting_room.h"

#include <vector>

namespace kaimen::sandbox {

WaitingRoom::WaitingRoom() : thread_([this] { run(); }) {}
WaitingRoom::~WaitingRoom() { stop(); }

void WaitingRoom::wait(Millis duration, bool hanging, Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!stopped_) {
      waiting_.emplace(deadline_in(duration), Waiting{hanging, std::move(done)});
      wake_.notify_one();
      return;
    }
  }
  done(true);
}

void WaitingRoom::release(bool hanging_only) {
  std::vector<Done> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto each = waiting_.begin(); each != waiting_.end();) {
      if (hanging_only && !each->second.hanging) {
        ++each;
        continue;
      }
      ended.push_back(std::move(each->second.done));
      each = waiting_.erase(each);
    }
  }
  for (const auto& done : ended) done(true);
}

void WaitingRoom::release_hanging() { release(true); }

void WaitingRoom::stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    wake_.notify_one();
  }
  thread_.join();
  release(false);
}

void WaitingRoom::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (waiting_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto next = waiting_.begin();
    if (const Deadline due = next->first; std::chrono::steady_clock::now() < due) {
      wake_.wait_until(lock, due);
      continue;
    }
    const Done done = std::move(next->second.done);
    waiting_.erase(next);
    lock.unlock();
    done(true);
    lock.lock();
  }
}

}  // namespace kaimen::sandbox

#include "base/task.h"

#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>

namespace kaimen {

namespace {
thread_local Loop* current_loop = nullptr;
}

Loop& Loop::current() {
  if (!current_loop) std::abort();
  return *current_loop;
}
Loop* Loop::current_or_null() { return current_loop; }
void Loop::set_current(Loop* loop) { current_loop = loop; }

struct LocalLoop::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> timers;
  bool stopped = false;
};

LocalLoop::LocalLoop() : state_(new State), outer_(current_or_null()) { set_current(this); }
LocalLoop::~LocalLoop() {
  set_current(outer_);
  delete state_;
}

void LocalLoop::post(std::function<void()> work) {
  // Notified under the lock: the loop may be destroyed as soon as its owner sees the work done.
  std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(work));
  state_->wake.notify_one();
}

void LocalLoop::post_after(std::chrono::milliseconds delay, std::function<void()> work) {
  std::lock_guard lock(state_->mutex);
  state_->timers.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
  state_->wake.notify_one();
}

void LocalLoop::stop() {
  std::lock_guard lock(state_->mutex);
  state_->stopped = true;
  state_->wake.notify_one();
}

void LocalLoop::run() {
  std::unique_lock lock(state_->mutex);
  for (;;) {
    auto& timers = state_->timers;
    const auto now = std::chrono::steady_clock::now();
    while (!timers.empty() && timers.begin()->first <= now) {
      state_->queue.push_back(std::move(timers.begin()->second));
      timers.erase(timers.begin());
    }
    if (state_->queue.empty()) {
      if (state_->stopped) break;
      if (timers.empty()) state_->wake.wait(lock);
      else state_->wake.wait_until(lock, timers.begin()->first);
      continue;
    }
    auto work = std::move(state_->queue.front());
    state_->queue.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
  state_->stopped = false;
}

}  // namespace kaimen

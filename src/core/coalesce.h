// Coalescer<T>: callers with the same key, at the same time, on any thread, share one run of the work. The first leads, the others wait for
// what it gets. When it is done the key is free again.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task.h"

namespace kaimen::core {

template <class T>
class Coalescer {
 public:
  using Shared = std::shared_ptr<const T>;

  /// The leader's value; null if the leader's work threw (the leader itself sees the exception).
  Task<Shared> run(std::string key, std::function<Task<T>()> work) {
    std::shared_ptr<Flight> flight;
    bool leads = false;
    {
      std::lock_guard lock(mutex_);
      auto& slot = flights_[key];
      leads = !slot;
      if (leads) slot = std::make_shared<Flight>();
      flight = slot;
    }
    if (!leads) {
      std::function<void(Done)> join = [flight](Done done) { flight->join(std::move(done)); };
      Wait<Shared> wait(std::move(join));
      Shared value = co_await wait;
      co_return value;
    }
    Shared value;
    std::exception_ptr thrown;
    try {
      Task<T> task = work();
      T result = co_await std::move(task);
      value = std::make_shared<const T>(std::move(result));
    } catch (...) {
      thrown = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      flights_.erase(key);
    }
    flight->land(value);
    if (thrown) std::rethrow_exception(thrown);
    co_return value;
  }

 private:
  using Done = std::function<void(Shared)>;

  struct Flight {
    std::mutex mutex;
    bool landed = false;
    Shared value;
    std::vector<Done> waiting;

    void join(Done done) {
      {
        std::lock_guard lock(mutex);
        if (!landed) {
          waiting.push_back(std::move(done));
          return;
        }
      }
      done(value);
    }
    void land(Shared result) {
      std::vector<Done> all;
      {
        std::lock_guard lock(mutex);
        landed = true;
        value = std::move(result);
        all.swap(waiting);
      }
      for (auto& done : all) done(value);
    }
  };

  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace kaimen::core

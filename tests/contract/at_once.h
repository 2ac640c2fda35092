// Races: work that starts on several threads at the same moment.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace kaimen::contract {

/// Runs `work(i)` on `count` threads that start together, and waits for all.
inline void at_once(int count, const std::function<void(int)>& work) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ++ready;
      while (ready < count) std::this_thread::yield();
      work(i);
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace kaimen::contract

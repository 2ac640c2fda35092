// Checks by app and outcome. Each thread counts in its own cells, which only it writes; who reads adds them up. So the check path shares no
// write, and takes a lock only when a thread meets an app for the first time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kaimen::core {

class CheckCounts {
 public:
  /// The first eleven outcomes are the values of Reason (0: passed).
  static constexpr size_t kPassed = 0, kForbidden = 11, kUnavailable = 12, kAnonymous = 13, kOutcomes = 14;
  using Totals = std::array<uint64_t, kOutcomes>;

  CheckCounts();

  /// `app`: its number; 0 where the check did not come to know it.
  void add(uint32_t app, size_t outcome) {
    Thread& thread = own();
    if (!thread.last || thread.last->app != app) thread.last = find(thread, app);
    auto& cell = thread.last->counts[outcome];
    cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// Since the start, by app.
  std::map<uint32_t, Totals> totals() const;

 private:
  struct Cells {
    explicit Cells(uint32_t number) : app(number) {}
    const uint32_t app;
    std::array<std::atomic<uint64_t>, kOutcomes> counts{};
  };
  struct Thread {
    Cells* last = nullptr;
    std::unordered_map<uint32_t, Cells*> by_app;  // for its own thread
    std::deque<Cells> cells;                      // grows and is read under mutex_
  };
  Thread& own();
  Cells* find(Thread& thread, uint32_t app);

  const uint64_t instance_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

/// "ok", "expired", "forbidden", …
std::string_view check_outcome_name(size_t outcome);

}  // namespace kaimen::core

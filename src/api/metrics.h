// Counters for /metrics. Each thread counts in its own cells, which only it writes; a scrape adds them up. So the check path shares no write.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace kaimen::api {

/// Checks by outcome: the first eleven are the values of Reason (0: passed).
class CheckCounters {
 public:
  static constexpr size_t kPassed = 0, kForbidden = 11, kUnavailable = 12, kAnonymous = 13, kCount = 14;
  void add(size_t outcome) { cells_[outcome].store(cells_[outcome].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  uint64_t get(size_t outcome) const { return cells_[outcome].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, kCount> cells_{};
};

class Metrics {
 public:
  /// `routes`: names for the route label; their index is what count() takes. The last one is for requests that met no route.
  explicit Metrics(std::vector<std::string> routes);

  CheckCounters& checks() { return own().checks; }
  void count(size_t route, int status, int64_t total_ms);

  /// Prometheus text format 0.0.4, without the parts that others add.
  std::string text() const;

 private:
  static constexpr std::array<int64_t, 8> kBucketsMs{1, 5, 10, 50, 100, 500, 1000, 3500};
  struct Thread {
    explicit Thread(size_t routes) : statuses(routes * 6) {}
    CheckCounters checks;
    std::vector<std::atomic<uint64_t>> statuses;  // route × status / 100
    std::array<std::atomic<uint64_t>, kBucketsMs.size() + 1> latency{};
    std::atomic<uint64_t> latency_sum_ms{0};
  };
  Thread& own();

  const std::vector<std::string> routes_;
  const uint64_t instance_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace kaimen::api

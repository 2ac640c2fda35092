// Counters for /metrics, and all of them as text. Each thread counts requests in its own cells, which only it writes; a scrape adds them up.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/stats.h"

namespace kaimen::api {

class Metrics {
 public:
  /// `routes`: names for the route label; their index is what count() takes. The last one is for requests that met no route.
  explicit Metrics(std::vector<std::string> routes);

  void count(size_t route, int status, int64_t total_ms);

  /// Prometheus text format 0.0.4, without the parts that others add. No series is named by an app or a user: there are only so many.
  std::string text(const core::Stats& stats) const;

 private:
  static constexpr std::array<int64_t, 8> kBucketsMs{1, 5, 10, 50, 100, 500, 1000, 3500};
  struct Thread {
    explicit Thread(size_t routes) : statuses(routes * 6) {}
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

// What is counted: by app and hour in the store, and since the start of this process for /metrics. Counted in memory and written every
// minute, so a node that is killed loses what it counted in its last minute at most.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/check_counts.h"
#include "core/stats_store.h"
#include "core/trace.h"
#include "core/user_sketch.h"

namespace kaimen::core {

/// One hour, one app, or any sum of them. Names: logins, new_users, failures.CODE, checks.OUTCOME, upstream.calls, upstream.errors,
/// upstream.ms.
struct StatsSum {
  std::map<std::string, int64_t> counts;
  UserSketch active;
  void add(const StatsRow& row);
};

/// Calls of one kind to the platform, since the start.
struct UpstreamTotals {
  static constexpr std::array<int64_t, 8> kBucketsMs{5, 10, 25, 50, 100, 250, 1000, 3500};
  uint64_t errors = 0, sum_ms = 0;
  std::array<uint64_t, kBucketsMs.size() + 1> buckets{};
};

class Stats {
 public:
  Stats(Store& store, Random& random, const Clock& clock) : store_(store), random_(random), clock_(clock) {}

  CheckCounts checks;

  /// A request that is no check: its login, its failure, what it asked of the platform, and whose it was. `app`: 0 where it has none.
  void count(uint32_t app, const Trace& trace, bool is_login, const Error* error);
  /// Writes what was counted; what cannot be written now is written the next time.
  Task<Result<>> flush();
  /// What all nodes have written, and what this one has not yet.
  Task<Result<std::vector<StatsRow>>> read(ReadStats query);

  /// For /metrics, over all apps: logins by result ("ok", or the code of the failure); new users; calls to the platform.
  struct Totals {
    std::map<std::string, uint64_t> logins;
    uint64_t new_users = 0;
    std::map<std::string, UpstreamTotals> upstream;
  };
  Totals totals() const;

 private:
  using Key = std::pair<uint32_t, int64_t>;  // app, hour
  struct Hour {
    StatsSum sum;
    uint64_t changes = 0, written = 0;
  };
  /// Puts the checks since the last time into this hour. With mutex_ held.
  void gather_checks();
  Hour& at(uint32_t app);
  StatsRow row_of(const Key& key, const Hour& hour) const;
  int64_t hour_now() const;

  Store& store_;
  Random& random_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::optional<Id> node_;
  std::map<Key, Hour> hours_;  ///< Those that may still change, or are not written.
  std::map<uint32_t, CheckCounts::Totals> gathered_;
  Totals totals_;
};

}  // namespace kaimen::core

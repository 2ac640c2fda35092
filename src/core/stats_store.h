// What is counted by the hour, as one of the ports of the store (core/store.h has the rules of all).
#pragma once

#include <map>
#include <set>

#include "core/store.h"

namespace kaimen::core {

/// What one node has counted for one app within one hour.
struct StatsRow {
  uint32_t app = 0;                       ///< 0: what belongs to no app that is known.
  int64_t hour = 0;                       ///< Hours since 1970.
  Id node;                                ///< Made by the process at its start.
  std::map<std::string, int64_t> counts;  ///< Names of [a-z_.]; the sum over the nodes is what counts.
  std::string active;                     ///< A sketch of who was active (core/user_sketch.h): sketches unite.
};
struct ReadStats {
  std::optional<std::set<uint32_t>> apps;  ///< nullopt: all, also those that are gone.
  int64_t from = 0, to = 0;                ///< Hours: from included, to not.
};

class StatsStore {
 public:
  virtual ~StatsStore() = default;

  /// Each row takes the place of what the node has written for the app and hour before: the same again changes nothing.
  virtual Task<Result<>> keep_stats(std::vector<StatsRow> rows) = 0;
  /// In no particular order.
  virtual Task<Result<std::vector<StatsRow>>> read_stats(ReadStats query) = 0;
};

}  // namespace kaimen::core

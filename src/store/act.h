// One act of core/store.h on its way through the store's queue, and what it works with.
#pragma once

#include <chrono>

#include "base/random.h"
#include "store/claims.h"
#include "store/rows.h"

namespace kaimen::store {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What an act works with, inside a transaction.
struct ActContext {
  Rows& rows;
  Claims* claims;  ///< Claims on codes in memory, where one process has the database for itself; null: they are rows.
  Random& random;
  uint32_t& serial;    ///< Counts up within a batch, also over acts that run again: the later use is the later act.
  const Clock& clock;  ///< For stamps, and for events of acts that bring no time of their own.
  /// The act ran before, and it is not known whether that was committed: what it would find now may be its own doing.
  bool again = false;
  /// Of rows that only count there is one a lane, so that who writes beside others need not wait for them (entry_counts).
  uint32_t lane = 0;
};

/// One waiting act. All but the constructor runs on a worker's thread.
class Act {
 public:
  enum class Kind : uint8_t { reads, writes, outside };
  explicit Act(Kind kind) : writes(kind == Kind::writes), outside(kind == Kind::outside) {}
  virtual ~Act() = default;
  /// Does the work and keeps what came of it; may be called again. False: an expected refusal, whose changes are undone.
  virtual bool run(ActContext& context) = 0;
  /// Replaces what came of it.
  virtual void fail(const Error& error) = 0;
  /// Hands out what came of it. Called exactly once, last; also on the caller's thread when the queue is full.
  virtual void finish() = 0;

  /// Instead of run(), of an act that is outside of transactions.
  virtual void run_outside(Engine&) {}

  const bool writes, outside;
  bool again = false;  ///< See ActContext.
  SteadyTime pushed_at{};
};

}  // namespace kaimen::store

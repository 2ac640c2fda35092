// A transaction by itself, outside of the worker's batches: for migrations, marks and copies.
#pragma once

#include <chrono>
#include <thread>
#include <vector>

#include "store/engine.h"

namespace kaimen::store {

inline constexpr auto kConflictPause = std::chrono::milliseconds(100);
inline constexpr int kConflictTries = 50;

/// Runs `work(changes)` in a transaction and commits the changes it asks for, whose cells must hold until then; again, from the beginning,
/// while others are in the way. Errors: as of `work` and of the engine.
template <class Work>
Result<> in_transaction(Engine& engine, bool writes, const Work& work) {
  for (int tries = 1;; ++tries) {
    std::vector<Write> changes;
    bool unknown = false;
    Result<> done = engine.begin(writes);
    if (done) done = work(changes);
    if (done) done = engine.commit(changes, unknown);
    if (done) return ok();
    engine.roll_back();
    if (done.error().code != ErrorCode::conflict || tries == kConflictTries) return done.error();
    std::this_thread::sleep_for(kConflictPause);
  }
}

}  // namespace kaimen::store

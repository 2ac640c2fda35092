// The store's one thread: takes all waiting acts into one transaction, and answers each only after the commit is on disk.
//
// Exactly one connection writes and checkpoints (SQLite 3.40.1 can corrupt a WAL that two reset). What an act says is true only when its
// transaction is durable: a failed commit makes every writing act of the batch `unavailable`. One act that fails alone is rolled back
// alone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "store/claims.h"
#include "store/database.h"

namespace kaimen::store {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What an act works with. Its database has an open transaction.
struct ActContext {
  Database& db;
  Claims& claims;
  Random& random;
  const Clock& clock;  ///< Only for events of acts that bring no time of their own.
};

/// One waiting act. All but the constructor runs on the writer's thread.
class Act {
 public:
  explicit Act(bool act_writes) : writes(act_writes) {}
  virtual ~Act() = default;
  /// Does the work and keeps what came of it; called again after a rollback. False: an expected refusal, which must have changed nothing.
  virtual bool run(ActContext& context) = 0;
  /// Replaces what came of it.
  virtual void fail(const Error& error) = 0;
  /// Hands out what came of it. Called exactly once, last; also on the caller's thread when the queue is full.
  virtual void finish() = 0;

  const bool writes;
  SteadyTime pushed_at{};
};

class Writer {
 public:
  struct Options {
    std::string path;
    int checkpoint_pages;
    std::function<SteadyTime()> steady;
  };
  Writer(std::unique_ptr<Database> database, Options options, const Clock& clock);
  /// Finishes what is queued.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Thread-safe. A full queue fails the act at once.
  void push(std::unique_ptr<Act> act);

 private:
  enum class Outcome : uint8_t {
    committed,
    act_failed,   ///< One act failed or refused half-way: nothing was committed, the others may still succeed alone.
    environment,  ///< The disk or a lock failed: nothing was committed, and nothing else would be.
  };
  using Acts = std::span<const std::unique_ptr<Act>>;

  void run();
  void run_batch(std::vector<std::unique_ptr<Act>>& batch);
  bool run_alone(const std::unique_ptr<Act>& act);
  void report_failing(const Error& error);
  Outcome attempt(Acts acts, Error& error);
  Outcome roll_back(Outcome outcome);
  bool reopen(Error& error);

  const Options options_;
  std::unique_ptr<Database> database_;
  SystemRandom random_;
  const Clock& clock_;
  Claims claims_;
  bool healthy_ = true;   // the connection can be used
  bool failing_ = false;  // the last writing batch found the disk or a lock in the way

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Act>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kaimen::store

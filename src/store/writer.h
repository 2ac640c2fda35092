// The store's queue and its threads: each takes the waiting acts into one transaction, and answers them only after it was committed.
//
// SQLite has exactly one worker, because one connection writes and checkpoints (3.40.1 can corrupt a WAL that two reset); engines have
// several. What an act says is true only when its transaction is durable. A batch that conflicts with another's is run again, then act by
// act; one act that fails alone fails alone. Where the database is gone, a worker of an engine tries on until its acts have waited too long;
// a disk that is full is not waited for.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "store/act.h"

namespace kaimen::store {

class Writer {
 public:
  struct Options {
    std::function<SteadyTime()> steady = std::chrono::steady_clock::now;
    bool claims_in_memory = false;  ///< Of a database that one process has for itself. Needs a single engine.
  };
  /// A thread for each engine. `clock` must outlive the writer.
  Writer(std::vector<std::unique_ptr<Engine>> engines, Options options, const Clock& clock);
  /// Finishes what is queued.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Thread-safe. A full queue fails the act at once.
  void push(std::unique_ptr<Act> act);

 private:
  class Worker;
  using Acts = std::vector<std::unique_ptr<Act>>;

  /// Waits for acts; false: there will be none.
  bool take(Acts& batch);

  const Options options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Act>> queue_;
  bool stopping_ = false;
  size_t idle_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace kaimen::store

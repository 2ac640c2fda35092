// Where passwords are hashed and compared: one at a time, by a thread that stands back for those that serve requests (base/calculator.h), for
// another that has the queue and answers. Whoever comes takes a place first, before a failure is counted or anything is written: who is turned
// away has lost nothing, and who has a place is not turned away any more. Names and passwords cost whoever sends them nothing: of the places no
// app has more than are left for the others.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/calculator.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/task.h"
#include "core/fair_share.h"

namespace kaimen::core {

class PasswordThread {
 public:
  /// How many may be at it: some two seconds' work.
  static constexpr size_t kPlaces = 64;
  /// Held until its holder needs no more of the thread: what is recorded after that keeps nobody out, however slow the store is. For one job at a time.
  using Place = FairShare<uint32_t>::Place;

  explicit PasswordThread(Random& random);
  /// Ends after what is under way; what still waits is answered with unavailable.
  ~PasswordThread();

  /// Error: rate_limited with retry_after when all places are taken, or all that the app may have.
  Result<Place> enter(uint32_t app);
  /// See crypto/password.h. Errors: those there; unavailable (the server stops).
  Task<Result<std::string>> hash(const Place& place, Secret password);
  /// `hash` empty: there is no account; takes as long, and is false.
  Task<Result<bool>> is(const Place& place, std::string hash, Secret password);

 private:
  struct Job {
    std::function<void()> work;
    std::function<void(Error)> refuse;
  };
  template <class T>
  Task<Result<T>> run(std::function<Result<T>()> work);
  void push(Job job);
  void serve();

  Random& random_;
  FairShare<uint32_t> places_{kPlaces, kPlaces};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  Calculator calculator_;
  std::thread thread_;
};

}  // namespace kaimen::core

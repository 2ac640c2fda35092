// Where passwords are hashed and compared: one thread that stands back for those that serve requests, with a queue that is bounded.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "base/secret.h"
#include "base/task.h"

namespace kaimen::core {

class PasswordThread {
 public:
  /// How many may wait: some two seconds' work.
  static constexpr size_t kWaiting = 64;

  explicit PasswordThread(Random& random);
  /// Ends after what is under way; what still waits is answered with unavailable.
  ~PasswordThread();

  /// See crypto/password.h. Errors: those there; rate_limited with retry_after when too many wait.
  Task<Result<std::string>> hash(Secret password);
  /// `hash` empty: there is no account; takes as long, and is false.
  Task<Result<bool>> is(std::string hash, Secret password);

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
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kaimen::core

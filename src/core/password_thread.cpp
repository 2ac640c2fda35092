#include "core/password_thread.h"

#include "base/background.h"
#include "crypto/password.h"

namespace kaimen::core {

PasswordThread::PasswordThread(Random& random) : random_(random), thread_([this] { serve(); }) {}

PasswordThread::~PasswordThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Result<PasswordThread::Place> PasswordThread::enter(uint32_t app) {
  if (auto place = places_.enter(app)) return std::move(*place);
  Error full = make_error(ErrorCode::rate_limited, "too many passwords wait to be looked at");
  full.retry_after = std::chrono::seconds(2);
  return full;
}

Task<Result<std::string>> PasswordThread::hash(const Place&, Secret password) {
  return run<std::string>([this, password = std::move(password)] { return crypto::hash_password(password, random_); });
}

Task<Result<bool>> PasswordThread::is(const Place&, std::string hash, Secret password) {
  return run<bool>([hash = std::move(hash), password = std::move(password)]() -> Result<bool> {
    TRY(const bool same, crypto::is_password(hash.empty() ? crypto::nobodys_hash() : hash, password));
    return same && !hash.empty();
  });
}

template <class T>
Task<Result<T>> PasswordThread::run(std::function<Result<T>()> work) {
  std::function<void(std::function<void(Result<T>)>)> start = [this, work = std::move(work)](std::function<void(Result<T>)> done) {
    push({[this, work, done] {
            Result<T> result = make_error(ErrorCode::internal);
            calculator_.run([&] { result = work(); });
            done(std::move(result));
          },
          [done](Error error) { done(std::move(error)); }});
  };
  Wait<Result<T>> wait(std::move(start));
  Result<T> result = co_await wait;
  co_return std::move(result);
}

void PasswordThread::push(Job job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  wake_.notify_one();
}

void PasswordThread::serve() {
  wake_without_haste();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) break;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.work();
    job = {};
    lock.lock();
  }
  auto left = std::move(jobs_);
  lock.unlock();
  for (auto& job : left) job.refuse(make_error(ErrorCode::unavailable, "the server stops"));
}

}  // namespace kaimen::core

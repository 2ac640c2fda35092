// What a benchmark of the store's acts is made of: the store, callers who keep acts under way, and the clock beside them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/open.h"

namespace kaimen::bench {

inline constexpr uint32_t kApp = 7;
inline constexpr const char* kAppId = "wxbench0000000001";

const Clock& wall_clock();
int64_t now_ms();
/// CPU time of this process.
double cpu_us();
/// Of the user or code of this number.
std::string openid_of(uint64_t number);
std::string hash_of(uint64_t number);

struct Measured {
  double per_second = 0, cpu_us = 0;
};
Measured median(std::vector<Measured> values);

template <class Work>
Measured measure(size_t acts, Work work) {
  const double cpu = cpu_us();
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {static_cast<double>(acts) / took.count(), (cpu_us() - cpu) / static_cast<double>(acts)};
}

/// Keeps `width` acts of the store under way until `count` are done.
class Pump {
 public:
  template <class T>
  void run(size_t count, size_t width, const std::function<Task<Result<T>>(size_t)>& act) {
    count_ = count;
    next_ = done_ = 0;
    for (size_t i = 0; i < std::min(width, count); ++i) start<T>(act);
    loop_.run();
  }

 private:
  template <class T>
  void start(const std::function<Task<Result<T>>(size_t)>& act) {
    spawn<Result<T>>(act(next_++), [this, &act](Result<T> result) {
      if (!result) {
        std::fprintf(stderr, "error: an act failed: %s\n", result.error().detail.c_str());
        std::exit(1);
      }
      if (next_ < count_) start<T>(act);
      if (++done_ == count_) loop_.stop();
    });
  }
  LocalLoop loop_;
  size_t count_ = 0, next_ = 0, done_ = 0;
};

/// The store that the URL names, with its schema.
std::unique_ptr<store::SqlStore> open_or_exit(store::StoreOptions options);

/// Kaimen's store with what its acts need to know of the logins before them.
class Kaimen {
 public:
  /// `logins`: how many of the numbers of users and codes are taken.
  explicit Kaimen(std::unique_ptr<store::SqlStore> store, uint64_t logins = 0) : store_(std::move(store)), logins_(logins) {}

  /// Of `count` new users; each has claimed a code before, which is measured apart.
  Measured login(size_t count, size_t width, Measured* claims = nullptr);
  /// Of the last logins' sessions.
  Measured renew(size_t width);
  Measured end(size_t width);

 private:
  Id id() { return Id::make(wall_clock().now(), random_).value(); }
  core::RecordLogin login_act(uint64_t number);

  SystemRandom random_;
  std::unique_ptr<store::SqlStore> store_;
  Pump pump_;
  std::vector<Id> sessions_;
  uint64_t logins_;
};

}  // namespace kaimen::bench

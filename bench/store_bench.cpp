// The store's acts without anything around them, beside hand-written SQL of the same rows (plain_sql.h). Both are durable; they take turns.
//   store_bench acts DIRECTORY [ROUNDS]          prints one line of JSON: acts a second and CPU an act, by how many acts are under way
//   store_bench fill FILE COUNT APP APP_ID       adds users with one session each to a store that no server has open
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>

#include "base/random.h"
#include "plain_sql.h"
#include "store/open.h"

namespace {

using namespace kaimen;
using bench::PlainSql;

constexpr uint32_t kApp = 7;
constexpr const char* kAppId = "wxbench0000000001";

int64_t now_ms() { return epoch_ms(SystemClock().now()); }

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

std::string openid_of(uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "oBench_upstr_%015llx", static_cast<unsigned long long>(number));
  return text;
}

std::string hash_of(uint64_t number) {
  std::string hash(32, '#');
  for (size_t i = 0; i < 8; ++i) hash[i] = static_cast<char>(number * 0x9e3779b97f4a7c15 >> (8 * i));
  return hash;
}

struct Measured {
  double per_second = 0, cpu_us = 0;
};

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

/// Kaimen's store with what its acts need to know of the logins before them.
class Kaimen {
 public:
  explicit Kaimen(const std::string& path) {
    store::SqliteOptions options;
    options.path = path;
    auto opened = store::open_sqlite(std::move(options), clock_);
    if (!opened) {
      std::fprintf(stderr, "error: %s\n", opened.error().detail.c_str());
      std::exit(1);
    }
    store_ = std::move(opened.value());
  }

  Measured login(size_t count, size_t width) {
    std::vector<core::RecordLogin> acts;
    for (size_t i = 0; i < count; ++i) acts.push_back(login_act(++logins_));
    // The claim is an act in memory of its own; here it is made beforehand.
    pump_.run<core::CodeClaim>(count, 1024, [&](size_t i) {
      core::ClaimCode claim;
      claim.app = acts[i].app;
      claim.code_hash = acts[i].code_hash;
      claim.owner = acts[i].owner;
      claim.now = acts[i].now;
      return store_->claim_code(std::move(claim));
    });
    sessions_.clear();
    for (const auto& act : acts) sessions_.push_back(act.new_session);
    return measure(count, [&] { pump_.run<core::LoginRecord>(count, width, [&](size_t i) { return store_->record_login(std::move(acts[i])); }); });
  }
  Measured renew(size_t width) {
    return measure(sessions_.size(), [&] {
      pump_.run<core::Renewal>(sessions_.size(), width, [&](size_t i) {
        core::RenewSession act;
        act.session = sessions_[i];
        act.app = kApp;
        act.now = clock_.now();
        act.idle_expires_at = act.now + std::chrono::days(30);
        act.revocations_until = act.now + std::chrono::days(1);
        return store_->renew_session(std::move(act));
      });
    });
  }
  Measured end(size_t width) {
    return measure(sessions_.size(), [&] {
      pump_.run<std::vector<core::Revocation>>(sessions_.size(), width, [&](size_t i) {
        core::EndSession act;
        act.session = sessions_[i];
        act.now = clock_.now();
        act.revocations_until = act.now + std::chrono::days(1);
        act.request_id = kRequestId;
        return store_->end_session(std::move(act));
      });
    });
  }

 private:
  static constexpr const char* kRequestId = "0123456789abcdef0123456789abcdef";

  Id id() { return Id::make(clock_.now(), random_).value(); }
  core::RecordLogin login_act(uint64_t number) {
    core::RecordLogin act;
    act.app = kApp;
    act.app_id = kAppId;
    act.project = "default";
    act.provider = "wechat";
    act.code_hash = hash_of(number);
    act.owner = id();
    act.openid = openid_of(number);
    act.session_key_sealed = std::string(60, 'k');
    act.session_key_index = std::string(32, 'i');
    act.new_user = id();
    act.new_session = id();
    act.max_per_user = 20;
    act.now = clock_.now();
    act.idle_expires_at = act.now + std::chrono::days(30);
    act.absolute_expires_at = act.now + std::chrono::days(180);
    act.revocations_until = act.now + std::chrono::days(1);
    act.request_id = kRequestId;
    return act;
  }

  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::SqlStore> store_;
  Pump pump_;
  std::vector<Id> sessions_;
  uint64_t logins_ = 0;
};

class Plain {
 public:
  explicit Plain(const std::string& path) : sql_(path) {}
  Measured login(size_t count, size_t width) {
    sessions_.clear();
    return batches(count, width, [&](size_t) {
      const uint64_t number = ++logins_;
      sql_.login(kApp, kAppId, openid_of(number), hash_of(number), now_ms());
      sessions_.push_back(sql_.last_session());
    });
  }
  Measured renew(size_t width) {
    return batches(sessions_.size(), width, [&](size_t i) { sql_.renew(sessions_[i], now_ms()); });
  }
  Measured end(size_t width) {
    return batches(sessions_.size(), width, [&](size_t i) { sql_.end(sessions_[i], now_ms()); });
  }

 private:
  template <class One>
  Measured batches(size_t count, size_t width, One one) {
    return measure(count, [&] {
      for (size_t i = 0; i < count; ++i) {
        if (i % width == 0) sql_.begin();
        one(i);
        if (i % width == width - 1 || i + 1 == count) sql_.commit();
      }
    });
  }
  PlainSql sql_;
  std::vector<Id> sessions_;
  uint64_t logins_ = 0;
};

Measured median(std::vector<Measured> values) {
  Measured middle;
  const auto at = static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), values.begin() + at, values.end(), [](auto& a, auto& b) { return a.per_second < b.per_second; });
  middle.per_second = values[static_cast<size_t>(at)].per_second;
  std::nth_element(values.begin(), values.begin() + at, values.end(), [](auto& a, auto& b) { return a.cpu_us < b.cpu_us; });
  middle.cpu_us = values[static_cast<size_t>(at)].cpu_us;
  return middle;
}

int acts(const std::filesystem::path& directory, size_t rounds) {
  const std::string ours = directory / "store.db", plain_path = directory / "plain.db";
  { const Kaimen schema(plain_path); }
  Kaimen kaimen(ours);
  Plain plain(plain_path);
  std::printf("{\"acts\":[");
  const char* comma = "";
  for (const size_t width : {1, 4, 16, 64, 256, 1024}) {
    const size_t count = std::clamp<size_t>(width * 128, 512, 8192);
    std::map<std::string, std::vector<Measured>> by_kind;
    for (size_t round = 0; round < rounds; ++round) {
      by_kind["kaimen login"].push_back(kaimen.login(count, width));
      by_kind["plain login"].push_back(plain.login(count, width));
      by_kind["kaimen renew"].push_back(kaimen.renew(width));
      by_kind["plain renew"].push_back(plain.renew(width));
      by_kind["kaimen end"].push_back(kaimen.end(width));
      by_kind["plain end"].push_back(plain.end(width));
    }
    for (const std::string act : {"login", "renew", "end"}) {
      const Measured a = median(by_kind["kaimen " + act]), b = median(by_kind["plain " + act]);
      std::printf("%s{\"act\":\"%s\",\"under_way\":%zu,\"per_second\":%.0f,\"cpu_us\":%.2f,\"plain_per_second\":%.0f,\"plain_cpu_us\":%.2f}", comma, act.c_str(), width,
                  a.per_second, a.cpu_us, b.per_second, b.cpu_us);
      comma = ",";
    }
  }
  std::printf("]}\n");
  return 0;
}

int fill(const std::string& file, uint64_t count, uint32_t app, const std::string& app_id) {
  PlainSql sql(file, false);
  const int64_t start = now_ms() - static_cast<int64_t>(count);  // a millisecond apart, as if they had come one after the other
  for (uint64_t i = 0; i < count; ++i) {
    if (i % 50'000 == 0) sql.begin();
    sql.login(app, app_id, openid_of(i), hash_of(i + (uint64_t{1} << 60)), start + static_cast<int64_t>(i));
    if (i % 50'000 == 49'999 || i + 1 == count) sql.commit();
  }
  return 0;
}

}  // namespace

int main(int count, char** texts) {
  const std::string mode = count > 1 ? texts[1] : "";
  if (mode == "acts" && count >= 3) return acts(texts[2], count > 3 ? std::stoul(texts[3]) : 5);
  if (mode == "fill" && count == 6) return fill(texts[2], std::stoull(texts[3]), static_cast<uint32_t>(std::stoul(texts[4])), texts[5]);
  std::fprintf(stderr, "usage: store_bench acts DIRECTORY [ROUNDS] | fill FILE COUNT APP APP_ID\n");
  return 2;
}

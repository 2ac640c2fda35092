// The store's acts without anything around them, beside hand-written SQL of the same rows (plain_sql.h). Both are durable; they take turns.
//   store_bench acts DIRECTORY [ROUNDS]          prints one line of JSON: acts a second and CPU an act, by how many acts are under way
//   store_bench fill FILE COUNT APP APP_ID       adds users with one session each to a store that no server has open
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "acts.h"
#include "plain_sql.h"

namespace {

using namespace kaimen;
using namespace kaimen::bench;

std::unique_ptr<store::SqlStore> open_file(const std::filesystem::path& path) {
  store::StoreOptions options;
  options.url = "sqlite://" + path.string();
  return open_or_exit(std::move(options));
}

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

int acts(const std::filesystem::path& directory, size_t rounds) {
  const std::string ours = directory / "store.db", plain_path = directory / "plain.db";
  { const Kaimen schema(open_file(plain_path)); }
  Kaimen kaimen(open_file(ours));
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

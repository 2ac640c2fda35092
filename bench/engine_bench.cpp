// A login's acts on PostgreSQL or the MySQL protocol, beside hand-written SQL of the same rows (plain_engine.h). They take turns, each in a
// database of its own on one server, over one connection; then the store with as many connections as it has by default.
//   engine_bench URL PLAIN_URL [ROUNDS]    of two empty databases; prints one line of JSON
#include <map>

#include "acts.h"
#include "plain_engine.h"

namespace {

using namespace kaimen;
using namespace kaimen::bench;

std::unique_ptr<store::SqlStore> open_url(const std::string& url, int connections) {
  store::StoreOptions options;
  options.url = url;
  options.connections = connections;
  return open_or_exit(std::move(options));
}

class Plain {
 public:
  explicit Plain(std::unique_ptr<PlainEngine> engine) : engine_(std::move(engine)) {}

  Measured login(size_t count, size_t width, Measured& claims) {
    std::vector<PlainLogin> logins;
    for (size_t i = 0; i < count; ++i) {
      ++logins_;
      logins.push_back({openid_of(logins_), hash_of(logins_), id(), id(), id(), id()});
    }
    const auto batches = [&](const auto& one) {
      const std::span all(logins);
      for (size_t i = 0; i < count; i += width) one(all.subspan(i, std::min(width, count - i)));
    };
    claims = measure(count, [&] { batches([&](auto batch) { engine_->claim(batch, now_ms()); }); });
    return measure(count, [&] { batches([&](auto batch) { engine_->login(batch, now_ms()); }); });
  }

 private:
  Id id() { return Id::make(wall_clock().now(), random_).value(); }

  SystemRandom random_;
  std::unique_ptr<PlainEngine> engine_;
  uint64_t logins_ = 0;
};

void print(const char* name, const Measured& measured) {
  std::printf("\"%s_per_second\":%.0f,\"%s_cpu_us\":%.2f", name, measured.per_second, name, measured.cpu_us);
}

/// Of the rounds' ratios: whatever else the machine does in a round, it does to both.
double median_ratio(const std::vector<Measured>& ours, const std::vector<Measured>& theirs) {
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i].per_second / theirs[i].per_second);
  std::ranges::sort(ratios);
  return ratios[ratios.size() / 2];
}

int run(const std::string& url, const std::string& plain_url, size_t rounds) {
  open_url(plain_url, 1);  // makes the schema
  const bool postgres = store::dialect_of(url) == store::Dialect::postgres;
  Kaimen kaimen(open_url(url, 1));
  Plain plain(postgres ? open_plain_postgres(plain_url) : open_plain_mysql(plain_url));

  std::printf("{\"acts\":[");
  const char* comma = "";
  size_t ours = 0;
  for (const size_t width : {1, 64, 256}) {
    const size_t count = std::clamp<size_t>(width * 32, 512, 4096);
    ours += rounds * count;
    std::map<std::string, std::vector<Measured>> by_kind;
    for (size_t round = 0; round < rounds; ++round) {
      Measured claims;
      by_kind["login"].push_back(kaimen.login(count, width, &claims));
      by_kind["claim"].push_back(claims);
      by_kind["plain_login"].push_back(plain.login(count, width, claims));
      by_kind["plain_claim"].push_back(claims);
    }
    std::printf("%s{\"under_way\":%zu", comma, width);
    for (const char* kind : {"login", "plain_login", "claim", "plain_claim"}) {
      std::printf(",");
      print(kind, median(by_kind[kind]));
    }
    std::printf(",\"share\":%.3f}", median_ratio(by_kind["login"], by_kind["plain_login"]));
    comma = ",";
  }

  Kaimen many(open_url(url, store::StoreOptions().connections), uint64_t{1} << 32);
  std::vector<Measured> logins;
  for (size_t round = 0; round < rounds; ++round) logins.push_back(many.login(4096, 256));
  std::printf("],\"logins\":%zu,\"default\":{\"connections\":%d,\"under_way\":256,", ours + rounds * 4096,
              store::StoreOptions().connections);
  print("login", median(logins));
  std::printf("}}\n");
  return 0;
}

}  // namespace

int main(int count, char** texts) {
  if (count == 3 || count == 4) return run(texts[1], texts[2], count == 4 ? std::stoul(texts[3]) : 3);
  std::fprintf(stderr, "usage: engine_bench URL PLAIN_URL [ROUNDS]\n");
  return 2;
}

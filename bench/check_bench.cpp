// What one check and one seal cost on this machine, beside the signature of an ES256 JWT, in nanoseconds of one thread, as one line of JSON.
// Each number is the least of several rounds: what disturbs a round only ever makes it slower. Rounds of all kinds take turns.
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

#include "check/boot_clock.h"
#include "check/check.h"
#include "check/kaimen_check.h"
#include "check/state_writer.h"

namespace {

using namespace kaimen::check;

constexpr size_t kTickets = 4096;  // each of another session, so that look-ups touch other places of the table
constexpr int kRounds = 15;
constexpr uint64_t kNow = 1'790'000'000'000;

std::mt19937_64 noise(1);

std::array<uint8_t, 16> session_id() {
  std::array<uint8_t, 16> id{};
  const uint64_t last = noise();
  std::memcpy(id.data() + 8, &last, 8);
  id[0] = static_cast<uint8_t>(kNow >> 40);
  return id;
}

std::array<uint8_t, 12> nonce() {
  std::array<uint8_t, 12> bytes{};
  const uint64_t first = noise();
  std::memcpy(bytes.data(), &first, 8);
  return bytes;
}

Claims claims() {
  Claims claims;
  claims.session = session_id();
  claims.app = 1;
  claims.issued_ms = kNow - 1000;
  claims.life_s = 7200;
  claims.openid = "oAbCdEfGhIjKlMnOpQrStUvWxYz0";
  claims.unionid = "o6_bmasdasdsad6_2sgVt7hMZOPf";
  return claims;
}

// A JWT's check costs more (JSON, claims); its signature alone is what no implementation avoids.
class Es256 {
 public:
  Es256() : key_(EVP_EC_gen("P-256")), signing_(EVP_MD_CTX_new()), checking_(EVP_MD_CTX_new()) {
    size_t size = sizeof signature_;
    good_ = EVP_DigestSignInit_ex(signing_, nullptr, "SHA256", nullptr, nullptr, key_, nullptr) == 1 &&
            EVP_DigestSign(signing_, signature_, &size, bytes(), text_.size()) == 1;
    size_ = size;
  }
  ~Es256() {
    EVP_MD_CTX_free(signing_);
    EVP_MD_CTX_free(checking_);
    EVP_PKEY_free(key_);
  }
  Es256(const Es256&) = delete;
  Es256& operator=(const Es256&) = delete;

  bool verify() {
    return good_ && EVP_DigestVerifyInit_ex(checking_, nullptr, "SHA256", nullptr, nullptr, key_, nullptr) == 1 &&
           EVP_DigestVerify(checking_, signature_, size_, bytes(), text_.size()) == 1;
  }

 private:
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(text_.data()); }
  const std::string text_ = std::string(300, 'j');  // header and claims in base64url
  EVP_PKEY* const key_;
  EVP_MD_CTX *const signing_, *const checking_;
  uint8_t signature_[128];
  size_t size_ = 0;
  bool good_ = false;
};

/// A state file with these revocations, read as other processes read it. The file's node beats once, so a round must be short: beat() again.
class Published {
 public:
  Published(const Key& key, const Revocations& revocations, size_t room) {
    std::string error;
    writer_ = StateWriter::open(path_, room, revocations, error);
    if (!writer_) throw std::runtime_error(error);
    writer_->refill(0);
    writer_->publish_keys({{.key = key}});
    writer_->publish_apps({{1, "wxdev0000000000001", "default", false, 0, 86400}});
    beat();
    if (kaimen_check_open(path_.c_str(), &check_) != 0) throw std::runtime_error("kaimen_check_open");
  }
  ~Published() {
    kaimen_check_close(check_);
    unlink(path_.c_str());
    unlink((path_ + ".lock").c_str());
  }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  void beat() {
    const uint64_t boot = boot_now_ms();
    writer_->beat(boot + kGoodMs, static_cast<int64_t>(kNow - boot));
  }
  bool good(const std::string& ticket) { return kaimen_check_ticket(check_, ticket.data(), ticket.size(), &who_) == 204; }

 private:
  static inline int made_ = 0;
  const std::string path_ = "/dev/shm/kaimen-bench-" + std::to_string(getpid()) + "-" + std::to_string(made_++);
  std::unique_ptr<StateWriter> writer_;
  kaimen_check* check_ = nullptr;
  kaimen_identity who_;
};

/// One kind of work, measured round by round.
struct Measure {
  const char* name;
  size_t count;
  std::function<bool(size_t)> work;
  double best_ns = 1e12;
  size_t good = 0;

  void round() {
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < count; ++i) good += work(i);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best_ns = std::min(best_ns, took.count() / static_cast<double>(count));
  }
};

}  // namespace

int main() {
  RingKey ring_key;
  ring_key.key.id = 0x01020304;
  for (auto& byte : ring_key.key.bytes) byte = static_cast<uint8_t>(noise());
  const KeyRing keys({ring_key});
  const AppStates apps{{1, AppState{"wxdev0000000000001", "default"}}};
  std::vector<std::string> tickets(kTickets);
  for (auto& ticket : tickets) ticket = seal_ticket(ring_key.key, claims(), nonce());

  const auto opened = std::make_unique<Opened>();
  std::array<Revocations, 3> revocations;
  for (const auto& [table, count] : {std::pair{1, 10'000}, std::pair{2, 1'000'000}}) {
    for (int i = 0; i < count; ++i) revocations[static_cast<size_t>(table)].put(session_id(), kAllGenerations, Reason::logged_out, kNow);
  }
  const auto check_with = [&](size_t table) {
    return [&, table](size_t i) { return check_ticket(tickets[i], keys, apps, revocations[table], kNow, *opened).reason == Reason::none; };
  };
  std::vector<std::unique_ptr<Published>> published;
  // Each file as large as a node makes it (check.revocations): more room is a larger filter, which fewer checks find in a cache.
  for (const auto& table : revocations) published.push_back(std::make_unique<Published>(ring_key.key, table, std::max<size_t>(100'000, table.size())));
  const auto library_with = [&](size_t table) {
    return [&, table](size_t i) { return published[table]->good(tickets[i]); };
  };
  // The tag is wrong: the dearest of bad tickets, for the others are refused before they are opened.
  std::vector<std::string> bad = tickets;
  for (auto& ticket : bad) ticket[ticket.size() - 9] = ticket[ticket.size() - 9] == 'A' ? 'B' : 'A';
  const Claims sample = claims();
  const auto fixed = nonce();
  Es256 es256;
  std::vector<Measure> measures;
  measures.push_back({"check_0", kTickets, check_with(0)});
  measures.push_back({"check_10k", kTickets, check_with(1)});
  measures.push_back({"check_1m", kTickets, check_with(2)});
  measures.push_back({"library_0", kTickets, library_with(0)});
  measures.push_back({"library_10k", kTickets, library_with(1)});
  measures.push_back({"library_1m", kTickets, library_with(2)});
  measures.push_back({"library_bad", kTickets, [&](size_t i) { return !published[1]->good(bad[i]); }});
  measures.push_back({"seal", kTickets, [&](size_t) { return !seal_ticket(ring_key.key, sample, fixed).empty(); }});
  measures.push_back({"es256_verify", 64, [&](size_t) { return es256.verify(); }});
  for (int round = 0; round < kRounds; ++round) {
    for (auto& measure : measures) {
      for (auto& file : published) file->beat();
      measure.round();
    }
  }
  std::printf("{\"ticket_characters\":%zu", tickets[0].size());
  bool all_good = true;
  for (const auto& measure : measures) {
    std::printf(",\"%s_ns\":%.0f", measure.name, measure.best_ns);
    all_good = all_good && measure.good == measure.count * kRounds;
  }
  std::printf("}\n");
  return all_good ? 0 : 1;
}

// Does one of the things check_cost.py counts the instructions of, as often as it is told, with libkaimen_check against a state file:
//   library_cost library COUNT   a request as a module inside a web server asks it: nine headers offered, the check, the identity out
//   library_cost forged COUNT    the same with a ticket whose tag is wrong, the dearest of bad ones
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "check/boot_clock.h"
#include "check/kaimen_check.h"
#include "check/state_writer.h"

namespace {

using namespace kaimen::check;

constexpr uint64_t kNow = 1'795'000'000'000;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "library_cost: %s\n", what.c_str());
  std::exit(1);
}

/// A state file with an app, a key and some revocations that do not concern the ticket.
class Published {
 public:
  Published() {
    key_.id = 7;
    key_.bytes.fill(0x5a);
    for (uint8_t i = 1; i <= 200; ++i) revocations_.put({i, i, i}, kAllGenerations, Reason::logged_out, ~uint64_t{0});
    std::string error;
    writer_ = StateWriter::open(path_, 100'000, revocations_, error);
    if (!writer_) fail(error);
    writer_->refill(0);
    writer_->publish_keys({{.key = key_}});
    writer_->publish_apps({{1, "wxcost10000000001", "default", false, 0, 86400}});
    beat();
    if (kaimen_check_open(path_.c_str(), &check) != 0) fail("kaimen_check_open");
  }
  ~Published() {
    kaimen_check_close(check);
    ::unlink(path_.c_str());
    ::unlink((path_ + ".lock").c_str());
  }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  void beat() {
    const uint64_t boot = boot_now_ms();
    writer_->beat(boot + kGoodMs, static_cast<int64_t>(kNow - boot));
  }
  std::string ticket() const {
    Claims claims;
    claims.session.fill(0x11);
    claims.user.fill(0x22);
    claims.app = 1;
    claims.issued_ms = kNow - 1000;
    claims.life_s = 7200;
    claims.openid = "oAbCdEfGhIjKlMnOpQrStUvWxYz0";
    claims.unionid = "o6_bmasdasdsad6_2sgVt7hMZOPf";
    return seal_ticket(key_, claims, {1, 2, 3});
  }
  kaimen_check* check = nullptr;

 private:
  const std::string path_ = "/tmp/kaimen-cost-" + std::to_string(::getpid());
  Key key_;
  Revocations revocations_;
  std::unique_ptr<StateWriter> writer_;
};

size_t ask(Published& published, const std::string& ticket, int status, size_t count) {
  const std::pair<std::string, std::string> headers[] = {
      {"Host", "127.0.0.1"}, {"User-Agent", "Mozilla/5.0 MicroMessenger/8.0.49"}, {"Accept", "*/*"}, {"Accept-Encoding", "gzip"}, {"Accept-Language", "zh-CN"},
      {"Charset", "utf-8"}, {"Content-Type", "application/json"}, {"Referer", "https://servicewechat.com/"}, {"Authorization", "Bearer " + ticket}};
  const kaimen_wanted wanted{"wxcost10000000001", nullptr, nullptr, nullptr, 0, 0};
  kaimen_identity who;
  size_t right = 0;
  for (size_t i = 0; i < count; ++i) {
    if (i % 256 == 0) published.beat();
    kaimen_presented presented{};
    for (const auto& [name, value] : headers) {
      if (kaimen_claims_identity(name.data(), name.size()) != 0) fail(name);
      kaimen_presented_header(published.check, &presented, name.data(), name.size(), value.data(), value.size(), nullptr);
    }
    right += kaimen_check_request(published.check, &presented, &wanted, &who) == status;
  }
  return right;
}

}  // namespace

int main(int count, char** texts) {
  if (count != 3) fail("usage: library_cost library|forged COUNT");
  const size_t wanted = std::stoul(texts[2]);
  Published published;
  std::string ticket = published.ticket();
  const bool forged = std::string(texts[1]) == "forged";
  char& last_of_tag = ticket[ticket.size() - 9];
  if (forged) last_of_tag = last_of_tag == 'A' ? 'B' : 'A';
  if (ask(published, ticket, forged ? 401 : 204, wanted) != wanted) fail("another answer than that");
}

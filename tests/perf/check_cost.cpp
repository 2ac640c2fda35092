// Does one of the things check_cost.py counts the instructions of, as often as it is told:
//   check_cost ticket COUNT    check_ticket: decode, open, look for a revocation
//   check_cost request COUNT   a whole GET /verify as nginx sends it: bytes into a Connection, head, check, answer out
//   check_cost many_apps COUNT the same on a node with 1,000 apps
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "api/verify.h"
#include "http/connection.h"
#include "store/open.h"

namespace {

using namespace kaimen;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "check_cost: %s\n", what.c_str());
  std::exit(1);
}

class FixedClock final : public Clock {
 public:
  Time now() const override { return from_epoch_ms(1'795'000'000'000); }
};

class NoOutbound final : public core::Outbound {
 public:
  Task<Result<core::OutboundAnswer>> send(core::OutboundRequest) override { fail("a check went out"); }
};
class NoResolver final : public core::Resolver {
 public:
  Task<Result<std::optional<core::ResolvedUser>>> ask(core::WhoIs, Time, Deadline) override { fail("a check asked who it is"); }
};
struct NoPlatforms final : core::Platforms {
  core::Platform* find(std::string_view) const override { return nullptr; }
};

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "kaimen-cost-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::filesystem::path path;
};

/// A node with so many apps, one key and some revocations that do not concern the ticket.
class Node {
 public:
  explicit Node(uint32_t count_of_apps) : store_(open()), vault_(crypto::Vault::make(Secret("0123456789abcdef0123456789abcdef"), {}, random_).value()),
           services_(*store_, platforms_, outbound_, resolver_, vault_, random_, clock_, core::AppSettings{}, {"wechat"}, {"wechat"}) {
    check::RingKey key;
    key.key.id = 7;
    key.key.bytes.fill(0x5a);
    auto apps = std::make_shared<core::AppTable>();
    for (uint32_t i = 1; i <= count_of_apps; ++i) apps->states[i * 2'654'435'761U] = check::AppState{"wxcost" + std::to_string(10'000'000'000 + i), "default"};
    apps->projects = {core::Project{"default", "", false, {}}};
    services_.live.apps.set(std::move(apps));
    services_.live.keys.set(std::make_shared<check::KeyRing>(std::vector{key}));
    for (uint8_t i = 1; i <= 200; ++i) services_.live.revocations.put({i, i, i}, check::kAllGenerations, check::Reason::logged_out, ~uint64_t{0});
    services_.live.ready.store(true);

    check::Claims claims;
    claims.session.fill(0x11);
    claims.user.fill(0x22);
    claims.app = 2'654'435'761U;  // numbers are random
    claims.issued_ms = static_cast<uint64_t>(epoch_ms(clock_.now())) - 1000;
    claims.life_s = 7200;
    claims.openid = "oAbCdEfGhIjKlMnOpQrStUvWxYz0";
    claims.unionid = "o6_bmasdasdsad6_2sgVt7hMZOPf";
    ticket = check::seal_ticket(key.key, claims, {1, 2, 3});
  }
  core::Services& services() { return services_; }
  std::string ticket;

 private:
  std::unique_ptr<store::SqlStore> open() {
    store::SqliteOptions options;
    options.path = directory_.path / "kaimen.db";
    auto opened = store::open_sqlite(std::move(options), clock_);
    if (!opened) fail(opened.error().detail);
    return std::move(opened.value());
  }

  Directory directory_;
  FixedClock clock_;
  SystemRandom random_;
  NoPlatforms platforms_;
  NoOutbound outbound_;
  NoResolver resolver_;
  std::unique_ptr<store::SqlStore> store_;
  crypto::Vault vault_;
  core::Services services_;
};

class Verifier final : public http::Handler {
 public:
  explicit Verifier(core::Services& services) : services_(services) {}
  std::optional<size_t> body_limit(const http::Request&, size_t default_limit) const override { return default_limit; }
  bool answer_now(const http::Request& request, bool keep_alive, std::string& out) override {
    api::verify(request, services_, options_, keep_alive, out);
    return true;
  }
  Task<http::Response> handle(const http::Request&) override { fail("a check was not answered at once"); }
  http::Response refuse(int, std::string_view why, std::string_view) override { fail("refused: " + std::string(why)); }

 private:
  core::Services& services_;
  api::ApiOptions options_;
};

/// A connection whose transport is memory.
class MemoryConnection final : public http::Connection {
 public:
  explicit MemoryConnection(http::ConnectionContext& context) : Connection(context, loopback(), 0) {}
  void begin() override { serve(); }
  void feed(std::string_view bytes) {
    std::memcpy(room_, bytes.data(), bytes.size());
    on_read(false, bytes.size());
  }
  size_t good = 0;

 private:
  static http::Peer loopback() {
    http::Peer peer;
    peer.address = "127.0.0.1";
    peer.loopback = true;
    return peer;
  }
  void start_read(char* data, size_t size) override {
    if (size < 2000) fail("no room to read");
    room_ = data;
  }
  int64_t unsent() override { return 0; }
  Sent send(std::string_view bytes) override {
    good += bytes.starts_with("HTTP/1.1 204 ") && bytes.ends_with("\r\n\r\n");
    return Sent::all;
  }
  void cancel_read() override {}
  void finish() override {}
  void abort() override {}
  bool has_unread() const override { return false; }

  char* room_ = nullptr;
};

size_t check_tickets(Node& node, size_t count) {
  core::Checker checker(node.services().live);
  size_t good = 0;
  for (size_t i = 0; i < count; ++i) good += checker.check(node.ticket)->reason == check::Reason::none;
  return good;
}

size_t check_requests(Node& node, size_t count) {
  const std::string request =
      "GET /verify HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
      "X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
      "User-Agent: Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 MicroMessenger/8.0.49 MiniProgramEnv/android\r\n"
      "Accept: */*\r\nAccept-Encoding: gzip, compress, br, deflate\r\nAccept-Language: zh-CN,zh;q=0.9\r\nCharset: utf-8\r\n"
      "Content-Type: application/json\r\nReferer: https://servicewechat.com/wxcost00000000001/12/page-frame.html\r\n"
      "Authorization: Bearer " + node.ticket + "\r\n\r\n";
  Verifier verifier(node.services());
  constexpr Millis kLong{60'000};
  const http::ServerLimits limits{8 * 1024, 32 * 1024, 100, 64 * 1024, 10, kLong, kLong, kLong, kLong, kLong};
  const http::Networks trusted;
  http::ConnectionContext context{verifier, limits, trusted};
  const boost::intrusive_ptr<MemoryConnection> connection(new MemoryConnection(context));
  connection->begin();
  for (size_t i = 0; i < count; ++i) connection->feed(request);
  return connection->good;
}

}  // namespace

int main(int count, char** texts) {
  if (count != 3) fail("usage: check_cost ticket|request|many_apps COUNT");
  const std::string what = texts[1];
  const size_t wanted = std::stoul(texts[2]);
  Node node(what == "many_apps" ? 1000 : 1);
  const size_t good = what == "ticket" ? check_tickets(node, wanted) : check_requests(node, wanted);
  if (good != wanted) fail(std::to_string(good) + " of " + texts[2] + " were good");
}

// The real rules over the real SQLite store in a directory of its own, with a clock that a test moves and a platform that a test scripts.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "base/encoding.h"
#include "core/services.h"
#include "crypto/cbc.h"
#include "crypto/hash.h"
#include "store/open.h"
#include "tests/contract/at_once.h"
#include "tests/contract/sqlite_query.h"
#include "tests/core/fake_component.h"

namespace kaimen::test {

using namespace std::chrono_literals;
using contract::at_once;
using core::AppPtr;

inline const Time t0 = from_epoch_ms(1'795'000'000'000);

/// pass() is time that goes by; jump() is a wall clock that was set while the monotonic one went on as ever.
class ManualClock final : public Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  Time now() const override { return t0 + Millis(passed_ + jumped_); }
  Steady steady() const { return Steady(1h) + Millis(passed_); }
  void pass(Millis duration) { passed_ += duration.count(); }
  void jump(Millis duration) { jumped_ += duration.count(); }

 private:
  std::atomic<int64_t> passed_{0}, jumped_{0};
};

/// The system's randomness, which fails from the call on that a test names.
class BreakableRandom final : public Random {
 public:
  Result<> fill(std::span<uint8_t> out) override {
    if (calls++ >= works_for) return make_error(ErrorCode::unavailable, "no randomness");
    return system_.fill(out);
  }
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> works_for{std::numeric_limits<int64_t>::max()};

 private:
  SystemRandom system_;
};

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "kaimen-core-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::filesystem::path path;
};

inline const std::string kMasterKey = "0123456789abcdef0123456789abcdef";

/// One node: the rules over a store.
class Node {
 public:
  /// `other_keys`: master keys that only open.
  Node(core::Store& store, const FakePlatforms& platforms, Random& random, const Clock& clock, core::FollowOptions follow = {},
       const std::string& master_key = kMasterKey, std::vector<Secret> other_keys = {})
      : vault(crypto::Vault::make(Secret(master_key), std::move(other_keys), random).value()),
        services(store, platforms, outbound, resolver, vault, random, clock, core::AppSettings{}, {"wechat", "wechat_component"}, {"wechat", "sandbox"}, std::move(follow)) {}
  FakeOutbound outbound;
  FakeResolver resolver;
  crypto::Vault vault;
  core::Services services;
};

class CoreTest : public testing::Test {
 protected:
  CoreTest() : platforms_(platform, &component_platform) {
    start();
    add_app("wx1");
  }

  /// The same data after the process has ended and begun again.
  void restart() {
    stop();
    start();
  }
  core::Services& services() { return node_->services; }
  FakeOutbound& outbound() { return node_->outbound; }
  FakeResolver& resolver() { return node_->resolver; }
  core::Store& store() { return *store_; }
  AppPtr app() { return services().apps.find("wx1"); }

  AppPtr add_app(const std::string& app_id, const std::string& project = "default", std::map<std::string, std::string> settings = {}) {
    core::NewApp app;
    app.app_id = app_id;
    app.project = project;
    app.secret = Secret("secret-of-" + app_id);
    app.settings = std::move(settings);
    return run_here(services().apps.add(std::move(app))).value();
  }
  void set(const std::string& name, const std::string& value) {
    core::AppChange change;
    change.settings = std::map<std::string, std::string>{{name, value}};
    ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  }

  core::LoginRequest request(const std::string& code, const std::string& app_id = "wx1") {
    core::LoginRequest request;
    request.app = services().apps.find(app_id);
    request.code = Secret(code);
    return request;
  }
  Result<core::LoginAnswer> login(core::LoginRequest request) {
    core::Trace trace;
    return run_here(services().login.run(std::move(request), &trace));
  }
  Result<core::LoginAnswer> login(const std::string& code) { return login(request(code)); }
  /// A fresh code of `openid`, brought.
  core::LoginAnswer log_in(const std::string& openid, const std::string& app_id = "wx1") {
    const std::string code = platform.fresh_code(openid);
    return login(request(code, app_id)).value();
  }
  Result<core::LoginAnswer> renew(const std::string& renew_token) {
    core::Trace trace;
    return run_here(services().sessions.renew(renew_token, &trace));
  }
  Reason check(const std::string& token) { return check_on(services(), token); }
  static Reason check_on(core::Services& services, const std::string& token) {
    core::Checker checker(services.live);
    return static_cast<Reason>(checker.check(token).value().reason);
  }
  Result<> log_out(const core::LoginAnswer& answer) {
    core::Trace trace;
    return run_here(services().sessions.end(answer.session.id, std::nullopt, Reason::logged_out, &trace));
  }
  Result<> disable(const Id& user, std::optional<Time> until = {}, const std::string& message = "") {
    core::Trace trace;
    return run_here(services().sessions.disable_user(user, until, message, &trace));
  }
  Result<> minute() { return run_here(services().every_minute(clock.steady())); }

  /// What WeChat's client would hand out: `plaintext` under `key_text` (base64, as a session_key is).
  static core::EncryptedData encrypt(const std::string& key_text, const std::string& plaintext) {
    const std::string iv = "0123456789abcdef";
    return {to_base64(*crypto::aes_cbc_encrypt(*from_base64(key_text), iv, plaintext)), to_base64(iv)};
  }
  core::Subject subject(const core::LoginAnswer& answer) { return {answer.app, answer.user.id, answer.session.openid}; }

  std::vector<std::vector<std::string>> query(const std::string& sql) { return contract::query_sqlite(file(), sql); }
  std::string one(const std::string& sql) {
    const auto rows = query(sql);
    return rows.size() == 1 && rows[0].size() == 1 ? rows[0][0] : std::to_string(rows.size()) + " rows";
  }

  /// Gives the user this number, as WeChat would say it for a code of its own.
  void bind_phone(const core::LoginAnswer& who, const std::string& number) {
    platform.phones["p" + number] = number;
    core::PhoneProof proof;
    proof.code = "p" + number;
    core::Trace trace;
    ASSERT_TRUE(run_here(services().profiles.bind_phone(subject(who), proof, &trace)));
  }

  Directory directory;
  ManualClock clock;
  BreakableRandom random;
  FakePlatform platform;
  FakeComponent component_platform;

 protected:
  const FakePlatforms& platforms() const { return platforms_; }

 private:
  std::string file() const { return (directory.path / "kaimen.db").string(); }
  void start() { ASSERT_TRUE(try_start()); }

  std::unique_ptr<core::Store> store_;
  FakePlatforms platforms_;
  std::unique_ptr<Node> node_;

 protected:
  /// Of the next start.
  std::string master_key = kMasterKey;
  std::vector<Secret> other_keys;
  Result<> try_start() {
    store::SqliteOptions options;
    options.path = file();
    options.steady = [this] { return clock.steady(); };
    store_ = store::open_sqlite(std::move(options), clock).value();
    node_ = std::make_unique<Node>(*store_, platforms_, random, clock, core::FollowOptions{}, master_key, other_keys);
    return run_here(node_->services.start());
  }
  void stop() {
    node_.reset();
    store_.reset();
  }
};

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result.error().code;
}
template <class T>
Reason reason_of(const Result<T>& result) {
  return result.error().reason;
}

/// Runs a task for each of `count` on this thread's loop, all under way at once, and returns what they yield.
template <class T>
std::vector<T> together(int count, const std::function<Task<T>(int)>& make) {
  LocalLoop loop;
  std::vector<T> values;
  values.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    spawn<T>(make(i), [&](T value) {
      values.push_back(std::move(value));
      if (values.size() == static_cast<size_t>(count)) loop.stop();
    });
  }
  loop.run();
  return values;
}

}  // namespace kaimen::test

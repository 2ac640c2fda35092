// Several nodes over one shared store, each with its own memory, its own wall clock, and polls that a test makes.
#pragma once

#include "tests/core/fixture.h"
#include "tests/core/shared_store.h"

namespace kaimen::test {

/// A wall clock that goes wrong by a fixed amount.
class WrongClock final : public Clock {
 public:
  explicit WrongClock(const Clock& right) : right_(right) {}
  Time now() const override { return right_.now() + Millis(wrong_ms); }
  std::atomic<int64_t> wrong_ms{0};

 private:
  const Clock& right_;
};

class ManualSteady final : public SteadyClock {
 public:
  explicit ManualSteady(const ManualClock& clock) : clock_(clock) {}
  Millis now() const override { return std::chrono::floor<Millis>(clock_.steady().time_since_epoch()); }

 private:
  const ManualClock& clock_;
};

/// A node with a clock of its own.
struct FollowingNode {
  FollowingNode(core::Store& store, const FakePlatforms& platforms, Random& random, const Clock& wall, const SteadyClock& steady)
      : clock(wall, steady), node(store, platforms, random, clock, core::FollowOptions{&clock, Seconds{300}, "1", {}, {}}), services(node.services) {}
  core::NodeClock clock;
  Node node;
  core::Services& services;
};

class ManyNodesTest : public CoreTest {
 protected:
  ManyNodesTest() : shared(store(), clock), steady(clock), wall(clock) {
    clock.pass(2s);  // the keys of the first start are known to everybody
  }

  std::unique_ptr<FollowingNode> make_node() { return std::make_unique<FollowingNode>(shared, platforms(), random, wall, steady); }
  /// One that has started.
  std::unique_ptr<FollowingNode> node() {
    auto made = make_node();
    EXPECT_TRUE(run_here(made->services.start()));
    return made;
  }
  static Result<> poll(FollowingNode& node) { return run_here(node.services.follower->poll()); }
  static core::LoginRequest ask(FollowingNode& node, const std::string& code) {
    core::LoginRequest request;
    request.app = node.services.apps.find("wx1");
    request.code = Secret(code);
    return request;
  }
  static Result<core::LoginAnswer> login_on(FollowingNode& node, const std::string& code) {
    core::Trace trace;
    return run_here(node.services.login.run(ask(node, code), &trace));
  }
  core::LoginAnswer log_in_on(FollowingNode& node, const std::string& openid) { return login_on(node, platform.fresh_code(openid)).value(); }
  static Result<> log_out_on(FollowingNode& node, const Id& session) {
    core::Trace trace;
    return run_here(node.services.sessions.end(session, std::nullopt, Reason::logged_out, &trace));
  }
  /// nullopt: 503.
  static std::optional<Reason> judge(FollowingNode& node, const std::string& token) {
    core::Checker checker(node.services.live);
    const auto verdict = checker.check(token);
    if (!verdict) return std::nullopt;
    return static_cast<Reason>(verdict->reason);
  }

  SharedStore shared;
  ManualSteady steady;
  WrongClock wall;
};

}  // namespace kaimen::test

// Logins, ticket keys and access_tokens where several nodes share a database.
#include "tests/core/component_fixture.h"
#include "tests/core/many_nodes.h"

namespace kaimen::test {
namespace {

// ---- one code on two nodes (L2) ----

class OneCodeTest : public ManyNodesTest {
 protected:
  OneCodeTest() : first(node()), second(node()) {}

  /// Brings c1 to the first node, and to the second while WeChat has not answered the first.
  void bring_to_both() {
    platform.gate.close();
    std::thread one([&] { at_first.emplace(login_on(*first, "c1")); });
    while (platform.gate.waiting() == 0) std::this_thread::yield();
    std::thread other([&] { at_second.emplace(login_on(*second, "c1")); });
    std::this_thread::sleep_for(120ms);
    EXPECT_FALSE(at_second) << "it waits";
    platform.gate.open();
    one.join();
    other.join();
  }

  std::unique_ptr<FollowingNode> first, second;
  std::optional<Result<core::LoginAnswer>> at_first, at_second;
};

TEST_F(OneCodeTest, TheSecondNodeWaitsAndGetsTheSameSession) {
  platform.code("c1", "o1");
  bring_to_both();
  EXPECT_EQ(at_second->value().session.id, at_first->value().session.id);
  EXPECT_EQ(platform.exchanges, 1);
  EXPECT_EQ(judge(*first, at_second->value().tokens.token), Reason::none);
}

TEST_F(OneCodeTest, TheSecondNodeIsToldWhatTheFirstWas) {
  platform.answer("c1", failure(ErrorCode::code_invalid, 40029));
  bring_to_both();
  EXPECT_EQ(code_of(*at_first), ErrorCode::code_invalid);
  EXPECT_EQ(code_of(*at_second), ErrorCode::code_invalid);
  EXPECT_EQ(platform.exchanges, 1);
}

// WeChat was busy and has not looked at the code: whoever waits may bring it.
TEST_F(OneCodeTest, WhereTheFirstGaveTheCodeBackTheSecondGoesOn) {
  platform.answer("c1", failure(ErrorCode::upstream_busy, -1, true));
  bring_to_both();
  EXPECT_EQ(code_of(*at_first), ErrorCode::upstream_busy);
  EXPECT_EQ(code_of(*at_second), ErrorCode::upstream_busy);
  EXPECT_EQ(platform.exchanges, 2);
}

TEST_F(OneCodeTest, AHundredOverTwoNodesAreOneCallAndOneSession) {
  platform.code("c1", "o1");
  std::vector<std::vector<Result<core::LoginAnswer>>> answers(4);
  std::vector<core::Trace> traces(100);
  at_once(4, [&](int t) {
    const std::function<Task<Result<core::LoginAnswer>>(int)> make = [&, t](int i) {
      FollowingNode& at = i % 2 == 0 ? *first : *second;
      return at.services.login.run(ask(at, "c1"), &traces[static_cast<size_t>(t * 25 + i)]);
    };
    answers[static_cast<size_t>(t)] = together<Result<core::LoginAnswer>>(25, make);
  });
  EXPECT_EQ(platform.exchanges, 1);
  EXPECT_EQ(one("SELECT count(*) FROM sessions"), "1");
  for (const auto& of_thread : answers) {
    for (const auto& answer : of_thread) EXPECT_EQ(answer.value().session.id, answers[0][0].value().session.id);
  }
}

// The node that claimed it died; WeChat may have seen the code, and its answer is lost.
TEST_F(OneCodeTest, ADeadClaimIsWaitedForAndNeverTakenOver) {
  platform.code("c1", "o1");
  core::ClaimCode claim;
  claim.app = app()->number;
  claim.code_hash = crypto::sha256("c1");
  claim.owner = Id::make(clock.now(), random).value();
  claim.now = clock.now();
  ASSERT_EQ(run_here(shared.claim_code(claim)).value().kind, core::CodeClaim::Kind::claimed);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(login_on(*second, "c1")), ErrorCode::code_used);
  const auto waited = std::chrono::steady_clock::now() - start;
  EXPECT_GE(waited, 4s);
  EXPECT_LT(waited, 6s);
  EXPECT_EQ(platform.exchanges, 0);
}

// ---- ticket keys ----

// Both find no key and make one that seals at once. A client that logged in at one is at the other a moment later.
TEST(FirstStartTest, NodesThatStartTogetherKnowEachOthersKeys) {
  Directory directory;
  ManualClock clock;
  BreakableRandom random;
  FakePlatform platform;
  const FakePlatforms platforms(platform);
  store::SqliteOptions options;
  options.path = (directory.path / "kaimen.db").string();
  const auto inner = store::open_sqlite(std::move(options), clock).value();
  SharedStore shared(*inner, clock);
  const ManualSteady steady(clock);
  FollowingNode first(shared, platforms, random, clock, steady), second(shared, platforms, random, clock, steady);

  LocalLoop loop;
  int started = 0;
  for (FollowingNode* node : {&first, &second}) {
    spawn<Result<>>(node->services.start(), [&](const Result<>& done) {
      EXPECT_TRUE(done);
      if (++started == 2) loop.stop();
    });
  }
  loop.run();
  ASSERT_EQ(run_here(shared.list_ticket_keys()).value().size(), 6U) << "two of each kind; else this test says nothing";
  const auto ids = [](FollowingNode& node) {
    std::set<uint32_t> known;
    for (const auto& key : node.services.live.keys.get()->keys()) known.insert(key.key.id);
    return known;
  };
  EXPECT_EQ(ids(first).size(), 2U);
  EXPECT_EQ(ids(first), ids(second));
  for (FollowingNode* node : {&first, &second}) {
    const auto renew_key = node->services.ticket_keys.renew_sealing_key().value();
    EXPECT_TRUE(first.services.ticket_keys.renew_key(renew_key.id));
    EXPECT_TRUE(second.services.ticket_keys.renew_key(renew_key.id));
  }
}

using KeysOfManyTest = ManyNodesTest;

TEST_F(KeysOfManyTest, TwoNodesThatMakeTheNextKeyAtTheSameMomentDoNotMatter) {
  const auto first = node(), second = node();
  clock.pass(23h);
  ASSERT_TRUE(poll(*first));
  ASSERT_TRUE(poll(*second));
  LocalLoop loop;
  int done = 0;
  for (const auto* at : {&first, &second}) {
    spawn<Result<>>((*at)->services.ticket_keys.maintain(), [&](const Result<>& maintained) {
      EXPECT_TRUE(maintained);
      if (++done == 2) loop.stop();
    });
  }
  loop.run();
  ASSERT_EQ(run_here(shared.list_ticket_keys()).value().size(), 5U) << "one of renewals, one of JWTs, one old, two new";
  for (const auto wait : {Millis(0), Millis(1h), Millis(1h)}) {
    clock.pass(wait);
    ASSERT_TRUE(poll(*first));
    ASSERT_TRUE(poll(*second));
    EXPECT_EQ(judge(*second, log_in_on(*first, "o1").tokens.token), Reason::none);
    EXPECT_EQ(judge(*first, log_in_on(*second, "o2").tokens.token), Reason::none);
  }
  ASSERT_TRUE(run_here(first->services.ticket_keys.maintain()));
  EXPECT_EQ(run_here(shared.list_ticket_keys()).value().size(), 5U);
}

// ---- access_tokens (U7) ----

class TokensOfManyTest : public ManyNodesTest {
 protected:
  TokensOfManyTest() : first(node()), second(node()) {}
  Result<core::AccessToken> get(FollowingNode& at, std::optional<Secret> rejected = {}) {
    return run_here(at.services.access_tokens.get(at.services.apps.find("wx1"), std::move(rejected)));
  }
  std::unique_ptr<FollowingNode> first, second;
};

TEST_F(TokensOfManyTest, WhoeverComesWhileAnotherNodeRefreshesWaitsForItsToken) {
  platform.gate.close();
  std::thread refreshing([&] { EXPECT_EQ(get(*first).value().token.reveal(), "token-1"); });
  while (platform.gate.waiting() == 0) std::this_thread::yield();
  std::optional<Result<core::AccessToken>> at_second;
  std::thread waiting([&] { at_second.emplace(get(*second)); });
  std::this_thread::sleep_for(120ms);
  platform.gate.open();
  refreshing.join();
  waiting.join();
  EXPECT_EQ(at_second->value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(TokensOfManyTest, ANodeThatDiedOverItHoldsOthersUpForSecondsOnly) {
  const Id dead = Id::make(clock.now(), random).value();
  ASSERT_TRUE(run_here(shared.lease_access_token("wx1", dead, clock.now(), clock.now() + 5s)).value());
  EXPECT_EQ(code_of(get(*second)), ErrorCode::unavailable);
  EXPECT_EQ(get(*second).error().retry_after, Seconds(1));
  clock.pass(5s);
  EXPECT_EQ(get(*second).value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(TokensOfManyTest, TheOldTokensLastMinutesServeWhileAnotherNodeRefreshes) {
  ASSERT_TRUE(get(*first));
  clock.pass(116min);
  const Id other = Id::make(clock.now(), random).value();
  ASSERT_TRUE(run_here(shared.lease_access_token("wx1", other, clock.now(), clock.now() + 5s)).value());
  EXPECT_EQ(get(*second).value().token.reveal(), "token-1") << "though this node has never had it";
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(TokensOfManyTest, ATokenRefusedOnBothNodesIsFetchedOnce) {
  ASSERT_TRUE(get(*first));
  ASSERT_TRUE(get(*second));
  clock.pass(30s);
  platform.set_token("token-2");
  at_once(2, [&](int i) { EXPECT_EQ(get(i == 0 ? *first : *second, Secret("token-1")).value().token.reveal(), "token-2"); });
  EXPECT_EQ(platform.fetches, 2);
}

// WeChat may give a token again that it refuses, or refuse every one that it gives: then each of three nodes asked it, again and again.
TEST_F(TokensOfManyTest, ATokenThatWeChatHasJustGivenIsFetchedAgainByNoNode) {
  ASSERT_TRUE(get(*first));
  clock.pass(30s);
  EXPECT_EQ(get(*first, Secret("token-1")).value().token.reveal(), "token-1") << "it is the one that WeChat gives";
  platform.set_token("token-2");
  EXPECT_EQ(get(*second, Secret("token-1")).value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 2);
  clock.pass(30s);
  EXPECT_EQ(get(*second, Secret("token-1")).value().token.reveal(), "token-2");
  platform.set_token("token-3");
  EXPECT_EQ(get(*first, Secret("token-1")).value().token.reveal(), "token-2");
  EXPECT_EQ(get(*first, Secret("token-2")).value().token.reveal(), "token-2");
  EXPECT_EQ(platform.fetches, 3);
}

TEST_F(TokensOfManyTest, AnOlderRefusedTokenGetsTheOneThatIsThere) {
  ASSERT_TRUE(get(*first));
  EXPECT_EQ(get(*second, Secret("token-0")).value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

// ---- the same of components and of the apps that have authorised one ----

class ComponentTokensOfManyTest : public WithComponent<ManyNodesTest> {
 protected:
  ComponentTokensOfManyTest() {
    authorized_app();
    clock.pass(2h);  // all tokens have ended
    for (int i = 0; i < 3; ++i) nodes.push_back(node());
  }
  Result<core::AccessToken> get(size_t at, const std::string& app_id = "wx9", std::optional<Secret> rejected = {}) {
    auto& services = nodes[at]->services;
    return run_here(services.access_tokens.get(services.apps.find(app_id), std::move(rejected)));
  }
  std::vector<std::unique_ptr<FollowingNode>> nodes;
};

TEST_F(ComponentTokensOfManyTest, ThreeNodesWithTwoHundredCallersEachAreOneRefreshOfEach) {
  std::atomic<int> good{0};
  at_once(3, [&](int n) {
    auto& services = nodes[static_cast<size_t>(n)]->services;
    const std::function<Task<Result<core::AccessToken>>(int)> make = [&](int) { return services.access_tokens.get(services.apps.find("wx9")); };
    for (const auto& answer : together<Result<core::AccessToken>>(200, make)) good += answer.has_value();
  });
  EXPECT_EQ(good, 600);
  EXPECT_EQ(component_platform.refreshes, 1);
  EXPECT_EQ(component_platform.component_fetches, 2) << "one for the link, long ago";
}

// Of each of the two: a WeChat that refuses every token was asked at every call of every node.
TEST_F(ComponentTokensOfManyTest, WhatWeChatRefusesIsFetchedOnceInThirtySecondsByAllNodes) {
  for (const char* app_id : {"wxc", "wx9"}) {
    const std::atomic<int>& fetches = app_id == std::string("wxc") ? component_platform.component_fetches : component_platform.refreshes;
    Secret refused = get(0, app_id).value().token;
    for (int round = 0; round < 3; ++round) {
      clock.pass(30s - Millis(epoch_ms(clock.now()) % 30'000));  // nodes count by the half minutes of the clock
      const int before = fetches;
      const Secret next = get(1, app_id, refused).value().token;
      EXPECT_FALSE(next == refused) << app_id;
      for (size_t n = 0; n < 3; ++n) EXPECT_EQ(get(n, app_id, refused).value().token, next) << app_id;
      for (size_t n = 0; n < 9; ++n) EXPECT_EQ(get(n % 3, app_id, next).value().token, next) << app_id;
      clock.pass(29s);
      for (size_t n = 0; n < 9; ++n) EXPECT_EQ(get(n % 3, app_id, next).value().token, next) << app_id;
      EXPECT_EQ(fetches, before + 1) << app_id;
      refused = next;
    }
  }
}

TEST_F(ComponentTokensOfManyTest, AHolderThatDiedHoldsOthersUpForSecondsOnly) {
  for (const char* app_id : {"wxc", "wx9"}) {
    const Id dead = Id::make(clock.now(), random).value();
    ASSERT_TRUE(run_here(shared.lease_access_token(app_id, dead, clock.now(), clock.now() + 5s)).value()) << app_id;
    EXPECT_EQ(code_of(get(1)), ErrorCode::unavailable) << app_id;
    clock.pass(5s);
    EXPECT_TRUE(get(1, app_id)) << app_id;
  }
  EXPECT_EQ(component_platform.refreshes, 1);
}

// It comes back from the dead with what WeChat told it before: that must not take the place of what others have got since.
TEST_F(ComponentTokensOfManyTest, WhatALateNodeBringsIsNotKept) {
  component_platform.renews = true;
  ASSERT_TRUE(get(0, "wxc"));
  component_platform.refresh_gate.close();
  std::thread late([&] { EXPECT_TRUE(get(0)); });
  while (component_platform.refresh_gate.waiting() == 0) std::this_thread::yield();
  component_platform.refresh_gate.let_new_ones_pass();
  clock.pass(5s);
  const auto kept = get(1).value();
  component_platform.refresh_gate.open();
  late.join();
  EXPECT_EQ(get(2).value().token, kept.token);
  clock.pass(2h);
  EXPECT_TRUE(get(2)) << "the refresh token of the newer one is the one that is kept";
}

// Its fetch was for a refusal, and what it got came too late to be kept: the half minute is free again for whoever has not asked yet.
TEST_F(ComponentTokensOfManyTest, ALateNodeGivesItsHalfMinuteBack) {
  component_platform.renews = true;
  clock.pass(30s - Millis(epoch_ms(clock.now()) % 30'000));
  const Secret refused = get(0).value().token;
  component_platform.refresh_gate.close();
  std::thread late([&] { EXPECT_TRUE(get(0, "wx9", refused)); });
  while (component_platform.refresh_gate.waiting() == 0) std::this_thread::yield();
  component_platform.refresh_gate.let_new_ones_pass();
  clock.pass(5s);
  EXPECT_EQ(get(1, "wx9", refused).value().token, refused) << "it is marked, and there is no other yet";
  component_platform.refresh_gate.open();
  late.join();
  EXPECT_FALSE(get(2, "wx9", refused).value().token == refused);
}

/// Comes again where the answer says so, as a caller does on a machine that is busy with a hundred thousand others.
Task<Result<core::AccessToken>> insist(core::Services& services, AppPtr app) {
  for (int tries = 0;; ++tries) {
    auto got = co_await services.access_tokens.get(app);
    const bool again = !got && got.error().code == ErrorCode::unavailable && got.error().retry_after && tries < 20;
    if (!again) co_return got;
    co_await sleep_for(Millis(200));
  }
}

// 1,000 apps whose tokens end at the same moment, 100 callers each, over three nodes.
TEST_F(TokensOfManyTest, AThousandAppsAtTheirTokensEndAreAThousandFetches) {
  const int apps = 1000, callers = 100;
  for (int i = 0; i < apps; ++i) {
    core::AppRow row;
    row.app_id = "many" + std::to_string(i);
    row.number = static_cast<uint32_t>(1'000'000 + i);
    row.project = "default";
    row.platform = "wechat";
    row.upstream = "wechat";
    row.secret_sealed = first->node.vault.seal("app_secret", row.app_id, Secret("secret")).value();
    row.created_at = clock.now();
    ASSERT_TRUE(run_here(store().add_app(std::move(row))));
  }
  const auto third = node();
  for (auto* at : {first.get(), second.get()}) ASSERT_TRUE(run_here(at->services.apps.load()));
  const std::vector<FollowingNode*> nodes{first.get(), second.get(), third.get()};
  const auto everybody = [&] {
    std::atomic<int> good{0};
    at_once(3, [&](int n) {
      auto& services = nodes[static_cast<size_t>(n)]->services;
      const std::function<Task<Result<core::AccessToken>>(int)> make = [&](int i) {
        return insist(services, services.apps.find("many" + std::to_string(i % apps)));
      };
      const int mine = apps * callers / 3 + (n == 0 ? 1 : 0);
      for (const auto& answer : together<Result<core::AccessToken>>(mine, make)) good += answer.has_value();
    });
    return good.load();
  };
  EXPECT_EQ(everybody(), apps * callers);
  EXPECT_EQ(platform.fetches, apps);
  clock.pass(2h);
  EXPECT_EQ(everybody(), apps * callers);
  EXPECT_EQ(platform.fetches, 2 * apps);
}

}  // namespace
}  // namespace kaimen::test

// Custody of access_tokens: how often the platform is asked for one, and by whom.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

using core::AccessToken;

class AccessTokensTest : public CoreTest {
 protected:
  Result<AccessToken> get(std::optional<Secret> rejected = {}) { return run_here(services().access_tokens.get(app(), std::move(rejected))); }
  Result<AccessToken> reject(const std::string& token) { return get(Secret(token)); }
  Task<core::CallResult<int>> refuse(Secret) {
    platform.set_token("token-" + std::to_string(++refused_calls + 1));
    core::CallFailure refused = failure(ErrorCode::upstream_error, 40001);
    refused.token_rejected = true;
    co_return refused;
  }
  /// A call whose token WeChat refuses; from then on it gives another.
  Result<int> call_in_vain() {
    core::Trace trace;
    const std::function<Task<core::CallResult<int>>(Secret)> call = [this](Secret token) { return refuse(std::move(token)); };
    return run_here(services().access_tokens.call<int>(app(), call, &trace));
  }
  /// 50 callers on each of 4 threads.
  std::vector<std::string> get_200(std::optional<Secret> rejected = {}) {
    std::vector<std::vector<Result<AccessToken>>> answers(4);
    at_once(4, [&](int t) {
      const std::function<Task<Result<AccessToken>>(int)> make = [&](int) { return services().access_tokens.get(app(), rejected); };
      answers[static_cast<size_t>(t)] = together<Result<AccessToken>>(50, make);
    });
    std::vector<std::string> tokens;
    for (const auto& some : answers) {
      for (const auto& answer : some) tokens.push_back(answer ? answer.value().token.reveal() : std::string(name_of(answer.error().code)));
    }
    return tokens;
  }
  int refused_calls = 0;
};

TEST_F(AccessTokensTest, TwoHundredCallersAreOneFetch) {
  const auto tokens = get_200();
  EXPECT_EQ(platform.fetches, 1);
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), "token-1"), 200);
}

TEST_F(AccessTokensTest, ATokenIsKeptUntilFiveMinutesBeforeItsEnd) {
  ASSERT_TRUE(get());
  platform.set_token("token-2");
  clock.pass(115min - 1ms);
  EXPECT_EQ(get().value().token.reveal(), "token-1");
  clock.pass(1ms);
  EXPECT_EQ(get().value().token.reveal(), "token-2");
  EXPECT_EQ(platform.fetches, 2);
}

TEST_F(AccessTokensTest, WhereNoNewOneCanBeHadTheOldOneServesToItsEnd) {
  ASSERT_TRUE(get());
  platform.token_failure = failure(ErrorCode::upstream_busy, -1, true);
  clock.pass(2h - 1ms);
  EXPECT_EQ(get().value().token.reveal(), "token-1");
  clock.pass(1ms);
  EXPECT_EQ(code_of(get()), ErrorCode::upstream_busy);
}

TEST_F(AccessTokensTest, ATokenThatComesWithLittleTimeLeftIsKeptForMostOfIt) {
  platform.token_life = Seconds{100};
  ASSERT_TRUE(get());
  clock.pass(89s);
  ASSERT_TRUE(get());
  EXPECT_EQ(platform.fetches, 1);
  clock.pass(2s);
  ASSERT_TRUE(get());
  EXPECT_EQ(platform.fetches, 2);
}

// While WeChat was away, each caller of the last five minutes waited three seconds for it.
TEST_F(AccessTokensTest, ARefreshBeforeItsTimeThatFailedIsNotTriedByEveryCaller) {
  ASSERT_TRUE(get());
  platform.token_failure = failure(ErrorCode::upstream_error);
  clock.pass(116min);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get().value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 2);
  clock.pass(5s);
  EXPECT_TRUE(get());
  EXPECT_EQ(platform.fetches, 3);
}

TEST_F(AccessTokensTest, InItsLastMinutesATokenInUseIsRefreshedByItself) {
  ASSERT_TRUE(get());
  ASSERT_TRUE(get());
  platform.set_token("token-2");
  ASSERT_TRUE(minute());
  EXPECT_EQ(platform.fetches, 1) << "it is not its time";
  clock.pass(116min);
  ASSERT_TRUE(minute());
  EXPECT_EQ(platform.fetches, 2);
  EXPECT_EQ(get().value().token.reveal(), "token-2");
  EXPECT_EQ(platform.fetches, 2);
}

TEST_F(AccessTokensTest, ATokenThatNobodyUsesIsNotRefreshed) {
  ASSERT_TRUE(get());
  clock.pass(116min);
  ASSERT_TRUE(minute());  // the first get fetched it; nobody has taken it since
  EXPECT_EQ(platform.fetches, 1);
}

// Every caller asked WeChat anew while it refused, and used up the app's calls of the day.
TEST_F(AccessTokensTest, WhatWeChatRefusedIsNotAskedByEveryCaller) {
  platform.token_failure = failure(ErrorCode::app_misconfigured, 40164);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get().error().upstream->errcode, 40164);
  EXPECT_EQ(platform.fetches, 1);
  clock.pass(1s);
  EXPECT_FALSE(get());
  EXPECT_EQ(platform.fetches, 2);
  platform.token_failure->error.retry_after = Seconds{60};
  clock.pass(1s);
  EXPECT_FALSE(get());
  clock.pass(59s);
  platform.token_failure.reset();
  const auto standing = get();
  EXPECT_EQ(code_of(standing), ErrorCode::app_misconfigured) << "WeChat has said when to come again";
  EXPECT_EQ(standing.error().retry_after, Seconds{1});
  ASSERT_TRUE(run_here(services().apps.set_secret("wx1", Secret("another"), 0s)));
  EXPECT_TRUE(get()) << "with another secret it is another question";
}

TEST_F(AccessTokensTest, WhereWeChatSaidNothingOfUseNotEveryCallerAsks) {
  platform.token_failure = failure(ErrorCode::upstream_error);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code_of(get()), ErrorCode::upstream_error);
  EXPECT_EQ(platform.fetches, 1);
  platform.token_failure.reset();
  clock.pass(1s);
  EXPECT_TRUE(get());
}

TEST_F(AccessTokensTest, AFailureIsAnsweredAndTheNextOneAsksAgain) {
  platform.token_failure = failure(ErrorCode::app_misconfigured, 40125);
  const auto failed = get();
  EXPECT_EQ(code_of(failed), ErrorCode::app_misconfigured);
  EXPECT_EQ(failed.error().upstream->errcode, 40125);
  platform.token_failure.reset();
  clock.pass(1s);
  EXPECT_TRUE(get()) << "the lease was given back";
}

TEST_F(AccessTokensTest, TwoHundredWhoReportOneTokenAreOneFetch) {
  ASSERT_TRUE(get());
  clock.pass(30s);
  platform.set_token("token-2");
  const auto tokens = get_200(Secret("token-1"));
  EXPECT_EQ(platform.fetches, 2);
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), "token-2"), 200);
}

TEST_F(AccessTokensTest, AReportOfAnOlderTokenFetchesNothing) {
  ASSERT_TRUE(get());
  EXPECT_EQ(reject("token-0").value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

// A WeChat that refuses whatever it has given was asked by every call, and the calls a day have a limit.
TEST_F(AccessTokensTest, ForRefusalsAnotherTokenIsFetchedOnceInThirtySecondsHoweverNewItIs) {
  ASSERT_TRUE(get());
  platform.set_token("token-2");
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-2");
  platform.set_token("token-3");
  clock.pass(30s - 1ms);
  EXPECT_EQ(reject("token-2").value().token.reveal(), "token-2");
  EXPECT_EQ(platform.fetches, 2);
  clock.pass(1ms);
  EXPECT_EQ(reject("token-2").value().token.reveal(), "token-3");
  EXPECT_EQ(platform.fetches, 3);
}

TEST_F(AccessTokensTest, NorByAnotherProcessInThatHalfMinute) {
  clock.pass(30s - Millis(epoch_ms(clock.now()) % 30'000));
  ASSERT_TRUE(get());
  platform.set_token("token-2");
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-2");
  platform.set_token("token-3");
  restart();
  clock.pass(30s - 1ms);
  EXPECT_EQ(reject("token-2").value().token.reveal(), "token-2");
  EXPECT_EQ(platform.fetches, 2);
  EXPECT_EQ(services().access_tokens.no_other_for(*services().apps.find("wx1")), 1s);
  clock.pass(1ms);
  EXPECT_EQ(reject("token-2").value().token.reveal(), "token-3");
}

TEST_F(AccessTokensTest, AFetchThatFailedTakesNobodysHalfMinute) {
  ASSERT_TRUE(get());
  platform.token_failure = failure(ErrorCode::upstream_error);
  EXPECT_EQ(code_of(reject("token-1")), ErrorCode::upstream_error);
  platform.token_failure.reset();
  platform.set_token("token-2");
  clock.pass(1s);
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-2");
}

TEST_F(AccessTokensTest, AfterTheSameTokenAgainNobodyAsksForThirtySeconds) {
  ASSERT_TRUE(get());
  clock.pass(30s);
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 2);
  platform.set_token("token-2");
  clock.pass(30s - 1ms);
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 2);
  clock.pass(1ms);
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-2");
}

TEST_F(AccessTokensTest, ATokenOfAFutureThatAWrongClockWroteIsReplacedWhereItIsRefused) {
  clock.jump(24h);
  ASSERT_TRUE(get());
  clock.jump(-24h);
  platform.set_token("token-2");
  EXPECT_EQ(reject("token-1").value().token.reveal(), "token-2");
}

TEST_F(AccessTokensTest, WhereEveryTokenIsRefusedTheRefusalIsPassedOnAndNobodyFetches) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(call_in_vain().error().upstream->errcode, 40001);
    clock.pass(3s);
  }
  EXPECT_EQ(refused_calls, 11) << "the first with two tokens";
  EXPECT_EQ(platform.fetches, 2);
  EXPECT_FALSE(call_in_vain());
  EXPECT_EQ(platform.fetches, 3) << "thirty seconds are over";
  EXPECT_EQ(refused_calls, 13);
}

TEST_F(AccessTokensTest, WhoReportsATokenDoesNotGetItFromAnothersRun) {
  ASSERT_TRUE(get());
  clock.pass(1h);
  restart();
  platform.set_token("token-2");
  const std::function<Task<Result<AccessToken>>(int)> make = [&](int i) {
    return services().access_tokens.get(app(), i == 0 ? std::nullopt : std::optional(Secret("token-1")));
  };
  const auto answers = together<Result<AccessToken>>(2, make);
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.value().token.reveal() == "token-2"; }), 1);
  EXPECT_EQ(platform.fetches, 2);
}

TEST_F(AccessTokensTest, AnotherNodesTokenIsTakenFromTheStore) {
  Node second(store(), platforms(), random, clock);
  ASSERT_TRUE(run_here(second.services.start()));
  ASSERT_TRUE(run_here(second.services.access_tokens.get(app())));
  EXPECT_EQ(get().value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(AccessTokensTest, AfterARestartTheTokenIsStillThere) {
  ASSERT_TRUE(get());
  restart();
  EXPECT_EQ(get().value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(AccessTokensTest, WhileAnotherNodeRefreshesThereIsNone) {
  const Id other = Id::make(clock.now(), random).value();
  ASSERT_TRUE(run_here(store().lease_access_token("wx1", other, clock.now(), clock.now() + 5s)).value());
  const auto busy = get();
  EXPECT_EQ(code_of(busy), ErrorCode::unavailable);
  EXPECT_EQ(busy.error().retry_after, Seconds(1));
  EXPECT_EQ(platform.fetches, 0);
  clock.pass(5s);
  EXPECT_TRUE(get()) << "a dead node's lease runs out";
}

// The answer of a call that took longer than its lease must not replace that of the next one.
TEST_F(AccessTokensTest, ALateAnswerDoesNotOverwrite) {
  platform.gate.close();
  std::thread late([&] { EXPECT_EQ(get().value().token.reveal(), "late"); });
  while (platform.gate.waiting() == 0) std::this_thread::yield();
  clock.pass(6s);
  Node second(store(), platforms(), random, clock);
  ASSERT_TRUE(run_here(second.services.start()));
  const Id other = Id::make(clock.now(), random).value();
  const auto lease = run_here(store().lease_access_token("wx1", other, clock.now(), clock.now() + 5s)).value();
  ASSERT_TRUE(lease);
  const auto newer = second.vault.seal("access_token", "wx1", Secret("newer")).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *lease, newer, clock.now() + 2h, clock.now())).value());
  platform.set_token("late");
  platform.gate.open();
  late.join();
  EXPECT_EQ(get().value().token.reveal(), "newer");
}

TEST_F(AccessTokensTest, TokensAreSealedInTheStore) {
  ASSERT_TRUE(get());
  EXPECT_EQ(one("SELECT count(*) FROM access_tokens WHERE instr(token_sealed, 'token-1') > 0"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM access_tokens WHERE length(token_sealed) > 30"), "1");
}

TEST_F(AccessTokensTest, EachAppHasItsOwn) {
  const auto other = add_app("wx2");
  ASSERT_TRUE(get());
  platform.set_token("token-2");
  EXPECT_EQ(run_here(services().access_tokens.get(other)).value().token.reveal(), "token-2");
  EXPECT_EQ(get().value().token.reveal(), "token-1");
}

// A customer's app was removed, another customer added its app_id with any secret, and asked for the access_token.
TEST_F(AccessTokensTest, WhoAddsARemovedAppAgainDoesNotGetItsToken) {
  ASSERT_TRUE(get());
  ASSERT_TRUE(run_here(services().apps.remove("wx1")));
  platform.token_failure = failure(ErrorCode::app_misconfigured, 40125);
  const auto again = add_app("wx1", "another");
  EXPECT_EQ(code_of(run_here(services().access_tokens.get(again))), ErrorCode::app_misconfigured);
}

TEST_F(AccessTokensTest, AFetchForARemovedAppIsNotKeptForTheNextOne) {
  const AppPtr removed = app();
  platform.gate.close();
  std::thread fetching([&] { EXPECT_EQ(run_here(services().access_tokens.get(removed)).value().token.reveal(), "token-1"); });
  while (platform.gate.waiting() == 0) std::this_thread::yield();
  ASSERT_TRUE(run_here(services().apps.remove("wx1")));
  const auto again = add_app("wx1", "another");
  platform.gate.open();
  fetching.join();
  platform.set_token("token-2");
  EXPECT_EQ(run_here(services().access_tokens.get(again)).value().token.reveal(), "token-2");
}

TEST_F(AccessTokensTest, ANodeThatHasNotHeardOfTheRemovalGetsNoTokenOfTheNextApp) {
  const AppPtr removed = app();
  Node second(store(), platforms(), random, clock);
  ASSERT_TRUE(run_here(second.services.start()));
  ASSERT_TRUE(run_here(second.services.apps.remove("wx1")));
  EXPECT_EQ(code_of(run_here(services().access_tokens.get(removed))), ErrorCode::not_found);
  core::NewApp next;
  next.app_id = "wx1";
  next.secret = Secret("another");
  const auto added = run_here(second.services.apps.add(std::move(next))).value();
  ASSERT_TRUE(run_here(second.services.access_tokens.get(added)));
  EXPECT_EQ(code_of(run_here(services().access_tokens.get(removed))), ErrorCode::not_found);
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(AccessTokensTest, AnotherUpstreamHasTokensOfItsOwn) {
  ASSERT_TRUE(get());
  core::AppChange change;
  change.upstream = "sandbox";
  ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  platform.set_token("token-of-sandbox");
  EXPECT_EQ(get().value().token.reveal(), "token-of-sandbox");
  ASSERT_TRUE(minute());  // what was kept of before goes
  core::AppChange back;
  back.upstream = "wechat";
  ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(back))));
  platform.set_token("token-2");
  EXPECT_EQ(get().value().token.reveal(), "token-2");
}

TEST_F(AccessTokensTest, AnotherNameOrSecretChangesNoToken) {
  ASSERT_TRUE(get());
  core::AppChange change;
  change.name = "another";
  ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  ASSERT_TRUE(run_here(services().apps.set_secret("wx1", Secret("next-secret"), Seconds{0})));
  restart();
  EXPECT_EQ(get().value().token.reveal(), "token-1");
  EXPECT_EQ(platform.fetches, 1);
}

TEST_F(AccessTokensTest, AskingKeepsNothing) {
  EXPECT_TRUE(run_here(services().access_tokens.ask(app())));
  EXPECT_EQ(one("SELECT count(*) FROM access_tokens"), "0");
}

}  // namespace
}  // namespace kaimen::test

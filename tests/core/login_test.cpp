// Login: who logs in, and what a code brings that is brought twice.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class LoginTest : public CoreTest {
 protected:
  void expect_used(const std::string& code) {
    const int asked = platform.exchanges;
    EXPECT_EQ(code_of(login(code)), ErrorCode::code_used);
    EXPECT_EQ(platform.exchanges, asked) << "the platform is not asked about a code twice";
  }
  /// c1 was brought to the platform, which failed so; then the platform would take it.
  Result<core::LoginAnswer> after_failure(const core::CallFailure& failed) {
    platform.answer("c1", failed);
    EXPECT_EQ(code_of(login("c1")), failed.error.code);
    platform.code("c1", "o1");
    return login("c1");
  }
};

TEST_F(LoginTest, SomebodyNewBecomesAUser) {
  set("default_nickname", "guest");
  const auto answer = log_in("o1");
  EXPECT_TRUE(answer.is_new_user);
  EXPECT_EQ(answer.user.nickname, "guest");
  EXPECT_EQ(answer.session.openid, "o1");
  EXPECT_EQ(answer.tokens.expires_in, 7200s);
  EXPECT_TRUE(answer.warnings.empty());
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
}

TEST_F(LoginTest, SomebodyKnownIsTheSameUserInANewSession) {
  const auto first = log_in("o1"), second = log_in("o1");
  EXPECT_EQ(second.user.id, first.user.id);
  EXPECT_FALSE(second.is_new_user);
  EXPECT_NE(second.session.id, first.session.id);
  EXPECT_EQ(check(first.tokens.token), Reason::none) << "one user may hold several sessions";
}

TEST_F(LoginTest, TheSameUnionidInTwoAppsOfAProjectIsOneUser) {
  add_app("wx2");
  const auto first = login(platform.fresh_code("o1", "u1")).value();
  const auto second = login(request(platform.fresh_code("o2", "u1"), "wx2")).value();
  EXPECT_EQ(second.user.id, first.user.id);
  EXPECT_FALSE(second.is_new_user);
}

TEST_F(LoginTest, TheSameUnionidInTwoProjectsIsTwoUsers) {
  add_app("wx2", "other");
  const auto first = login(platform.fresh_code("o1", "u1")).value();
  const auto second = login(request(platform.fresh_code("o2", "u1"), "wx2")).value();
  EXPECT_NE(second.user.id, first.user.id);
  EXPECT_TRUE(second.is_new_user);
}

TEST_F(LoginTest, TheSameOpenidInTwoAppsIsTwoUsers) {
  add_app("wx2");
  EXPECT_NE(log_in("o1").user.id, log_in("o1", "wx2").user.id);
}

TEST_F(LoginTest, ACodeOfOneAppIsNothingToAnother) {
  add_app("wx2");
  platform.code("c1", "o1");
  const auto first = login("c1").value();
  const auto second = login(request("c1", "wx2"));
  EXPECT_EQ(platform.exchanges, 2) << "the other app's platform call decides";
  EXPECT_NE(second.value().session.id, first.session.id);
}

// ---- one code at the same time ----

TEST_F(LoginTest, AHundredRunsOfOneCodeAreOneCallAndOneSession) {
  platform.code("c1", "o1");
  platform.gate.close();
  std::vector<core::Trace> traces(100);
  std::vector<std::vector<Result<core::LoginAnswer>>> answers(4);
  std::atomic<int> started{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::function<Task<Result<core::LoginAnswer>>(int)> make = [&, t](int i) {
        ++started;
        return services().login.run(request("c1"), &traces[t * 25 + static_cast<size_t>(i)]);
      };
      answers[t] = together<Result<core::LoginAnswer>>(25, make);
    });
  }
  while (started < 100 || platform.gate.waiting() == 0) std::this_thread::yield();
  std::this_thread::sleep_for(50ms);
  platform.gate.open();
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(platform.exchanges, 1);
  EXPECT_EQ(one("SELECT count(*) FROM sessions"), "1");
  const Id session = answers[0][0].value().session.id;
  for (const auto& of_thread : answers) {
    for (const auto& answer : of_thread) EXPECT_EQ(answer.value().session.id, session);
  }
  // Each of them has a log line of its own, which says who it was.
  for (const auto& trace : traces) EXPECT_EQ(trace.session_id, session.hex());
}

Task<std::string> outcome(core::Services& services, core::LoginRequest request, core::Trace* trace) {
  try {
    auto answer = co_await services.login.run(std::move(request), trace);
    co_return answer ? std::string("ok") : std::string(name_of(answer.error().code));
  } catch (const std::exception&) {
    co_return "threw";
  }
}

TEST_F(LoginTest, WhenTheLeaderBreaksTheOthersGetInternal) {
  platform.code("c1", "o1");
  platform.throws = true;
  platform.gate.close();
  std::vector<core::Trace> traces(10);
  const std::function<Task<std::string>(int)> make = [&](int i) {
    if (i == 9) platform.gate.open();
    return outcome(services(), request("c1"), &traces[static_cast<size_t>(i)]);
  };
  const auto outcomes = together<std::string>(10, make);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "threw"), 1);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "internal"), 9);
  platform.throws = false;
  expect_used("c1");
}

// ---- the same code later ----

TEST_F(LoginTest, TheSameCodeWithinAMinuteGetsTheSameSession) {
  platform.code("c1", "o1");
  const auto first = login("c1").value();
  clock.pass(60s);
  const auto again = login("c1").value();
  EXPECT_EQ(again.session.id, first.session.id);
  EXPECT_TRUE(again.is_new_user);
  EXPECT_EQ(check(again.tokens.token), Reason::none);
  EXPECT_EQ(platform.exchanges, 1);
}

TEST_F(LoginTest, TheSameCodeAfterAMinuteIsUsed) {
  platform.code("c1", "o1");
  ASSERT_TRUE(login("c1"));
  clock.pass(60s + 1ms);
  expect_used("c1");
}

TEST_F(LoginTest, TheSameAttemptGetsTheSameSessionForTenMinutes) {
  platform.code("c1", "o1");
  auto first = request("c1");
  first.attempt = "a1";
  const auto made = login(first).value();
  clock.pass(10min);
  EXPECT_EQ(login(first).value().session.id, made.session.id);
  clock.pass(1ms);
  EXPECT_EQ(code_of(login(first)), ErrorCode::code_used);
}

TEST_F(LoginTest, AnotherAttemptAfterAMinuteIsUsed) {
  platform.code("c1", "o1");
  auto first = request("c1"), second = request("c1");
  first.attempt = "a1";
  second.attempt = "a2";
  ASSERT_TRUE(login(first));
  clock.pass(60s + 1ms);
  EXPECT_EQ(code_of(login(second)), ErrorCode::code_used);
}

TEST_F(LoginTest, TwoWithoutAttemptAreNotTheSameAttempt) {
  platform.code("c1", "o1");
  ASSERT_TRUE(login("c1"));
  clock.pass(5min);
  expect_used("c1");
}

TEST_F(LoginTest, ACodeIsUsedOnceItsSessionWasRenewed) {
  platform.code("c1", "o1");
  ASSERT_TRUE(renew(login("c1").value().tokens.renew_token));
  expect_used("c1");
}

TEST_F(LoginTest, ACodeIsUsedOnceItsSessionWasLoggedOut) {
  platform.code("c1", "o1");
  ASSERT_TRUE(log_out(login("c1").value()));
  expect_used("c1");
}

TEST_F(LoginTest, ACodeIsUsedOnceItsUserWasDisabled) {
  platform.code("c1", "o1");
  ASSERT_TRUE(disable(login("c1").value().user.id));
  expect_used("c1");
}

TEST_F(LoginTest, ACodeIsUsedOnceItsSessionRanOut) {
  set("idle_seconds", "300");
  platform.code("c1", "o1");
  auto same = request("c1");
  same.attempt = "a1";
  ASSERT_TRUE(login(same));
  clock.pass(300s);
  EXPECT_EQ(code_of(login(same)), ErrorCode::code_used);
}

// The sessions of an app are ended by time: a ticket sealed afterwards for one of them would have come back to life.
TEST_F(LoginTest, ACodeIsUsedOnceTheSessionsOfItsAppWereEnded) {
  platform.code("c1", "o1");
  ASSERT_TRUE(login("c1"));
  clock.pass(1s);
  core::AppChange change;
  change.revoke_sessions = true;
  ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  clock.pass(20s);
  expect_used("c1");
}

TEST_F(LoginTest, TheSameCodeGetsTheSameSessionAfterARestart) {
  platform.code("c1", "o1");
  const auto first = login("c1").value();
  restart();
  EXPECT_EQ(login("c1").value().session.id, first.session.id);
  EXPECT_EQ(platform.exchanges, 1);
}

// ---- failed exchanges ----

TEST_F(LoginTest, ACodeThatWasNotSpentMayBeBroughtAgain) {
  EXPECT_TRUE(after_failure(failure(ErrorCode::upstream_busy, -1, true)));
}

TEST_F(LoginTest, ACodeRefusedForItsRateMayBeBroughtAgain) { EXPECT_TRUE(after_failure(failure(ErrorCode::rate_limited, 45011))); }

TEST_F(LoginTest, ACodeRefusedForTheAppsSecretMayBeBroughtAgain) { EXPECT_TRUE(after_failure(failure(ErrorCode::app_misconfigured, 40125))); }

TEST_F(LoginTest, ACodeLostOnTheWayIsUsed) {
  EXPECT_EQ(code_of(after_failure(failure(ErrorCode::upstream_error))), ErrorCode::code_used);
  EXPECT_EQ(platform.exchanges, 1);
}

TEST_F(LoginTest, AnInvalidCodeStaysInvalid) {
  EXPECT_EQ(code_of(after_failure(failure(ErrorCode::code_invalid, 40029))), ErrorCode::code_invalid);
  EXPECT_EQ(platform.exchanges, 1);
}

TEST_F(LoginTest, ABlockedCodeStaysBlocked) {
  EXPECT_EQ(code_of(after_failure(failure(ErrorCode::risk_blocked, 40226))), ErrorCode::risk_blocked);
  EXPECT_EQ(platform.exchanges, 1);
}

TEST_F(LoginTest, AFailureTellsWhatWeChatSaid) {
  platform.answer("c1", failure(ErrorCode::code_invalid, 40029));
  core::Trace trace;
  const auto answer = run_here(services().login.run(request("c1"), &trace));
  ASSERT_TRUE(answer.error().upstream);
  EXPECT_EQ(answer.error().upstream->errcode, 40029);
  EXPECT_EQ(trace.upstream_errcode, 40029);
  EXPECT_EQ(trace.upstream_rid, "rid-40029");
}

// The node that had claimed the code may have died with the exchange under way.
TEST_F(LoginTest, ADeadClaimIsNotTakenOver) {
  platform.code("c1", "o1");
  core::ClaimCode claim;
  claim.app = app()->number;
  claim.code_hash = crypto::sha256("c1");
  claim.owner = Id::make(clock.now(), random).value();
  claim.now = clock.now();
  ASSERT_TRUE(run_here(store().claim_code(claim)));
  expect_used("c1");
}

// ---- refusals ----

TEST_F(LoginTest, ADisabledUserIsToldForHowLongAndWhy) {
  const Time until = clock.now() + 24h;
  ASSERT_TRUE(disable(log_in("o1").user.id, until, "see the desk"));
  platform.code("c1", "o1");
  const auto refused = login("c1");
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(reason_of(refused), Reason::disabled);
  EXPECT_EQ(refused.error().until, until);
  EXPECT_EQ(refused.error().message, "see the desk");
  expect_used("c1");
}

TEST_F(LoginTest, ADisablementEndsByItself) {
  ASSERT_TRUE(disable(log_in("o1").user.id, clock.now() + 24h));
  clock.pass(24h);
  EXPECT_EQ(check(log_in("o1").tokens.token), Reason::none);
}

TEST_F(LoginTest, AnEnabledUserLogsInAgain) {
  const auto first = log_in("o1");
  ASSERT_TRUE(disable(first.user.id));
  core::Trace trace;
  ASSERT_TRUE(run_here(services().sessions.enable_user(first.user.id, &trace)));
  EXPECT_EQ(log_in("o1").user.id, first.user.id);
  EXPECT_EQ(check(first.tokens.token), Reason::disabled) << "what was ended stays ended";
}

TEST_F(LoginTest, ADisabledAppAsksNobody) {
  core::AppChange change;
  change.disabled = true;
  ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  platform.code("c1", "o1");
  const auto refused = login("c1");
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(reason_of(refused), Reason::disabled);
  EXPECT_EQ(platform.exchanges, 0);
}

TEST_F(LoginTest, CodesOfAnotherFormAskNobody) {
  for (const std::string& code : {std::string(), std::string(513, 'a'), std::string("a\nb"), std::string("caf\xc3\xa9"), std::string("a\0b", 3)}) {
    EXPECT_EQ(code_of(login(code)), ErrorCode::invalid_request) << code;
  }
  EXPECT_EQ(platform.exchanges, 0);
}

TEST_F(LoginTest, TheLongestCodeIsTaken) {
  platform.code(std::string(512, '&'), "o1");
  EXPECT_TRUE(login(std::string(512, '&')));
}

TEST_F(LoginTest, AnAttemptsNameHasALimit) {
  auto longest = request(platform.fresh_code("o1"));
  longest.attempt = std::string(64, 'a');
  EXPECT_TRUE(login(longest));
  auto longer = request(platform.fresh_code("o1"));
  longer.attempt = std::string(65, 'a');
  EXPECT_EQ(code_of(login(longer)), ErrorCode::invalid_request);
}

}  // namespace
}  // namespace kaimen::test

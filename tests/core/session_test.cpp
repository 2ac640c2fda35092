// The life of a session: renewed, ended, ended with its user or its app; what a check says from that moment on.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class SessionTest : public CoreTest {
 protected:
  /// A renew token of that generation, as a store that lags behind would meet it.
  std::string renew_token_of(const core::LoginAnswer& answer, uint32_t generation) {
    core::Session session = answer.session;
    session.renew_generation = generation;
    return services().tickets.issue(*answer.app, session, answer.user, clock.now()).value().renew_token;
  }
  void change_app(core::AppChange change) { ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change)))); }
  void revoke_app_sessions() {
    core::AppChange change;
    change.revoke_sessions = true;
    change_app(std::move(change));
  }
  std::vector<core::Session> live_sessions(const Id& user) { return run_here(services().sessions.list(user)).value(); }
};

// ---- renewal ----

TEST_F(SessionTest, TheCurrentTokenGetsTheNextGeneration) {
  const auto first = log_in("o1");
  clock.pass(1h);
  const auto second = renew(first.tokens.renew_token).value();
  EXPECT_EQ(second.session.id, first.session.id);
  EXPECT_EQ(second.session.generation, 1U);
  EXPECT_EQ(second.session.idle_expires_at, clock.now() + 30 * 24h);
  EXPECT_EQ(check(second.tokens.token), Reason::none);
  EXPECT_EQ(check(first.tokens.token), Reason::none) << "requests under way with the older ticket go on";
}

TEST_F(SessionTest, ThePreviousTokenWithinAMinuteGetsTheSameGeneration) {
  const auto first = log_in("o1");
  const auto second = renew(first.tokens.renew_token).value();
  clock.pass(60s);
  const auto again = renew(first.tokens.renew_token).value();
  EXPECT_EQ(again.session.generation, 1U);
  EXPECT_EQ(check(second.tokens.token), Reason::none);
  EXPECT_TRUE(renew(second.tokens.renew_token));
}

TEST_F(SessionTest, ThePreviousTokenLaterReplacesALostAnswer) {
  const auto first = log_in("o1");
  const auto lost = renew(first.tokens.renew_token).value();
  clock.pass(60s + 1ms);
  const auto third = renew(first.tokens.renew_token).value();
  EXPECT_EQ(third.session.generation, 2U);
  EXPECT_EQ(check(lost.tokens.token), Reason::renew) << "in memory before the answer";
  EXPECT_EQ(check(first.tokens.token), Reason::renew);
  EXPECT_EQ(check(third.tokens.token), Reason::none);
}

TEST_F(SessionTest, AnOlderTokenEndsTheSession) {
  const auto first = log_in("o1");
  const auto second = renew(first.tokens.renew_token).value();
  const auto third = renew(second.tokens.renew_token).value();
  EXPECT_EQ(reason_of(renew(first.tokens.renew_token)), Reason::reused);
  EXPECT_EQ(check(third.tokens.token), Reason::reused) << "in memory before the answer";
  EXPECT_EQ(reason_of(renew(third.tokens.renew_token)), Reason::reused);
}

TEST_F(SessionTest, ATokenNewerThanTheStoreHarmsNothing) {
  const auto first = log_in("o1");
  EXPECT_EQ(code_of(renew(renew_token_of(first, 1))), ErrorCode::unavailable);
  EXPECT_EQ(check(first.tokens.token), Reason::none);
  EXPECT_EQ(renew(first.tokens.renew_token).value().session.generation, 1U);
}

TEST_F(SessionTest, AHundredRenewalsAtOnceAreOneNextGeneration) {
  const auto first = log_in("o1");
  std::vector<core::Trace> traces(100);
  std::vector<std::vector<Result<core::LoginAnswer>>> answers(4);
  at_once(4, [&](int t) {
    const std::function<Task<Result<core::LoginAnswer>>(int)> make = [&](int i) {
      return services().sessions.renew(first.tokens.renew_token, &traces[static_cast<size_t>(t * 25 + i)]);
    };
    answers[static_cast<size_t>(t)] = together<Result<core::LoginAnswer>>(25, make);
  });
  for (const auto& of_thread : answers) {
    for (const auto& answer : of_thread) {
      EXPECT_EQ(answer.value().session.generation, 1U);
      EXPECT_EQ(check(answer.value().tokens.token), Reason::none);
    }
  }
}

TEST_F(SessionTest, ATokenThatIsNoneOfOursIsMalformed) { EXPECT_EQ(reason_of(renew("kmr1.AAAA")), Reason::malformed); }

TEST_F(SessionTest, ATicketDoesNotRenew) { EXPECT_EQ(reason_of(renew(log_in("o1").tokens.token)), Reason::malformed); }

TEST_F(SessionTest, WeChatIsAskedAtARenewalWhereTheAppSaysSo) {
  const auto before = log_in("o1");
  set("login_state", "wechat");
  const auto after = log_in("o2");
  platform.stale_keys.insert(std::string(FakePlatform::kKey));
  EXPECT_EQ(reason_of(renew(after.tokens.renew_token)), Reason::expired);
  platform.key_check_failure = failure(ErrorCode::rate_limited, 45009);
  EXPECT_TRUE(renew(after.tokens.renew_token)) << "WeChat's bad days end nobody's session";
  set("login_state", "own");
  const int asked = platform.key_checks;
  EXPECT_TRUE(renew(before.tokens.renew_token));
  EXPECT_EQ(platform.key_checks, asked);
}

// Thirty questions, and the renewal went on without one: who asked often enough stayed logged in whatever WeChat said.
TEST_F(SessionTest, WhoHasAskedTooOftenIsNotRenewedUnasked) {
  set("login_state", "wechat");
  const auto who = log_in("o1");
  core::Trace trace;
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(run_here(services().sessions.key_stands(app(), core::SessionView{who.session, who.user}, &trace))) << i;
  platform.stale_keys.insert(std::string(FakePlatform::kKey));
  const auto limited = renew(who.tokens.renew_token);
  EXPECT_EQ(code_of(limited), ErrorCode::rate_limited);
  EXPECT_TRUE(limited.error().retry_after);
  clock.pass(2s);
  EXPECT_EQ(reason_of(renew(who.tokens.renew_token)), Reason::expired);
  platform.stale_keys.clear();
  clock.pass(2s);
  EXPECT_TRUE(renew(who.tokens.renew_token)) << "it has stayed as it was";
}

TEST_F(SessionTest, ARenewalAfterLogoutSaysSo) {
  const auto answer = log_in("o1");
  ASSERT_TRUE(log_out(answer));
  EXPECT_EQ(reason_of(renew(answer.tokens.renew_token)), Reason::logged_out);
}

TEST_F(SessionTest, ARenewalOfADisabledUserSaysSo) {
  const auto answer = log_in("o1");
  ASSERT_TRUE(disable(answer.user.id));
  EXPECT_EQ(reason_of(renew(answer.tokens.renew_token)), Reason::disabled);
}

TEST_F(SessionTest, ARenewalInADisabledAppSaysSoAndHarmsNothing) {
  const auto answer = log_in("o1");
  core::AppChange off, on;
  off.disabled = true;
  on.disabled = false;
  change_app(off);
  EXPECT_EQ(reason_of(renew(answer.tokens.renew_token)), Reason::disabled);
  EXPECT_EQ(check(answer.tokens.token), Reason::disabled);
  change_app(on);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
  EXPECT_TRUE(renew(answer.tokens.renew_token));
}

TEST_F(SessionTest, ARenewalInARemovedAppIsDeleted) {
  const auto answer = log_in("o1");
  ASSERT_TRUE(run_here(services().apps.remove("wx1")));
  EXPECT_EQ(reason_of(renew(answer.tokens.renew_token)), Reason::deleted);
  EXPECT_EQ(check(answer.tokens.token), Reason::deleted);
}

TEST_F(SessionTest, AnAppAddedAgainDoesNotGetItsOldSessionsBack) {
  const auto answer = log_in("o1");
  ASSERT_TRUE(run_here(services().apps.remove("wx1")));
  add_app("wx1");
  EXPECT_EQ(check(answer.tokens.token), Reason::deleted);
  EXPECT_EQ(reason_of(renew(answer.tokens.renew_token)), Reason::deleted);
}

TEST_F(SessionTest, EndingTheSessionsOfAnAppEndsThoseThereAre) {
  const auto before = log_in("o1");
  revoke_app_sessions();
  EXPECT_EQ(check(before.tokens.token), Reason::revoked);
  EXPECT_EQ(reason_of(renew(before.tokens.renew_token)), Reason::revoked);
  clock.pass(11s);
  EXPECT_EQ(check(before.tokens.token), Reason::revoked);
}

TEST_F(SessionTest, EndingTheSessionsOfAnAppLeavesLaterOnes) {
  revoke_app_sessions();
  clock.pass(11s);
  const auto after = log_in("o1");
  EXPECT_EQ(check(after.tokens.token), Reason::none);
  EXPECT_TRUE(renew(after.tokens.renew_token));
}

// ---- times ----

TEST_F(SessionTest, ATicketEndsAtTheEndOfItsLife) {
  const auto answer = log_in("o1");
  clock.pass(7200s - 1ms);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
  clock.pass(1ms);
  EXPECT_EQ(check(answer.tokens.token), Reason::expired);
}

TEST_F(SessionTest, ASessionThatIsNotRenewedEndsAtItsIdleEnd) {
  set("idle_seconds", "300");
  const auto renewed = log_in("o1"), left = log_in("o1");
  clock.pass(300s - 1ms);
  EXPECT_TRUE(renew(renewed.tokens.renew_token));
  clock.pass(1ms);
  EXPECT_EQ(reason_of(renew(left.tokens.renew_token)), Reason::expired);
  core::Trace trace;
  EXPECT_TRUE(run_here(services().sessions.view(renewed.session.id, &trace)));
  EXPECT_EQ(reason_of(run_here(services().sessions.view(left.session.id, &trace))), Reason::expired);
}

TEST_F(SessionTest, ASessionEndsAtItsAbsoluteEndHoweverOftenItIsRenewed) {
  set("idle_seconds", "300");
  set("absolute_seconds", "600");
  auto answer = log_in("o1");
  clock.pass(250s);
  answer = renew(answer.tokens.renew_token).value();
  clock.pass(250s);
  answer = renew(answer.tokens.renew_token).value();
  EXPECT_EQ(answer.tokens.expires_in, 100s) << "a ticket never outlives its session";
  clock.pass(100s - 1ms);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
  clock.pass(1ms);
  EXPECT_EQ(check(answer.tokens.token), Reason::expired);
  EXPECT_EQ(reason_of(renew(answer.tokens.renew_token)), Reason::expired);
}

TEST_F(SessionTest, ATicketNeverOutlivesTheIdleEndEither) {
  set("idle_seconds", "300");
  EXPECT_EQ(log_in("o1").tokens.expires_in, 300s);
}

// ---- the ways a session ends ----

TEST_F(SessionTest, ALogoutHoldsHereAtOnceAndTwiceIsOnce) {
  const auto answer = log_in("o1"), other = log_in("o1");
  ASSERT_TRUE(log_out(answer));
  EXPECT_EQ(check(answer.tokens.token), Reason::logged_out);
  EXPECT_TRUE(log_out(answer));
  EXPECT_EQ(check(other.tokens.token), Reason::none);
}

TEST_F(SessionTest, AnotherUsersSessionIsNotFound) {
  const auto mine = log_in("o1"), other = log_in("o2");
  core::Trace trace;
  EXPECT_EQ(code_of(run_here(services().sessions.end(other.session.id, mine.user.id, Reason::logged_out, &trace))), ErrorCode::not_found);
  EXPECT_EQ(check(other.tokens.token), Reason::none);
}

TEST_F(SessionTest, AllButOneAreEnded) {
  const auto kept = log_in("o1"), ended = log_in("o1"), other_user = log_in("o2");
  core::Trace trace;
  ASSERT_TRUE(run_here(services().sessions.end_all(kept.user.id, kept.session.id, std::nullopt, Reason::logged_out, &trace)));
  EXPECT_EQ(check(kept.tokens.token), Reason::none);
  EXPECT_EQ(check(ended.tokens.token), Reason::logged_out);
  EXPECT_EQ(check(other_user.tokens.token), Reason::none);
}

TEST_F(SessionTest, AllOfOneAppAreEnded) {
  const auto second_app = add_app("wx2");
  const auto here = login(platform.fresh_code("o1", "u1")).value();
  const auto there = login(request(platform.fresh_code("o2", "u1"), "wx2")).value();
  core::Trace trace;
  ASSERT_TRUE(run_here(services().sessions.end_all(here.user.id, std::nullopt, second_app->number, Reason::revoked, &trace)));
  EXPECT_EQ(check(here.tokens.token), Reason::none);
  EXPECT_EQ(check(there.tokens.token), Reason::revoked);
}

TEST_F(SessionTest, AfterARestartWhatWasEndedStaysEnded) {
  std::vector<core::LoginAnswer> ended;
  for (int i = 0; i < 50; ++i) ended.push_back(log_in("o" + std::to_string(i)));
  const auto kept = log_in("kept");
  for (const auto& answer : ended) ASSERT_TRUE(log_out(answer));
  restart();
  for (const auto& answer : ended) EXPECT_EQ(check(answer.tokens.token), Reason::logged_out);
  EXPECT_EQ(check(kept.tokens.token), Reason::none);
  EXPECT_TRUE(renew(kept.tokens.renew_token));
}

TEST_F(SessionTest, DisablingAUserEndsAThousandSessions) {
  set("max_per_user", "0");
  std::vector<core::Trace> traces(1000);
  const std::function<Task<Result<core::LoginAnswer>>(int)> make = [&](int i) {
    return services().login.run(request(platform.fresh_code("o1")), &traces[static_cast<size_t>(i)]);
  };
  const auto answers = together<Result<core::LoginAnswer>>(1000, make);
  const Id user = answers[0].value().user.id;
  ASSERT_EQ(live_sessions(user).size(), 1000U);
  ASSERT_TRUE(disable(user));
  for (const auto& answer : answers) ASSERT_EQ(check(answer.value().tokens.token), Reason::disabled);
  EXPECT_TRUE(live_sessions(user).empty());
}

// A login or a renewal on its way while the user is disabled either comes first and is ended with the others, or is refused.
TEST_F(SessionTest, NothingSlipsPastADisablement) {
  const Id user = log_in("o1").user.id;
  core::Trace trace;
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(run_here(services().sessions.enable_user(user, &trace)));
    const auto held = log_in("o1");
    std::vector<std::vector<std::string>> tokens(3);
    at_once(3, [&](int who) {
      if (who == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(round));
        EXPECT_TRUE(disable(user));
        return;
      }
      auto& mine = tokens[static_cast<size_t>(who)];
      auto last = Result<core::LoginAnswer>(held);
      for (int i = 0; i < 20 && last; ++i) {
        last = who == 1 ? login(platform.fresh_code("o1")) : renew(last.value().tokens.renew_token);
        if (last) mine.push_back(last.value().tokens.token);
      }
    });
    EXPECT_TRUE(live_sessions(user).empty());
    EXPECT_EQ(check(held.tokens.token), Reason::disabled);
    for (const auto& mine : tokens) {
      for (const auto& token : mine) EXPECT_EQ(check(token), Reason::disabled);
    }
  }
}

TEST_F(SessionTest, AViewTellsWhyASessionEnded) {
  const auto answer = log_in("o1");
  core::Trace trace;
  EXPECT_EQ(run_here(services().sessions.view(answer.session.id, &trace)).value().user.id, answer.user.id);
  ASSERT_TRUE(log_out(answer));
  EXPECT_EQ(reason_of(run_here(services().sessions.view(answer.session.id, &trace))), Reason::logged_out);
  EXPECT_EQ(reason_of(run_here(services().sessions.view(Id{}, &trace))), Reason::expired);
}

TEST_F(SessionTest, AFreshTicketForTheSameGeneration) {
  const auto answer = log_in("o1");
  const auto fresh = services().tickets.issue(*answer.app, answer.session, answer.user, services().live.clock.now()).value();
  EXPECT_NE(fresh.token, answer.tokens.token);
  EXPECT_EQ(check(fresh.token), Reason::none);
  EXPECT_EQ(renew(fresh.renew_token).value().session.generation, 1U);
}

}  // namespace
}  // namespace kaimen::test

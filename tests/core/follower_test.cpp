// What one node hears of the others, how old its knowledge may grow, and what it does when the database loses its memory.
#include "tests/core/many_nodes.h"

namespace kaimen::test {
namespace {

using FollowerTest = ManyNodesTest;

void run_what_can(LocalLoop& loop) {
  loop.post([&] { loop.stop(); });
  loop.run();
}

// ---- what a poll brings ----

TEST_F(FollowerTest, ALogoutOnOneNodeHoldsOnTheOtherAfterItsPoll) {
  const auto first = node(), second = node();
  const auto answer = log_in_on(*first, "o1");
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::none);
  ASSERT_TRUE(log_out_on(*first, answer.session.id));
  EXPECT_EQ(judge(*first, answer.tokens.token), Reason::logged_out) << "where it was made it holds before it is answered";
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::none);
  ASSERT_TRUE(poll(*second));
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::logged_out);
}

TEST_F(FollowerTest, ANodeThatStartsKnowsWhatWasRevokedBefore) {
  const auto first = node();
  const auto answer = log_in_on(*first, "o1");
  ASSERT_TRUE(log_out_on(*first, answer.session.id));
  clock.pass(1h);
  EXPECT_EQ(judge(*node(), answer.tokens.token), Reason::logged_out);
}

TEST_F(FollowerTest, AChangedAppIsKnownAfterThePoll) {
  const auto first = node(), second = node();
  const auto answer = log_in_on(*first, "o1");
  core::AppChange change;
  change.revoke_sessions = true;
  ASSERT_TRUE(run_here(first->services.apps.change("wx1", change)));
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::none);
  ASSERT_TRUE(poll(*second));
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::revoked);
}

TEST_F(FollowerTest, ARetiredTicketKeyIsKnownAfterThePoll) {
  const auto first = node(), second = node();
  const auto answer = log_in_on(*first, "o1");
  ASSERT_TRUE(run_here(first->services.ticket_keys.retire()));
  ASSERT_TRUE(poll(*second));
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::renew);
  EXPECT_EQ(judge(*second, log_in_on(*first, "o1").tokens.token), Reason::none) << "and the key that took its place";
}

TEST_F(FollowerTest, AnAccessKeyIsKnownAndGoneAfterAPollEach) {
  const auto first = node(), second = node();
  core::NewAccessKey wanted;
  wanted.name = "shop";
  wanted.scopes = {"verify"};
  const auto made = run_here(first->services.access_keys.create(wanted)).value();
  EXPECT_EQ(second->services.access_keys.find(made.text.reveal()), nullptr);
  ASSERT_TRUE(poll(*second));
  EXPECT_NE(second->services.access_keys.find(made.text.reveal()), nullptr);
  ASSERT_TRUE(run_here(first->services.access_keys.revoke(made.row.id)));
  ASSERT_TRUE(poll(*second));
  EXPECT_EQ(second->services.access_keys.find(made.text.reveal()), nullptr);
}

TEST_F(FollowerTest, WhereNothingChangesNothingIsReadAgain) {
  const auto first = node();
  ASSERT_TRUE(poll(*first));
  const int before = shared.lists;
  for (int i = 0; i < 10; ++i) {
    clock.pass(250ms);
    ASSERT_TRUE(poll(*first));
  }
  EXPECT_EQ(shared.lists, before);
}

TEST_F(FollowerTest, TheTimeOfANodeIsTheDatabases) {
  wall.wrong_ms = 3'600'000;
  shared.ahead_ms = -5'000;
  const auto first = node();
  EXPECT_EQ(first->services.live.clock.now(), clock.now() - 5s);
  EXPECT_EQ(first->clock.ahead_of_wall(), Millis(-3'605'000));
  const auto answer = log_in_on(*first, "o1");
  EXPECT_EQ(answer.session.created_at, clock.now() - 5s);
}

// ---- what it asks for ----

TEST_F(FollowerTest, ItAsksForWhatIsNewAndEveryMinuteForAll) {
  const auto first = node();
  std::vector<Time> since;
  for (int i = 0; i <= 245; ++i) {
    clock.pass(250ms);
    ASSERT_TRUE(poll(*first));
  }
  const auto polls = shared.polls();
  EXPECT_EQ(polls[0].since, Time{});
  EXPECT_EQ(polls[1].since, t0 + 2s - 15s) << "15 s before the last good poll";
  EXPECT_EQ(polls[2].since, t0 + 2s + 250ms - 15s);
  EXPECT_NE(polls[239].since, Time{});
  EXPECT_EQ(polls[240].since, Time{}) << "a minute after the first";
  EXPECT_NE(polls[241].since, Time{});
  EXPECT_EQ(polls[0].node, polls[241].node);
}

TEST_F(FollowerTest, AfterAFailureItAsksForAll) {
  const auto first = node();
  ASSERT_TRUE(poll(*first));
  shared.down = true;
  EXPECT_EQ(code_of(poll(*first)), ErrorCode::unavailable);
  shared.down = false;
  ASSERT_TRUE(poll(*first));
  EXPECT_EQ(shared.polls().back().since, Time{});
  ASSERT_TRUE(poll(*first));
  EXPECT_NE(shared.polls().back().since, Time{});
}

// A standby that took over may stamp with a clock behind that of the server before it.
TEST_F(FollowerTest, WhereTheDatabasesTimeRanBackItAsksForAll) {
  const auto first = node();
  shared.ahead_ms = -20'000;
  ASSERT_TRUE(poll(*first));
  ASSERT_TRUE(poll(*first));
  EXPECT_EQ(shared.polls().back().since, Time{});
  EXPECT_FALSE(first->services.follower->went_back());
}

TEST_F(FollowerTest, WhatWasCommittedLateIsFoundInTheWindow) {
  const auto first = node();
  const auto answer = log_in_on(*first, "o1");
  clock.pass(10s);
  ASSERT_TRUE(poll(*first));
  shared.appears({answer.session.id, 0xffffffff, Reason::logged_out, clock.now() + 1h}, clock.now() - 6s);
  clock.pass(250ms);
  ASSERT_TRUE(poll(*first));
  EXPECT_EQ(judge(*first, answer.tokens.token), Reason::logged_out);
}

// ---- the grace ----

TEST_F(FollowerTest, ChecksGoOnForTheGraceToTheMillisecond) {
  const auto first = node();
  const auto answer = log_in_on(*first, "o1");
  ASSERT_TRUE(poll(*first));
  shared.down = true;
  clock.pass(300s - 1ms);
  EXPECT_FALSE(poll(*first));
  EXPECT_EQ(judge(*first, answer.tokens.token), Reason::none);
  EXPECT_TRUE(first->services.live.moment());
  clock.pass(1ms);
  EXPECT_EQ(judge(*first, answer.tokens.token), std::nullopt);
  EXPECT_FALSE(first->services.live.moment());
  EXPECT_EQ(judge(*first, "km1.nobody"), std::nullopt) << "nor does it say that somebody is unknown";
  shared.down = false;
  ASSERT_TRUE(poll(*first));
  EXPECT_EQ(judge(*first, answer.tokens.token), Reason::none);
}

TEST_F(FollowerTest, TheGraceBeginsWhenTheDatabaseSpokeNotWhenItWasHeard) {
  const auto first = node();
  shared.answer.close();
  LocalLoop loop;
  spawn<Result<>>(first->services.follower->poll(), [&](const Result<>& done) {
    EXPECT_TRUE(done);
    loop.stop();
  });
  run_what_can(loop);
  ASSERT_EQ(shared.answer.waiting(), 1U);
  clock.pass(20s);
  shared.answer.open();
  loop.run();
  clock.pass(280s - 1ms);
  EXPECT_TRUE(first->services.live.moment());
  clock.pass(1ms);
  EXPECT_FALSE(first->services.live.moment());
}

TEST_F(FollowerTest, WhoSharesHisStoreWithNobodyHasNoGrace) {
  const auto answer = log_in("o1");
  clock.pass(1h);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
  EXPECT_FALSE(services().follower);
}

TEST_F(FollowerTest, WithoutADatabaseNothingStarts) {
  shared.down = true;
  const auto first = make_node();
  EXPECT_EQ(code_of(run_here(first->services.start())), ErrorCode::unavailable);
  EXPECT_FALSE(first->services.live.moment());
}

// Else an app that was revoked elsewhere would stay good here for ever.
TEST_F(FollowerTest, AChangeThatCannotBeReadMakesThePollABadOne) {
  const auto first = node(), second = node();
  const auto answer = log_in_on(*first, "o1");
  core::AppChange change;
  change.revoke_sessions = true;
  ASSERT_TRUE(run_here(first->services.apps.change("wx1", change)));
  shared.lists_fail = true;
  for (int i = 0; i < 3; ++i) {
    clock.pass(100s);
    EXPECT_FALSE(poll(*second));
  }
  EXPECT_EQ(judge(*second, answer.tokens.token), std::nullopt);
  shared.lists_fail = false;
  ASSERT_TRUE(poll(*second)) << "it is tried again though the count has not changed since";
  EXPECT_EQ(judge(*second, answer.tokens.token), Reason::revoked);
}

TEST_F(FollowerTest, ItTellsHowOldItsKnowledgeIs) {
  const auto first = make_node();
  EXPECT_EQ(first->services.follower->age(), std::nullopt);
  ASSERT_TRUE(run_here(first->services.start()));
  shared.down = true;
  clock.pass(3s);
  EXPECT_FALSE(poll(*first));
  EXPECT_EQ(first->services.follower->age(), Millis(3'000));
}

// ---- a database that goes back in time (D9) ----

class WentBackTest : public ManyNodesTest {
 protected:
  /// A node that has polled for some seconds, and what the database held of it `ago` before the end.
  void follow_for_ten_seconds() {
    first = node();
    answer = log_in_on(*first, "o1");
    for (int i = 0; i < 40; ++i) {
      clock.pass(250ms);
      ASSERT_TRUE(poll(*first));
      if (i == 19) five_seconds_ago = shared.beats();
    }
  }
  void expect_stopped() {
    EXPECT_EQ(code_of(poll(*first)), ErrorCode::unavailable);
    EXPECT_TRUE(first->services.follower->went_back());
    EXPECT_EQ(judge(*first, answer.tokens.token), std::nullopt);
    // Its own beats would soon look right again.
    clock.pass(10s);
    EXPECT_FALSE(poll(*first));
    EXPECT_EQ(judge(*first, answer.tokens.token), std::nullopt);
  }
  void expect_going_on() {
    EXPECT_TRUE(poll(*first));
    EXPECT_FALSE(first->services.follower->went_back());
    EXPECT_EQ(judge(*first, answer.tokens.token), Reason::none);
  }

  std::unique_ptr<FollowingNode> first;
  core::LoginAnswer answer;
  std::map<Id, Time> five_seconds_ago;
};

TEST_F(WentBackTest, AnOlderBeatStopsTheNode) {
  follow_for_ten_seconds();
  shared.restore(five_seconds_ago);
  expect_stopped();
}

TEST_F(WentBackTest, ABeatThatIsGoneStopsTheNode) {
  follow_for_ten_seconds();
  shared.restore({});
  expect_stopped();
}

TEST_F(WentBackTest, ANodeThatStartsAfterwardsServes) {
  follow_for_ten_seconds();
  shared.restore({});
  EXPECT_EQ(judge(*node(), answer.tokens.token), Reason::none);
}

// A beat is written once a second, so the last one stands as it was for a poll or three.
TEST_F(WentBackTest, TheSameBeatAgainIsNone) {
  follow_for_ten_seconds();
  expect_going_on();
  expect_going_on();
}

TEST_F(WentBackTest, AServerWhoseClockIsBehindIsNone) {
  follow_for_ten_seconds();
  shared.ahead_ms = -700;
  for (int i = 0; i < 20; ++i) {
    clock.pass(250ms);
    expect_going_on();
  }
}

TEST_F(WentBackTest, ARowClearedAwayAfterADayOfSilenceIsNone) {
  follow_for_ten_seconds();
  clock.pass(24h + 10s);
  shared.restore({});
  ASSERT_TRUE(poll(*first));
  EXPECT_FALSE(first->services.follower->went_back());
}

// Two polls under way, the earlier one held up: the later one has seen the older state, and is heard last.
TEST_F(WentBackTest, PollsThatOvertakeEachOtherAreNone) {
  follow_for_ten_seconds();
  clock.pass(5s);
  shared.question.close();
  LocalLoop loop;
  int heard = 0;
  const auto done = [&](const Result<>& result) {
    EXPECT_TRUE(result);
    ++heard;
    loop.stop();
  };
  spawn<Result<>>(first->services.follower->poll(), done);
  ASSERT_EQ(shared.question.waiting(), 1U);
  shared.answer.close();
  // The second question gets past the first, and its answer is held.
  shared.question.let_new_ones_pass();
  spawn<Result<>>(first->services.follower->poll(), done);
  run_what_can(loop);
  ASSERT_EQ(shared.answer.waiting(), 1U);
  shared.answer.let_new_ones_pass();
  clock.pass(3s);
  shared.question.open();
  loop.run();
  EXPECT_EQ(heard, 1);
  shared.answer.open();
  loop.run();
  EXPECT_EQ(heard, 2);
  EXPECT_FALSE(first->services.follower->went_back());
  expect_going_on();
}

}  // namespace
}  // namespace kaimen::test

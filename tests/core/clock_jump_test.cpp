// T5: a wall clock that jumps a day ahead, an hour back, ten years ahead and back again crashes nothing and revives nothing.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

constexpr auto kTenYears = 3652 * 24h;

class ClockJumpTest : public CoreTest {
 protected:
  /// The node's minutes go by as ever, for less than it takes to believe a jump.
  void minutes(int count = 5) {
    for (int i = 0; i < count; ++i) {
      clock.pass(1min);
      EXPECT_TRUE(minute());
    }
  }
  void jump_and_back(Millis far) {
    clock.jump(far);
    minutes();
    clock.jump(-far);
    minutes();
  }
  void settle() { minutes(12); }
};

TEST_F(ClockJumpTest, WhatWasEndedStaysEnded) {
  settle();
  const auto ended = log_in("o1");
  ASSERT_TRUE(log_out(ended));
  for (const Millis far : {Millis(24h), Millis(-1h), Millis(27h), Millis(kTenYears)}) {
    clock.jump(far);
    EXPECT_NE(check(ended.tokens.token), Reason::none) << far.count();
    minutes();
    EXPECT_NE(check(ended.tokens.token), Reason::none) << far.count();
    clock.jump(-far);
    EXPECT_EQ(check(ended.tokens.token), Reason::logged_out) << far.count();
    minutes();
    EXPECT_EQ(check(ended.tokens.token), Reason::logged_out) << far.count();
  }
  EXPECT_EQ(one("SELECT count(*) FROM revocations"), "1");
}

// A machine that boots with a clock far ahead must not forget what it reads at start.
TEST_F(ClockJumpTest, WhatWasEndedStaysEndedOverARestartUnderAWrongClock) {
  settle();
  const auto ended = log_in("o1");
  ASSERT_TRUE(log_out(ended));
  clock.jump(kTenYears);
  restart();
  minutes();
  clock.jump(-kTenYears);
  EXPECT_EQ(check(ended.tokens.token), Reason::logged_out);
  minutes();
  EXPECT_EQ(check(ended.tokens.token), Reason::logged_out);
}

TEST_F(ClockJumpTest, WhoWasThereIsThereAgain) {
  settle();
  clock.pass(23h);
  minutes(1);  // the next day's key is there
  const auto answer = log_in("o1");
  jump_and_back(kTenYears);
  jump_and_back(-1h);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
  EXPECT_TRUE(renew(answer.tokens.renew_token));
}

TEST_F(ClockJumpTest, LoginsGoOnUnderAnyClock) {
  settle();
  for (const Millis far : {Millis(24h), Millis(-1h), Millis(kTenYears), Millis(-kTenYears)}) {
    clock.jump(far);
    minutes(1);
    const auto answer = log_in("o1");
    EXPECT_EQ(check(answer.tokens.token), Reason::none) << far.count();
    EXPECT_TRUE(renew(answer.tokens.renew_token)) << far.count();
    clock.jump(-far);
  }
}

// A ticket sealed under a clock ahead comes from the future once the clock is right again.
TEST_F(ClockJumpTest, ATicketFromTheFutureIsRefused) {
  clock.jump(61s);
  const auto ahead = log_in("o1");
  clock.jump(-1s);
  EXPECT_EQ(check(ahead.tokens.token), Reason::none) << "nodes may be that far apart";
  clock.jump(-60s);
  EXPECT_EQ(check(ahead.tokens.token), Reason::malformed);
}

TEST_F(ClockJumpTest, KeysGoOnChangingDaily) {
  settle();
  jump_and_back(kTenYears);
  const uint32_t before = services().ticket_keys.sealing_key(clock.now()).value().id;
  clock.pass(24h);
  minutes(1);
  clock.pass(1h);
  minutes(1);
  EXPECT_NE(services().ticket_keys.sealing_key(clock.now()).value().id, before);
}

}  // namespace
}  // namespace kaimen::test

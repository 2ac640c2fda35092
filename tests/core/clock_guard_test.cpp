// ClockGuard: what a clock that jumped says must not purge anything.
#include "core/clock_guard.h"

#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class ClockGuardTest : public testing::Test {
 protected:
  bool may_purge() { return guard.may_purge(clock.now(), clock.steady()); }
  /// Asks every minute for a while; whether it was allowed each time.
  bool allowed_for(int minutes) {
    bool allowed = true;
    for (int i = 0; i < minutes; ++i) {
      clock.pass(1min);
      allowed = may_purge() && allowed;
    }
    return allowed;
  }
  void settle() {
    allowed_for(12);
    ASSERT_TRUE(may_purge());
  }

  ManualClock clock;
  core::ClockGuard guard;
};

// A machine whose clock is wrong at start is no rarer than one whose clock jumps later, and there is nothing to hold it against.
TEST_F(ClockGuardTest, AFreshStartWaitsTenMinutes) {
  EXPECT_FALSE(may_purge());
  clock.pass(10min - 1ms);
  EXPECT_FALSE(may_purge());
  clock.pass(1ms);
  EXPECT_TRUE(may_purge());
  EXPECT_FALSE(guard.jumped());
}

TEST_F(ClockGuardTest, AFreshStartIsNoJump) {
  may_purge();
  EXPECT_FALSE(guard.jumped());
}

TEST_F(ClockGuardTest, AClockThatRunsMayPurge) {
  settle();
  EXPECT_TRUE(allowed_for(3000));
}

TEST_F(ClockGuardTest, AnHourAheadIsStillBelieved) {
  settle();
  clock.jump(1h);
  EXPECT_TRUE(may_purge());
}

TEST_F(ClockGuardTest, MoreThanAnHourAheadIsAJump) {
  settle();
  clock.jump(1h + 1ms);
  EXPECT_FALSE(may_purge());
  EXPECT_TRUE(guard.jumped());
}

TEST_F(ClockGuardTest, AJumpThatStandsForTenMinutesIsBelieved) {
  settle();
  clock.jump(240h);
  EXPECT_FALSE(may_purge());
  clock.pass(10min - 1ms);
  EXPECT_FALSE(may_purge());
  clock.pass(1ms);
  EXPECT_TRUE(may_purge());
  EXPECT_FALSE(guard.jumped());
  EXPECT_TRUE(allowed_for(100));
}

TEST_F(ClockGuardTest, AJumpThatIsTakenBackLeavesNothingBehind) {
  settle();
  clock.jump(240h);
  EXPECT_FALSE(allowed_for(5));
  clock.jump(-240h);
  EXPECT_TRUE(may_purge());
  EXPECT_FALSE(guard.jumped());
}

// A clock that is set to something else within the ten minutes has not stood by anything.
TEST_F(ClockGuardTest, ASecondJumpBeginsTheTenMinutesAnew) {
  settle();
  clock.jump(24h);
  EXPECT_FALSE(allowed_for(9));
  clock.jump(10 * 365 * 24h);
  EXPECT_FALSE(allowed_for(9));
  EXPECT_FALSE(may_purge());
  clock.pass(2min);
  EXPECT_TRUE(may_purge());
}

TEST_F(ClockGuardTest, AClockSetBackMayPurge) {
  settle();
  clock.jump(-240h);
  EXPECT_TRUE(may_purge());
}

}  // namespace
}  // namespace kaimen::test

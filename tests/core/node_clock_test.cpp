// A node's time: the database's, carried on by a steady clock, and corrected by no more than an answer proves.
#include "core/node_clock.h"

#include <gtest/gtest.h>

namespace kaimen::test {
namespace {

using core::NodeClock;

struct ManualWall final : Clock {
  Time now() const override { return from_epoch_ms(at); }
  int64_t at = 1'000'000;
};
struct ManualSteady final : SteadyClock {
  Millis now() const override { return Millis(at); }
  int64_t at = 5'000;
};

class NodeClockTest : public testing::Test {
 protected:
  /// An answer that took `wait` to come and says `told`.
  Millis answer(int64_t told, int64_t wait) {
    const Millis asked = clock.steady();
    steady.at += wait;
    return clock.set(from_epoch_ms(told), asked, clock.steady());
  }
  int64_t now() const { return epoch_ms(clock.now()); }

  ManualWall wall;
  ManualSteady steady;
  NodeClock clock{wall, steady};
};

TEST_F(NodeClockTest, BeforeTheDatabaseIsAskedItIsTheWallClock) {
  EXPECT_EQ(now(), 1'000'000);
  EXPECT_EQ(clock.ahead_of_wall(), std::nullopt);
}

TEST_F(NodeClockTest, TheFirstAnswerIsTakenToComeFromTheMiddleOfTheWait) {
  EXPECT_EQ(answer(2'000'000, 100), Millis(0));
  EXPECT_EQ(now(), 2'000'050);
}

TEST_F(NodeClockTest, ItRunsWithTheSteadyClockAndNotWithTheWall) {
  answer(2'000'000, 0);
  wall.at -= 3'600'000;
  steady.at += 1'234;
  EXPECT_EQ(now(), 2'001'234);
}

TEST_F(NodeClockTest, WhatFitsStaysAsItIs) {
  answer(2'000'000, 0);
  steady.at += 1'000;
  // Asked at 2'001'000 of ours; 200 ms later an answer that was 150 ms on its way back, or 10, or at the edges.
  for (const int64_t on_the_way : {50, 190, 0, 200}) {
    const int64_t before = now();
    EXPECT_EQ(answer(before + on_the_way, 200), Millis(0)) << on_the_way;
    EXPECT_EQ(now(), before + 200) << on_the_way;
  }
}

TEST_F(NodeClockTest, AStepGoesNoFurtherThanTheAnswerProves) {
  answer(2'000'000, 0);
  // The database is 500 ms behind: with an answer that took 200 ms, at least 499 − 200 + … of it is certain: to the edge, and not beyond.
  EXPECT_EQ(answer(now() - 500, 200), Millis(-499));
  // It is ahead: the earliest it can have been told is when it arrived.
  EXPECT_EQ(answer(now() + 700, 200), Millis(499));
}

TEST_F(NodeClockTest, ASlowAnswerMovesItLessThanAQuickOne) {
  answer(2'000'000, 0);
  EXPECT_EQ(answer(now() + 900, 1'000), Millis(0));
  EXPECT_EQ(answer(now() + 900, 10), Millis(889));
}

TEST_F(NodeClockTest, TheMillisecondThatCuttingLosesIsNoReasonToStep) {
  answer(2'000'000, 0);
  const int64_t before = now();
  EXPECT_EQ(answer(before - 1, 0), Millis(0));
  EXPECT_EQ(answer(before + 1, 0), Millis(0));
  EXPECT_EQ(answer(before + 2, 0), Millis(1));
}

TEST_F(NodeClockTest, MoreThanThirtySecondsFromTheWallIsSkew) {
  answer(1'030'000, 0);
  EXPECT_EQ(clock.ahead_of_wall(), Millis(30'000));
  EXPECT_FALSE(NodeClock::is_skewed(*clock.ahead_of_wall()));
  wall.at -= 1;
  EXPECT_TRUE(NodeClock::is_skewed(*clock.ahead_of_wall()));
  wall.at += 60'002;
  EXPECT_EQ(clock.ahead_of_wall(), Millis(-30'001));
  EXPECT_TRUE(NodeClock::is_skewed(*clock.ahead_of_wall()));
}

TEST(BootClockTest, GoesOnAndNeverBack) {
  const SteadyClock& clock = machine_steady_clock();
  Millis last = clock.now();
  for (int i = 0; i < 10'000; ++i) {
    const Millis now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace kaimen::test

// What is counted by app and hour: written by each node in rows of its own, never twice, and not lost while the store takes nothing.
#include "core/stats.h"

#include "tests/core/fixture.h"

namespace kaimen::test {

namespace {

class StatsTest : public CoreTest {
 protected:
  static constexpr uint32_t kApp = 7;
  core::Stats& stats() { return services().stats; }
  static core::Trace trace_of(const Id& user, core::Trace::Came came) {
    core::Trace trace;
    trace.user_id = user.hex();
    trace.came = came;
    trace.upstream_path = "/sns/jscode2session";
    trace.upstream = Millis{40};
    return trace;
  }
  core::StatsSum sum(core::Stats& from) {
    core::StatsSum all;
    const int64_t hour = epoch_ms(clock.now()) / 3'600'000;
    const auto rows = run_here(from.read({std::set<uint32_t>{kApp}, hour - 48, hour + 48})).value();
    for (const auto& row : rows) all.add(row);
    return all;
  }
  static Id user(uint8_t number) {
    Id id;
    id.bytes.fill(number);
    return id;
  }
};

}  // namespace

TEST_F(StatsTest, ALoginIsCountedWithItsUserAndItsCall) {
  stats().count(kApp, trace_of(user(1), core::Trace::Came::fresh), true, nullptr);
  stats().count(kApp, trace_of(user(1), core::Trace::Came::known), true, nullptr);
  stats().count(kApp, trace_of(user(2), core::Trace::Came::nobody), true, nullptr);  // answered again
  const Error used = make_error(ErrorCode::code_used), broken = make_error(ErrorCode::upstream_error);
  stats().count(kApp, trace_of({}, core::Trace::Came::nobody), true, &used);
  stats().count(kApp, trace_of({}, core::Trace::Came::nobody), true, &broken);
  const auto counted = sum(stats());
  EXPECT_EQ(counted.counts.at("logins"), 2);
  EXPECT_EQ(counted.counts.at("new_users"), 1);
  EXPECT_EQ(counted.active.count(), 2);
  EXPECT_EQ(counted.counts.at("failures.code_used"), 1);
  EXPECT_EQ(counted.counts.at("failures.upstream_error"), 1);
  EXPECT_EQ(counted.counts.at("upstream.calls"), 5);
  EXPECT_EQ(counted.counts.at("upstream.errors"), 1);
  EXPECT_EQ(counted.counts.at("upstream.ms"), 200);
  const auto totals = stats().totals();
  EXPECT_EQ(totals.logins.at("ok"), 2u);
  EXPECT_EQ(totals.upstream.at("/sns/jscode2session").errors, 1u);
}

TEST_F(StatsTest, WhatIsWrittenOftenOrReadInBetweenIsCountedOnce) {
  for (int i = 0; i < 3; ++i) {
    stats().count(kApp, trace_of(user(1), core::Trace::Came::known), true, nullptr);
    stats().checks.add(kApp, core::CheckCounts::kPassed);
    EXPECT_EQ(sum(stats()).counts.at("logins"), i + 1);
    ASSERT_TRUE(run_here(stats().flush()));
    ASSERT_TRUE(run_here(stats().flush()));
    EXPECT_EQ(sum(stats()).counts.at("logins"), i + 1);
    EXPECT_EQ(sum(stats()).counts.at("checks.ok"), i + 1);
  }
  clock.pass(1h);
  stats().checks.add(kApp, core::CheckCounts::kPassed);
  ASSERT_TRUE(run_here(stats().flush()));
  ASSERT_TRUE(run_here(stats().flush()));
  EXPECT_EQ(sum(stats()).counts.at("checks.ok"), 4);
}

TEST_F(StatsTest, AnotherNodeReadsWhatThisOneHasWritten) {
  core::Stats other(services().store, random, clock);
  stats().count(kApp, trace_of(user(1), core::Trace::Came::known), true, nullptr);
  other.count(kApp, trace_of(user(1), core::Trace::Came::known), true, nullptr);
  ASSERT_TRUE(run_here(stats().flush()));
  EXPECT_EQ(sum(other).counts.at("logins"), 2);
  ASSERT_TRUE(run_here(other.flush()));
  EXPECT_EQ(sum(stats()).counts.at("logins"), 2);
  EXPECT_EQ(sum(stats()).active.count(), 1) << "one user at two nodes is one";
}

TEST_F(StatsTest, ThreadsCountChecksSideBySide) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 10'000; ++n) stats().checks.add(n % 2 == 0 ? kApp : 8, n % 5 == 0 ? core::CheckCounts::kForbidden : core::CheckCounts::kPassed);
    });
  }
  for (int n = 0; n < 100; ++n) sum(stats());  // read meanwhile
  for (auto& thread : threads) thread.join();
  const auto counted = sum(stats());
  EXPECT_EQ(counted.counts.at("checks.ok"), 16'000);
  EXPECT_EQ(counted.counts.at("checks.forbidden"), 4'000);
}

}  // namespace kaimen::test

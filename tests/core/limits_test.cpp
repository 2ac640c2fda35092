// Logins a minute, of an app and of an address; and the room that one app's storm leaves for the others.
#include "core/login_rates.h"
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

TEST(RatesTest, AMinutesWorthGoesAtOnceAndThenAsItDrains) {
  core::Rates rates(10);
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(rates.count("a", 6, t0)) << i;
  EXPECT_EQ(rates.count("a", 6, t0), Seconds(10));
  EXPECT_EQ(rates.count("a", 6, t0 + 9s), Seconds(1));
  EXPECT_FALSE(rates.count("a", 6, t0 + 10s));
  EXPECT_TRUE(rates.count("a", 6, t0 + 10s)) << "one drained, one went";
  EXPECT_FALSE(rates.count("b", 6, t0));
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(rates.count("a", 6, t0 + 10min)) << i;
}

TEST(RatesTest, NoLimitCountsNothing) {
  core::Rates rates(10);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(rates.count("a", 0, t0));
  EXPECT_EQ(rates.size(), 0U);
}

TEST(RatesTest, AClockThatWasSetBackKeepsNobodyOut) {
  core::Rates rates(10);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(rates.count("a", 2, t0 + 24h));
  const auto wait = rates.count("a", 2, t0);
  ASSERT_TRUE(wait);
  EXPECT_LE(*wait, Seconds(60));
}

TEST(RatesTest, MemoryIsBoundedAndWhoHasRestedIsForgottenFirst) {
  core::Rates rates(100);
  for (int i = 0; i < 50; ++i) rates.count("old" + std::to_string(i), 60, t0);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(rates.count("busy", 2, t0 + 1min));
  for (int i = 0; i < 10'000; ++i) {
    rates.count("new" + std::to_string(i), 1000, t0 + 1min);
    EXPECT_LE(rates.size(), 100U);
  }
  EXPECT_TRUE(rates.count("busy", 2, t0 + 1min)) << "who is at the limit is remembered longest";
}

TEST(LoginRatesTest, Ipv6IsCountedByItsFirst64Bits) {
  EXPECT_EQ(core::counted_address("2001:db8:1:2:3:4:5:6"), core::counted_address("2001:db8:1:2:ffff::1"));
  EXPECT_NE(core::counted_address("2001:db8:1:2::1"), core::counted_address("2001:db8:1:3::1"));
  EXPECT_EQ(core::counted_address("2001:db8::1"), core::counted_address("2001:db8::2"));
  EXPECT_EQ(core::counted_address("2001:db8::1"), core::counted_address("2001:db8:0:0:5::9"));
  EXPECT_NE(core::counted_address("2001:db8::1"), core::counted_address("2001:db8:1::1"));
  EXPECT_EQ(core::counted_address("::1:2:3:4:5"), "0:0:0:1:");
  for (const char* odd : {"::", ":", ":::", "1:2:3:4:5:6:7:8:9:10", "fe80::1%eth0"}) EXPECT_LE(core::counted_address(odd).size(), 40U) << odd;
  EXPECT_EQ(core::counted_address("::ffff:203.0.113.9"), "203.0.113.9");
  EXPECT_EQ(core::counted_address("203.0.113.9"), "203.0.113.9");
}

class LoginLimitsTest : public CoreTest {
 protected:
  Result<core::LoginAnswer> from(const std::string& address, const std::string& app_id = "wx1", bool from_client = true) {
    core::LoginRequest asked = request(platform.fresh_code("o1"), app_id);
    asked.from_client = from_client;
    core::Trace trace;
    trace.source.ip = address;
    return run_here(services().login.run(std::move(asked), &trace));
  }
};

TEST_F(LoginLimitsTest, AnAppsMinuteIsThatAppsAlone) {
  add_app("wx2");
  set("logins_per_minute", "3");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(from("203.0.113." + std::to_string(i)));
  const auto limited = from("203.0.113.9");
  EXPECT_EQ(code_of(limited), ErrorCode::rate_limited);
  EXPECT_EQ(limited.error().retry_after, Seconds(20));
  EXPECT_EQ(platform.exchanges, 3) << "WeChat hears nothing of it";
  EXPECT_TRUE(from("203.0.113.9", "wx2"));
  clock.pass(20s);
  EXPECT_TRUE(from("203.0.113.9"));
}

TEST_F(LoginLimitsTest, AnAddresssMinuteIsThatAddresssAlone) {
  set("logins_per_address_per_minute", "2");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(from("203.0.113.9"));
  EXPECT_EQ(code_of(from("203.0.113.9")), ErrorCode::rate_limited);
  EXPECT_TRUE(from("203.0.113.10"));
  EXPECT_TRUE(from("203.0.113.9", "wx1", false)) << "WeChat's own servers bring codes of many";
}

// Whoever said to be WeChat's pre-fetch was under no limit, or used up that of the clients.
TEST_F(LoginLimitsTest, PrefetchHasAMinuteOfItsOwn) {
  set("prefetch_logins_per_minute", "2");
  set("logins_per_minute", "1");
  const auto prefetch = [this] {
    core::LoginRequest asked = request(platform.fresh_code("o1"));
    asked.prefetched = true;
    return login(std::move(asked));
  };
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(prefetch());
  const auto limited = prefetch();
  EXPECT_EQ(code_of(limited), ErrorCode::rate_limited);
  EXPECT_EQ(limited.error().retry_after, Seconds(30));
  EXPECT_TRUE(from("203.0.113.9"));
}

// Twenty cold starts later the user's oldest session was `replaced`.
TEST_F(LoginLimitsTest, APrefetchReplacesOnlyThePrefetchBefore) {
  set("max_per_user", "2");
  const auto phone = log_in("o1"), tablet = log_in("o1");
  std::string before;
  for (int i = 0; i < 3; ++i) {
    core::LoginRequest asked = request(platform.fresh_code("o1"));
    asked.prefetched = true;
    const auto prefetched = login(std::move(asked)).value();
    if (!before.empty()) {
      EXPECT_EQ(check(before), Reason::renew);
    }
    before = prefetched.tokens.token;
    EXPECT_EQ(check(before), Reason::none);
  }
  EXPECT_EQ(check(phone.tokens.token), Reason::none);
  EXPECT_EQ(check(tablet.tokens.token), Reason::none);
}

TEST_F(LoginLimitsTest, HundredsOfPhonesBehindOneAddressLogIn) {
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(from("203.0.113.9")) << i;
  EXPECT_EQ(code_of(from("203.0.113.9")), ErrorCode::rate_limited);
}

// A proxy on this machine that is not among trusted_proxies would have everybody counted as one.
TEST_F(LoginLimitsTest, ThisMachinesOwnAddressesAreLimitedOnlyWhereTheAppSaysSo) {
  for (int i = 0; i < 700; ++i) ASSERT_TRUE(from("127.0.0.1")) << i;
  set("logins_per_address_per_minute", "1");
  EXPECT_TRUE(from("127.0.0.1"));
  EXPECT_EQ(code_of(from("127.0.0.1")), ErrorCode::rate_limited);
}

TEST_F(LoginLimitsTest, OneAppsStormLeavesRoomForTheOthers) {
  add_app("wx2");
  platform.gate.close();
  const int storm_size = static_cast<int>(core::Login::kExchangesPerApp) + 88;
  std::thread storm([&] {
    std::vector<core::Trace> traces(static_cast<size_t>(storm_size));
    const std::function<Task<Result<core::LoginAnswer>>(int)> make = [&](int i) {
      return services().login.run(request(platform.fresh_code("o" + std::to_string(i))), &traces[static_cast<size_t>(i)]);
    };
    const auto answers = together<Result<core::LoginAnswer>>(storm_size, make);
    const auto surplus = std::ranges::count_if(answers, [](const auto& answer) { return !answer && answer.error().code == ErrorCode::unavailable && answer.error().retry_after; });
    EXPECT_EQ(surplus, 88);
    EXPECT_EQ(std::ranges::count_if(answers, [](const auto& answer) { return answer.has_value(); }), storm_size - 88);
  });
  while (platform.gate.waiting() < core::Login::kExchangesPerApp) std::this_thread::yield();
  std::thread other([&] { EXPECT_TRUE(from("203.0.113.9", "wx2")); });
  while (platform.gate.waiting() < core::Login::kExchangesPerApp + 1) std::this_thread::yield();
  platform.gate.open();
  storm.join();
  other.join();
}

}  // namespace
}  // namespace kaimen::test

// One upstream that does not answer is left alone but for a look each second, and the others do not notice.
#include "base/limits.h"
#include "tests/platform/wechat_fixture.h"

namespace kaimen::tests {
namespace {

using core::Breaker;
constexpr Millis kNow{1'000'000};

void fail(Breaker& breaker, int times) {
  for (int i = 0; i < times; ++i) breaker.failed(kNow);
}

TEST(BreakerTest, it_opens_after_so_many_failures_in_a_row) {
  Breaker breaker;
  fail(breaker, Breaker::kFailures - 1);
  EXPECT_TRUE(breaker.admits(kNow));
  breaker.failed(kNow);
  EXPECT_FALSE(breaker.admits(kNow));
}
TEST(BreakerTest, an_answer_in_between_keeps_it_shut) {
  Breaker breaker;
  for (int i = 0; i < 10; ++i) {
    fail(breaker, Breaker::kFailures - 1);
    breaker.answered();
  }
  EXPECT_TRUE(breaker.admits(kNow));
}
TEST(BreakerTest, open_it_lets_one_a_second_through_and_shuts_with_an_answer) {
  Breaker breaker;
  fail(breaker, Breaker::kFailures);
  for (int second = 1; second < 4; ++second) {
    const Millis now = kNow + second * Breaker::kProbeEvery;
    EXPECT_FALSE(breaker.admits(now - Millis(1)));
    EXPECT_TRUE(breaker.admits(now));
    EXPECT_FALSE(breaker.admits(now));
    breaker.failed(now);
  }
  breaker.answered();
  EXPECT_TRUE(breaker.admits(kNow));
  EXPECT_TRUE(breaker.admits(kNow));
}

struct TwoUpstreams {
  TwoUpstreams()
      : wechat(client, {{"dead", platform::Upstream{http::BaseUrl::parse("http://127.0.0.1:1").value(), ""}}, {"alive", platform::Upstream{http::BaseUrl::parse(alive.url()).value(), ""}}}, clock, random) {}
  auto exchange(const char* upstream) {
    auto app = make_app();
    app->upstream = upstream;
    return run_here(wechat.exchange_code(app, Secret("code"), deadline_in(Millis(3000))));
  }
  FakeUpstream alive;
  ManualClock clock;
  SystemRandom random;
  http::Client client;
  platform::Wechat wechat;
};

TEST(BreakerTest, a_dead_upstream_fails_at_once_and_another_goes_on) {
  TwoUpstreams both;
  both.alive.answer(kGoodSession);
  for (int i = 0; i < Breaker::kFailures; ++i) EXPECT_FALSE(both.exchange("dead"));
  const auto open = both.exchange("dead");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().error.code, ErrorCode::unavailable);
  EXPECT_EQ(open.error().error.detail, "WeChat has not answered for a while");
  EXPECT_TRUE(open.error().code_unspent);
  EXPECT_TRUE(open.error().error.retry_after);
  EXPECT_TRUE(both.exchange("alive"));
}

// A file over our own limit, fifty times, had every app wait for WeChat, which had answered each time.
TEST(BreakerTest, what_is_more_than_we_take_or_no_http_is_an_answer) {
  for (const std::string& body : {std::string(limits::kUpstreamBodyBytes + 1, 'x'), std::string()}) {
    FakeWechat fake;
    if (body.empty()) fake.play([](const SeenRequest&) { return Behaviour{"no http at all\r\n\r\n"}; });
    else fake.answer(body);
    for (int i = 0; i < Breaker::kFailures + 2; ++i) {
      const auto refused = fake.exchange();
      ASSERT_FALSE(refused);
      ASSERT_EQ(refused.error().error.code, ErrorCode::upstream_error) << i << refused.error().error.detail;
    }
  }
}

TEST(BreakerTest, errcodes_are_answers) {
  FakeWechat fake;
  fake.answer(R"({"errcode":45009,"errmsg":"reach max api daily quota limit"})");
  for (int i = 0; i < 2 * Breaker::kFailures; ++i) {
    const auto refused = fake.exchange();
    ASSERT_FALSE(refused);
    ASSERT_EQ(refused.error().error.upstream->errcode, 45009) << i;
  }
}

}  // namespace
}  // namespace kaimen::tests

// Every errcode that WeChat documents for the calls made here, answered over TCP the way WeChat does: HTTP 200, text/plain.
#include "tests/platform/wechat_fixture.h"

namespace kaimen::tests {
namespace {

using platform::WechatCall;

struct Case {
  WechatCall call;
  int64_t errcode;
  ErrorCode expected;
  bool code_unspent = false, token_rejected = false;
  int retry_after = 0;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.errcode << " in call " << int(one.call); }

class Errcode : public testing::TestWithParam<Case> {};

core::CallFailure failure_of(FakeWechat& fake, WechatCall call) {
  switch (call) {
    case WechatCall::code_exchange: return fake.exchange().error();
    case WechatCall::access_token: return fake.fetch_token().error();
    case WechatCall::phone: return fake.phone("token", "code", "oX").error();
    case WechatCall::check_session_key: return fake.check_key("token", "oX", "key").error();
    case WechatCall::reset_session_key: return fake.reset_key("token", "oX", "key").error();
    case WechatCall::encrypt_keys: return fake.encrypt_keys("token", "oX", "key").error();
    case WechatCall::check_text: return fake.check_text("token", "oX", "text").error();
    case WechatCall::check_picture: return fake.check_picture("token", "oX", "http://127.0.0.1/a").error();
    case WechatCall::draw_code: return fake.draw_code("token", "scene", "pages/index").error();
    case WechatCall::make_link: return fake.make_link("token", "pages/index").error();
    case WechatCall::component_token:
    case WechatCall::component: break;  // component_test.cpp
  }
  return {};
}

TEST_P(Errcode, IsMappedAsDocumented) {
  const Case& expected = GetParam();
  FakeWechat fake;
  fake.answer(R"({"errcode":)" + std::to_string(expected.errcode) + R"(,"errmsg":"words, rid: 60f0d6c1-0a1b2c3d-00112233"})");
  const auto failure = failure_of(fake, expected.call);
  EXPECT_EQ(name_of(failure.error.code), name_of(expected.expected));
  EXPECT_EQ(failure.code_unspent, expected.code_unspent);
  EXPECT_EQ(failure.token_rejected, expected.token_rejected);
  EXPECT_EQ(failure.error.retry_after.value_or(Seconds(0)), Seconds(expected.retry_after));
  ASSERT_TRUE(failure.error.upstream.has_value());
  EXPECT_EQ(failure.error.upstream->errcode, expected.errcode);
  EXPECT_EQ(failure.error.upstream->rid, "60f0d6c1-0a1b2c3d-00112233");
  EXPECT_EQ(failure.error.detail.find("words"), std::string::npos) << "the errmsg is not kept";
  EXPECT_EQ(fake.seen().size(), 1u);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  constexpr WechatCall kCalls[] = {WechatCall::code_exchange,     WechatCall::access_token, WechatCall::phone,      WechatCall::check_session_key,
                                   WechatCall::reset_session_key, WechatCall::encrypt_keys, WechatCall::check_text, WechatCall::check_picture,
                                   WechatCall::draw_code,         WechatCall::make_link};
  for (const auto call : kCalls) {
    cases.push_back({call, -1, ErrorCode::upstream_busy, true, false, 1});
    cases.push_back({call, 45011, ErrorCode::rate_limited, false, false, 60});
    cases.push_back({call, 45009, ErrorCode::rate_limited, false, false, 3600});
    cases.push_back({call, 40226, ErrorCode::risk_blocked});
    for (const int64_t errcode : {40002, 40125, 40164, 40230, 40235, 40240, 40243, 41002, 41004, 41008, 48001, 50004, 50007, 61003, 61007,
                                  89503, 89506, 89507}) {
      cases.push_back({call, errcode, ErrorCode::app_misconfigured});
    }
    for (const int64_t errcode : {1, 40097, 43002, 44002, 47001, 87008, 999999, 40229, 40241}) {
      cases.push_back({call, errcode, ErrorCode::upstream_error});
    }
    if (call == WechatCall::access_token) {
      cases.push_back({call, 40001, ErrorCode::app_misconfigured});
    } else {
      for (const int64_t errcode : {40001, 40014, 42001}) cases.push_back({call, errcode, ErrorCode::upstream_error, false, true});
    }
  }
  for (const auto call : {WechatCall::code_exchange, WechatCall::phone}) {
    cases.push_back({call, 40029, ErrorCode::code_invalid});
    cases.push_back({call, 40163, ErrorCode::code_used});
  }
  cases.push_back({WechatCall::code_exchange, 40013, ErrorCode::app_misconfigured});
  cases.push_back({WechatCall::access_token, 40013, ErrorCode::app_misconfigured});
  cases.push_back({WechatCall::phone, 40013, ErrorCode::code_invalid});
  cases.push_back({WechatCall::phone, 40003, ErrorCode::code_invalid});
  for (const auto call : {WechatCall::reset_session_key, WechatCall::encrypt_keys}) {
    for (const int64_t errcode : {87007, 87009}) cases.push_back({call, errcode, ErrorCode::stale_session_key});
  }
  for (const auto call : {WechatCall::check_text, WechatCall::check_picture}) cases.push_back({call, 61010, ErrorCode::stale_session_key});
  cases.push_back({WechatCall::check_picture, 87014, ErrorCode::content_rejected});
  cases.push_back({WechatCall::draw_code, 41030, ErrorCode::invalid_request});
  for (const int64_t errcode : {40165, 40212, 85401, 85402}) cases.push_back({WechatCall::make_link, errcode, ErrorCode::invalid_request});
  cases.push_back({WechatCall::make_link, 85079, ErrorCode::app_misconfigured});
  cases.push_back({WechatCall::make_link, 44990, ErrorCode::rate_limited, false, false, 1});
  cases.push_back({WechatCall::make_link, 44993, ErrorCode::rate_limited, false, false, 3600});
  cases.push_back({WechatCall::code_exchange, 87009, ErrorCode::stale_session_key});
  return cases;
}
INSTANTIATE_TEST_SUITE_P(Documented, Errcode, testing::ValuesIn(all_cases()));

TEST(CheckSessionKey, AKeyThatDoesNotStandIsAnAnswerAndNoError) {
  FakeWechat fake;
  for (const char* errcode : {"87007", "87009"}) {
    fake.answer(std::string(R"({"errcode":)") + errcode + R"(,"errmsg":"invalid signature"})");
    const auto stands = fake.check_key("token", "oX", "key");
    ASSERT_TRUE(stands.has_value());
    EXPECT_FALSE(stands.value());
  }
}

TEST(SeenAddress, IsTheAddressAloneAndOnlyWhereItReadsAsOne) {
  using platform::wechat_seen_address;
  EXPECT_EQ(wechat_seen_address("invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 65a4"), "203.0.113.9");
  EXPECT_EQ(wechat_seen_address("invalid ip 2001:db8::7, not in whitelist"), "2001:db8::7");
  for (const char* text : {"", "ok", "invalid ip ", "invalid ip secret", "invalid ip 1.2.3", "invalid ip 999.1.1.1", "invalid ip <b>", "invalid ip cafe", "ip 203.0.113.9"}) {
    EXPECT_EQ(wechat_seen_address(text), "") << text;
  }
  const auto failure = platform::wechat_failure(WechatCall::access_token, 40164, "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, the word canary rid: 65a4");
  EXPECT_TRUE(failure.error.detail.ends_with(": 203.0.113.9")) << failure.error.detail;
  EXPECT_EQ(failure.error.detail.find("canary"), std::string::npos);
  EXPECT_EQ(platform::wechat_failure(WechatCall::access_token, 40013, "invalid ip 203.0.113.9").error.detail.find("203"), std::string::npos) << "of another errcode nothing";
}

TEST(Rid, IsTakenFromTheTailOfTheErrmsg) {
  using platform::wechat_rid;
  EXPECT_EQ(wechat_rid("invalid code, rid: 65a4c1b2-1a2b3c4d-5e6f7a8b"), "65a4c1b2-1a2b3c4d-5e6f7a8b");
  EXPECT_EQ(wechat_rid("invalid code rid:abc"), "abc");
  EXPECT_EQ(wechat_rid("invalid appid, hints: [ req_id: 4QHBnP9nRa-XJ5 ]"), "4QHBnP9nRa-XJ5");
  EXPECT_EQ(wechat_rid("rid: first, rid: last"), "last");
}
TEST(Rid, IsEmptyWhereThereIsNone) {
  using platform::wechat_rid;
  EXPECT_EQ(wechat_rid(""), "");
  EXPECT_EQ(wechat_rid("ok"), "");
  EXPECT_EQ(wechat_rid("rid:"), "");
  EXPECT_EQ(wechat_rid("rid: <script>"), "");
  EXPECT_EQ(wechat_rid("grid: 12"), "") << "the end of another word";
}
TEST(Rid, IsDroppedWhenItIsTooLong) {
  EXPECT_EQ(platform::wechat_rid("rid: " + std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(platform::wechat_rid("rid: " + std::string(65, 'a')), "");
}

}  // namespace
}  // namespace kaimen::tests

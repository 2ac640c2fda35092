// What WeChat sees of each call: the parameters, how often, how long; and what happens when it is not there.
#include "base/encoding.h"
#include "crypto/hash.h"
#include "http/json.h"
#include "http/message.h"
#include "tests/platform/wechat_fixture.h"

namespace kaimen::tests {
namespace {

using std::chrono::steady_clock;

http::Parameters query_of(const SeenRequest& request) {
  const std::string target = request.target();
  http::Parameters parameters;
  EXPECT_TRUE(http::parse_parameters(std::string_view(target).substr(target.find('?') + 1), parameters));
  return parameters;
}

// L1
TEST(CodeExchange, SendsAHostileCodeAsExactlyOneOfFourParameters) {
  FakeWechat fake;
  fake.answer(kGoodSession);
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte.push_back(static_cast<char>(byte));
  const std::string codes[] = {"a&appid=wxevil", "a=b", "a#b", "a%26b", "100%", "a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1",
      std::string("a\0b", 3),
                               "密码", " + ", "a;b", "a/../b?c", every_byte, std::string(512, '&')};
  for (const auto& code : codes) {
    ASSERT_TRUE(fake.exchange(code).has_value());
    const auto request = fake.seen().back();
    EXPECT_EQ(request.head.substr(0, 5), "GET /");
    EXPECT_EQ(request.target().substr(0, request.target().find('?')), "/sns/jscode2session");
    EXPECT_EQ(request.head.find("\nX-Evil"), std::string::npos);
    EXPECT_EQ(request.body, "");
    const std::vector<std::pair<std::string, std::string>> expected{
        {"appid", kAppid}, {"secret", "s3cret"}, {"js_code", code}, {"grant_type", "authorization_code"}};
    EXPECT_EQ(query_of(request).items, expected);
  }
  EXPECT_EQ(fake.seen().size(), std::size(codes));
}

// L3: whatever happens after the request left, it is not sent again.
class BrokenOff : public testing::TestWithParam<std::pair<const char*, Behaviour>> {};
TEST_P(BrokenOff, IsOneRequestAndTheCodeMayBeSpent) {
  FakeWechat fake;
  fake.answer(kGoodSession);
  ASSERT_TRUE(fake.exchange("warm").has_value()) << "so that a kept connection is there to be lost";
  fake.play(GetParam().second);
  const auto result = fake.exchange(make_app(), "code", Millis(400));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "upstream_error");
  EXPECT_FALSE(result.error().code_unspent);
  EXPECT_FALSE(result.error().error.upstream.has_value());
  EXPECT_EQ(fake.seen().size(), 2u);
}
INSTANTIATE_TEST_SUITE_P(
    All, BrokenOff,
    testing::Values(std::pair{"closed", Behaviour{"", Millis(0), false, true}}, std::pair{"silent", Behaviour{"", Millis(0), true}},
                    std::pair{"half a head", Behaviour{"HTTP/1.1 200 O", Millis(0), false, true}},
                    std::pair{"half a body, then silent", Behaviour{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", Millis(0), true}},
                    std::pair{"drip", Behaviour{http_answer(std::string(1000, ' ') + kGoodSession), Millis(5)}}),
    [](const auto& one) {
      std::string name;
      for (const char c : std::string(one.param.first)) {
        if (isalnum(static_cast<unsigned char>(c))) name.push_back(c);
      }
      return name;
    });

TEST(CodeExchange, ThatReachesNobodyLeavesTheCodeUnspent) {
  WechatAt nowhere("http://127.0.0.1:" + std::to_string(refused_port()));
  const auto result = nowhere.exchange();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "unavailable");
  EXPECT_TRUE(result.error().code_unspent);
  EXPECT_EQ(result.error().error.retry_after, Seconds(1));
}

TEST(CodeExchange, NeverTellsTheSecretOrTheCodeInAnError) {
  WechatAt nowhere("http://127.0.0.1:" + std::to_string(refused_port()));
  const auto refused = nowhere.exchange("canary-code");
  FakeWechat fake;
  fake.play(Behaviour{"", Millis(0), false, true});
  const auto cut = fake.exchange("canary-code");
  fake.answer(R"({"errcode":40029,"errmsg":"invalid code canary-code, secret s3cret, rid: r"})");
  const auto said = fake.exchange("canary-code");
  for (const auto* result : {&refused, &cut, &said}) {
    EXPECT_EQ(result->error().error.detail.find("canary-code"), std::string::npos);
    EXPECT_EQ(result->error().error.detail.find("s3cret"), std::string::npos);
  }
}

// U3
TEST(HangingUpstream, EndsACallWithinItsDeadline) {
  FakeWechat fake;
  fake.play(Behaviour{"", Millis(0), true});
  const auto from = steady_clock::now();
  const auto result = fake.exchange(make_app(), "code", Millis(60'000));
  const auto took = steady_clock::now() - from;
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "upstream_error");
  EXPECT_GE(took, Millis(2900));
  EXPECT_LE(took, Millis(3500)) << "a caller's longer deadline does not count";
}

TEST(HangingUpstream, HoldsNoCallLongerThanTheCallerWaits) {
  FakeWechat fake;
  fake.play(Behaviour{"", Millis(0), true});
  const auto from = steady_clock::now();
  EXPECT_FALSE(fake.exchange(make_app(), "code", Millis(300)).has_value());
  EXPECT_LE(steady_clock::now() - from, Millis(1000));
}

TEST(AppWithAnUnknownUpstream, IsMisconfigured) {
  FakeWechat fake;
  auto app = make_app();
  app->upstream = "elsewhere";
  const auto result = fake.exchange(app, "code");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "app_misconfigured");
  EXPECT_TRUE(result.error().code_unspent);
  EXPECT_EQ(fake.accepted(), 0);
}

TEST(BaseUrlWithAPrefix, IsPutBeforeThePath) {
  FakeUpstream upstream;
  upstream.answer(kGoodSession);
  WechatAt wechat(upstream.url() + "/wx");
  ASSERT_TRUE(wechat.exchange().has_value());
  EXPECT_TRUE(upstream.seen().front().target().starts_with("/wx/sns/jscode2session?"));
}

// While the AppSecret is being changed, WeChat knows one of the two.
struct SecretRotation : testing::Test {
  SecretRotation() {
    app->old_secret = Secret("0ld");
    app->old_secret_until = fake.clock.now() + Seconds(60);
    fake.play([](const SeenRequest& request) {
      const bool old = request.head.find("secret=0ld") != std::string::npos || request.body.find("\"0ld\"") != std::string::npos;
      if (!old) return Behaviour{http_answer(R"({"errcode":40125,"errmsg":"invalid appsecret, rid: r"})")};
      return Behaviour{http_answer(request.body.empty() ? kGoodSession : R"({"access_token":"tok","expires_in":7200})")};
    });
  }
  FakeWechat fake;
  std::shared_ptr<core::App> app = make_app();
};
TEST_F(SecretRotation, TriesTheOldSecretOnceTheNewOneIsRefused) {
  ASSERT_TRUE(fake.exchange(app, "code").has_value());
  ASSERT_EQ(fake.seen().size(), 2u);
  EXPECT_EQ(*query_of(fake.seen()[0]).find("secret"), "s3cret");
  EXPECT_EQ(*query_of(fake.seen()[1]).find("secret"), "0ld");
  EXPECT_EQ(*query_of(fake.seen()[1]).find("js_code"), "code");
}
TEST_F(SecretRotation, TriesTheOldSecretForTokensToo) {
  const auto fetched = fake.fetch_token(app);
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(fetched.value().token.reveal(), "tok");
}
// Asked for a token, WeChat says 40001 of a wrong AppSecret as well.
TEST_F(SecretRotation, TriesTheOldSecretForTokensAfter40001) {
  fake.play([](const SeenRequest& request) {
    const bool old = request.body.find("\"0ld\"") != std::string::npos;
    return Behaviour{http_answer(old ? R"({"access_token":"tok","expires_in":7200})" : R"({"errcode":40001,"errmsg":"invalid credential"})")};
  });
  ASSERT_TRUE(fake.fetch_token(app).has_value());
  EXPECT_EQ(fake.seen().size(), 2u);
}
TEST_F(SecretRotation, DoesNotTryTheOldSecretFor40001OfACode) {
  fake.answer(R"({"errcode":40001,"errmsg":"invalid credential"})");
  EXPECT_FALSE(fake.exchange(app, "code").has_value());
  EXPECT_EQ(fake.seen().size(), 1u);
}
TEST_F(SecretRotation, DoesNotTryTheOldSecretAfterItsTime) {
  fake.clock.advance(Seconds(60));
  const auto result = fake.exchange(app, "code");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "app_misconfigured");
  EXPECT_EQ(fake.seen().size(), 1u);
}
TEST_F(SecretRotation, DoesNotTryTheOldSecretForOtherErrors) {
  fake.answer(R"({"errcode":40029,"errmsg":"invalid code"})");
  EXPECT_FALSE(fake.exchange(app, "code").has_value());
  EXPECT_EQ(fake.seen().size(), 1u);
}
TEST_F(SecretRotation, TriesTwiceAndNoMore) {
  fake.answer(R"({"errcode":40125,"errmsg":"invalid appsecret"})");
  const auto result = fake.exchange(app, "code");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().error.upstream->errcode, 40125);
  EXPECT_EQ(fake.seen().size(), 2u);
}

TEST(AccessToken, IsFetchedInStableNormalMode) {
  FakeWechat fake;
  fake.answer(R"({"access_token":"98_tok","expires_in":7199})");
  const auto fetched = fake.fetch_token();
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(fetched.value().token.reveal(), "98_tok");
  EXPECT_EQ(fetched.value().expires_in, Seconds(7199));
  const auto request = fake.seen().front();
  EXPECT_TRUE(request.head.starts_with("POST /cgi-bin/stable_token HTTP/1.1\r\n"));
  EXPECT_EQ(http::parse_json(request.body).value(),
            http::parse_json(R"({"grant_type":"client_credential","appid":"wx00000000000000aa","secret":"s3cret","force_refresh":false})")
                .value());
}

TEST(PhoneByCode, SendsTheOpenidAndNormalisesTheNumber) {
  FakeWechat fake;
  const std::string mark = R"(,"watermark":{"timestamp":1700000000,"appid":"wx00000000000000aa"}}})";
  const std::pair<const char*, const char*> answers[] = {
      {R"("phoneNumber":"13800000000","purePhoneNumber":"13800000000","countryCode":"86")", "+8613800000000"},
      {R"("phoneNumber":"13800000000","purePhoneNumber":"13800000000","countryCode":86)", "+8613800000000"},
      {R"("phoneNumber":"+8613800000000","purePhoneNumber":"13800000000","countryCode":"86")", "+8613800000000"},
      {R"("phoneNumber":"+85261234567","purePhoneNumber":"61234567","countryCode":"852")", "+85261234567"},
      {R"("phoneNumber":"85261234567","purePhoneNumber":"61234567","countryCode":852)", "+85261234567"}};
  for (const auto& [members, full] : answers) {
    fake.answer(std::string(R"({"errcode":0,"errmsg":"ok","phone_info":{)") + members + mark);
    const auto result = fake.phone("to&ken", "co\"de", "oX");
    ASSERT_TRUE(result.has_value()) << members;
    EXPECT_EQ(result.value().full, full);
    EXPECT_EQ(result.value().full, "+" + result.value().country_code + result.value().national);
  }
  const auto request = fake.seen().front();
  EXPECT_TRUE(request.head.starts_with("POST /wxa/business/getuserphonenumber?access_token=to%26ken HTTP/1.1\r\n"));
  EXPECT_EQ(http::parse_json(request.body).value(), http::parse_json(R"({"code":"co\"de","openid":"oX"})").value());
}

TEST(CheckSessionKey, SignsTheEmptyBodyWithTheKeysText) {
  FakeWechat fake;
  fake.answer(R"({"errcode":0,"errmsg":"ok"})");
  const auto stands = fake.check_key("tok", "oX", "tiihtNczf5v6AKRyjwEUhQ==");
  ASSERT_TRUE(stands.has_value());
  EXPECT_TRUE(stands.value());
  const auto request = fake.seen().front();
  EXPECT_TRUE(request.head.starts_with("GET /wxa/checksession?"));
  const std::vector<std::pair<std::string, std::string>> expected{
      {"access_token", "tok"},
      {"openid", "oX"},
      {"signature", "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735"},
      {"sig_method", "hmac_sha256"}};
  EXPECT_EQ(query_of(request).items, expected);
}

}  // namespace
}  // namespace kaimen::tests

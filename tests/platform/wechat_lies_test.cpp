// Answers that lie or break off: none of them may become a session, and none may be asked for twice.
#include "tests/platform/wechat_fixture.h"

namespace kaimen::tests {
namespace {

struct Lie {
  const char* name;
  std::string bytes;
};
std::ostream& operator<<(std::ostream& out, const Lie& lie) { return out << lie.name; }

std::string good_with(const std::string& openid, const std::string& key) {
  return http_answer(R"({"session_key":)" + key + R"(,"openid":)" + openid + "}");
}
const std::string kKey = R"("tiihtNczf5v6AKRyjwEUhQ==")";
const std::string kOpenid = R"("oABCDEFGHIJKLMNOPQRSTUVWXYZ0")";

class LyingAnswer : public testing::TestWithParam<Lie> {};

TEST_P(LyingAnswer, IsNoSession) {
  FakeWechat fake;
  fake.play(Behaviour{GetParam().bytes, Millis(0), false, true});
  const auto result = fake.exchange();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "upstream_error");
  EXPECT_FALSE(result.error().code_unspent) << "the code may be spent";
  EXPECT_EQ(fake.seen().size(), 1u);
  EXPECT_EQ(fake.accepted(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, LyingAnswer,
    testing::Values(
        Lie{"errcode 0 and nothing else", http_answer(R"({"errcode":0,"errmsg":"ok"})")},
        Lie{"no members", http_answer("{}")}, Lie{"empty body", http_answer("")},
        Lie{"not JSON", http_answer("<html>502</html>", "text/html")}, Lie{"an array", http_answer("[" + std::string(kGoodSession) + "]")},
        Lie{"a string", http_answer(R"("ok")")}, Lie{"null", http_answer("null")},
        Lie{"two texts", http_answer(std::string(kGoodSession) + kGoodSession)},
        Lie{"trailing bytes", http_answer(std::string(kGoodSession) + "x")},
        Lie{"no session_key", http_answer(R"({"openid":"oABCDEFGHIJKLMNOPQRSTUVWXYZ0"})")},
        Lie{"no openid", http_answer(R"({"session_key":"tiihtNczf5v6AKRyjwEUhQ=="})")},
        Lie{"openid as array", good_with(R"(["oABCDEFGHIJKLMNOPQRSTUVWXYZ0"])", kKey)}, Lie{"openid as number", good_with("42", kKey)},
        Lie{"openid as object", good_with("{}", kKey)}, Lie{"openid null", good_with("null", kKey)},
        Lie{"openid empty", good_with(R"("")", kKey)}, Lie{"openid with a quote", good_with(R"("o'--")", kKey)},
        Lie{"openid with a blank", good_with(R"("o A")", kKey)}, Lie{"openid with NUL", good_with(R"("oA\u0000B")", kKey)},
        Lie{"openid of 129 bytes", good_with('"' + std::string(129, 'o') + '"', kKey)},
        Lie{"session_key of 15 bytes", good_with(kOpenid, R"("AAAAAAAAAAAAAAAAAAAA")")},
        Lie{"session_key of 24 bytes", good_with(kOpenid, R"("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")")},
        Lie{"session_key not base64", good_with(kOpenid, R"("tiihtNczf5v6AKRyjwEU*Q==")")},
        Lie{"session_key not padded", good_with(kOpenid, R"("tiihtNczf5v6AKRyjwEUhQ")")},
        Lie{"session_key empty", good_with(kOpenid, R"("")")}, Lie{"session_key as number", good_with(kOpenid, "1")},
        Lie{"unionid as array", good_with(kOpenid, kKey + R"(,"unionid":["o1"])")},
        Lie{"unionid with a slash", good_with(kOpenid, kKey + R"(,"unionid":"o/1")")},
        Lie{"openid twice", good_with(kOpenid, kKey + R"(,"openid":"oOther")")},
        Lie{"errcode twice", good_with(kOpenid, kKey + R"(,"errcode":40029,"errcode":0)")},
        Lie{"errcode as text zero", good_with(kOpenid, kKey + R"(,"errcode":"0")")},
        Lie{"errcode as words", good_with(kOpenid, kKey + R"(,"errcode":"fine")")},
        Lie{"errcode null", good_with(kOpenid, kKey + R"(,"errcode":null)")},
        Lie{"errcode as fraction", good_with(kOpenid, kKey + R"(,"errcode":0.5)")},
        Lie{"errcode true", good_with(kOpenid, kKey + R"(,"errcode":true)")},
        Lie{"errcode beyond 64 bits", good_with(kOpenid, kKey + R"(,"errcode":99999999999999999999)")},
        Lie{"invalid UTF-8", good_with(kOpenid, kKey + ",\"x\":\"\xff\"")},
        Lie{"deep nesting", good_with(kOpenid, kKey + R"(,"x":)" + std::string(1000, '[') + std::string(1000, ']'))},
        Lie{"HTTP 500 with a session", http_answer(kGoodSession, "application/json", "500 Internal Server Error")},
        Lie{"HTTP 302", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
        Lie{"HTTP 204", "HTTP/1.1 204 No Content\r\n\r\n"}, Lie{"no HTTP", "hello, who is there?\r\n\r\n"},
        Lie{"no bytes", ""}, Lie{"head cut", "HTTP/1.1 200 OK\r\nContent-Le"},
        Lie{"body cut", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + std::string(kGoodSession)},
        Lie{"chunk cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200\r\n" + std::string(kGoodSession)},
        Lie{"10 MB", http_answer(good_with(kOpenid, kKey).substr(0, 10) + std::string(10'000'000, ' '))},
        Lie{"a session in 10 MB of blanks", http_answer(std::string(10'000'000, ' ') + kGoodSession)},
        Lie{"garbage", std::string("\x16\x03\x01\x00\xff\xfe\x00", 7)}));

TEST(HonestAnswer, IsASessionWhateverItsContentTypeSays) {
  for (const char* type : {"text/plain", "text/plain; charset=ISO-8859-1", "application/json", "text/html", "image/png"}) {
    FakeWechat fake;
    fake.play(Behaviour{http_answer(kGoodSession, type)});
    const auto result = fake.exchange();
    ASSERT_TRUE(result.has_value()) << type;
    EXPECT_EQ(result.value().openid, "oABCDEFGHIJKLMNOPQRSTUVWXYZ0");
    EXPECT_EQ(result.value().session_key.reveal(), "tiihtNczf5v6AKRyjwEUhQ==");
    EXPECT_EQ(result.value().unionid, "");
  }
}

TEST(HonestAnswer, MayCarryErrcodeZeroAndAUnionid) {
  FakeWechat fake;
  fake.answer(R"({"errcode":0,"errmsg":"ok","session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oA_-9","unionid":"oU_1","later":[1]})");
  const auto result = fake.exchange();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result.value().openid, "oA_-9");
  EXPECT_EQ(result.value().unionid, "oU_1");
}

TEST(ErrcodeInAnAnswer, CountsAlsoAsTextAndWithAnotherHttpStatus) {
  FakeWechat fake;
  fake.play(Behaviour{http_answer(R"({"errcode":"40029","errmsg":"invalid code, rid: r1"})", "text/plain", "412 Precondition Failed")});
  const auto result = fake.exchange();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "code_invalid");
  EXPECT_EQ(result.error().error.upstream->rid, "r1");
}

TEST(ErrcodeInAnAnswer, OutweighsASessionBesideIt) {
  FakeWechat fake;
  fake.play(Behaviour{good_with(kOpenid, kKey + R"(,"errcode":40163)")});
  const auto result = fake.exchange();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "code_used");
}

TEST(AccessTokenAnswer, OfABadFormIsRefused) {
  FakeWechat fake;
  for (const std::string& body : std::initializer_list<std::string>{
           R"({"access_token":"","expires_in":7200})",
           R"({"access_token":"t"})",
           R"({"access_token":"t","expires_in":0})",
           R"({"access_token":"t","expires_in":14401})",
           R"({"access_token":"t","expires_in":"7200"})",
           R"({"access_token":7,"expires_in":7200})",
           R"({"access_token":"t\r\nX: y","expires_in":7200})",
           R"({"expires_in":7200})",
           R"({"access_token":")" + std::string(2049, 't') + R"(","expires_in":7200})",
       }) {
    fake.answer(body);
    const auto result = fake.fetch_token();
    ASSERT_FALSE(result.has_value()) << body.substr(0, 80);
    EXPECT_EQ(name_of(result.error().error.code), "upstream_error");
  }
}

TEST(PhoneAnswer, OfABadFormIsRefused) {
  const std::string mark = R"(,"watermark":{"timestamp":1700000000,"appid":"wx00000000000000aa"})";
  FakeWechat fake;
  for (const std::string& info : std::initializer_list<std::string>{
           "null",
           "[]",
           "{}",
           R"({"phoneNumber":"13800000000","purePhoneNumber":"13800000000","countryCode":"86"})",
           R"({"phoneNumber":"13800000000","purePhoneNumber":"13800000000")" + mark + "}",
           R"({"phoneNumber":"13800000000","purePhoneNumber":"13900000000","countryCode":"86")" + mark + "}",
           R"({"phoneNumber":"+1 13800000000","purePhoneNumber":"13800000000","countryCode":"86")" + mark + "}",
           R"({"phoneNumber":"138","purePhoneNumber":"138","countryCode":"86")" + mark + "}",
           R"({"phoneNumber":13800000000,"purePhoneNumber":"13800000000","countryCode":"86")" + mark + "}",
           R"({"phoneNumber":"13800000000","purePhoneNumber":"13800000000","countryCode":"086")" + mark + "}",
           R"({"phoneNumber":"13800000000","purePhoneNumber":"13800000000","countryCode":"86","watermark":{"timestamp":1,"appid":"wx0"}})",
       }) {
    fake.answer(R"({"errcode":0,"errmsg":"ok","phone_info":)" + info + "}");
    const auto result = fake.phone("t", "code", "oX");
    ASSERT_FALSE(result.has_value()) << info;
    EXPECT_EQ(name_of(result.error().error.code), "upstream_error");
  }
}

TEST(SessionCheckAnswer, WithoutAnErrcodeSaysNothing) {
  FakeWechat fake;
  fake.answer("{}");
  const auto result = fake.check_key("t", "oX", "key");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "upstream_error");
}

}  // namespace
}  // namespace kaimen::tests

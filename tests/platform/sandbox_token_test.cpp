// The sandbox's access_tokens, and the calls that bear one.
#include "tests/platform/sandbox_fixture.h"

namespace kaimen::tests {
namespace {

struct SandboxToken : testing::Test {
  SandboxWechat box;
  std::string openid = box.session().openid;

  json::object classic() { return box.ask("GET", "/cgi-bin/token?grant_type=client_credential&appid=wx00000000000000aa&secret=s3cret"); }
  json::object stable(bool force = false) {
    return box.ask("POST", "/cgi-bin/stable_token",
        std::string(R"({"grant_type":"client_credential","appid":"wx00000000000000aa","secret":"s3cret")") +
                                                        (force ? R"(,"force_refresh":true})" : "}"));
  }
  static std::string of(const json::object& answer) { return SandboxWechat::text(answer, "access_token"); }
  // 40003 (no such openid) tells that the token was taken.
  int64_t use(const std::string& token) {
    return box.ask("GET", "/wxa/checksession?openid=nobody&sig_method=hmac_sha256&access_token=" + token)["errcode"].as_int64();
  }
  static constexpr int64_t kTaken = 40003;
  std::string signed_query(const std::string& key, const std::string& token) const {
    return "?access_token=" + token + "&openid=" + openid + "&sig_method=hmac_sha256&signature=" + to_hex(crypto::hmac_sha256(key, ""));
  }
};

TEST_F(SandboxToken, StableModeGivesTheSameTokenUntilTheLastFiveMinutes) {
  const std::string first = of(stable());
  box.clock.advance(Seconds(6899));
  const auto again = stable();
  EXPECT_EQ(of(again), first);
  EXPECT_EQ(again.at("expires_in").as_int64(), 301);
  box.clock.advance(Seconds(1));
  const auto next = stable();
  EXPECT_NE(of(next), first);
  EXPECT_EQ(next.at("expires_in").as_int64(), 7200);
  EXPECT_EQ(use(first), kTaken) << "until its own end";
  box.clock.advance(Seconds(300));
  EXPECT_EQ(use(first), 42001);
  EXPECT_EQ(use(of(next)), kTaken);
}
TEST_F(SandboxToken, ForceEndsTheOneBeforeAndIsRationed) {
  const std::string first = of(stable());
  const std::string forced = of(stable(true));
  EXPECT_NE(forced, first);
  EXPECT_EQ(use(first), 40001);
  EXPECT_EQ(of(stable()), forced);
  EXPECT_EQ(stable(true)["errcode"].as_int64(), 45011) << "within 30 s";
  for (int i = 1; i < 20; ++i) {
    box.clock.advance(Seconds(30));
    ASSERT_NE(of(stable(true)), "") << i;
  }
  box.clock.advance(Seconds(30));
  EXPECT_EQ(stable(true)["errcode"].as_int64(), 45009) << "20 a day";
  box.clock.advance(std::chrono::hours(24));
  EXPECT_NE(of(stable(true)), "");
}
TEST_F(SandboxToken, ClassicCallsEndTheOneBeforeAfterFiveMinutes) {
  const std::string first = of(classic()), second = of(classic());
  EXPECT_NE(first, second);
  EXPECT_EQ(use(first), kTaken);
  box.clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(use(first), 42001);
  EXPECT_EQ(use(second), kTaken);
  classic();
  classic();
  EXPECT_EQ(use(second), 40001) << "two later there is no trace of it";
}
TEST_F(SandboxToken, ClassicAndStableDoNotEndEachOther) {
  const std::string kept = of(stable());
  const std::string old = of(classic());
  classic();
  EXPECT_EQ(use(kept), kTaken);
  stable(true);
  EXPECT_EQ(use(old), kTaken);
}
TEST_F(SandboxToken, IsAskedForAsDocumented) {
  EXPECT_EQ(box.ask("GET", "/cgi-bin/stable_token")["errcode"].as_int64(), 43002);
  EXPECT_EQ(box.ask("POST", "/cgi-bin/stable_token", "x")["errcode"].as_int64(), 47001);
  EXPECT_EQ(box.ask("POST", "/cgi-bin/stable_token", "{}")["errcode"].as_int64(), 40002);
  EXPECT_EQ(use(""), 41001);
  EXPECT_EQ(use("98_unknown"), 40001);
}
TEST_F(SandboxToken, IsRejectedWhereItIsNoLongerGood) {
  const std::string token = box.token();
  box.clock.advance(Seconds(7200));
  const auto result = run_here(box.wechat->phone_by_code(make_app(), Secret(token), "c", "", deadline_in(Millis(3000))));
  EXPECT_EQ(errcode_of(result), 42001);
  EXPECT_TRUE(result.error().token_rejected);
}

TEST_F(SandboxToken, ChecksTheSessionKeyThatStands) {
  const auto first = box.session().session_key;
  EXPECT_TRUE(box.key_stands(openid, first).value());
  const auto second = box.session("ann", R"(,"rotate":true)").session_key;
  EXPECT_FALSE(box.key_stands(openid, first).value());
  EXPECT_TRUE(box.key_stands(openid, second).value());
  EXPECT_EQ(errcode_of(box.key_stands("nobody", second)), 40003);
}
TEST_F(SandboxToken, ResetsASessionKey) {
  const auto key = box.session().session_key;
  const std::string token = box.token();
  const auto reset = box.ask("GET", "/wxa/resetusersessionkey" + signed_query(key.reveal(), token));
  EXPECT_EQ(SandboxWechat::text(reset, "openid"), openid);
  const Secret fresh(SandboxWechat::text(reset, "session_key"));
  EXPECT_FALSE(box.key_stands(openid, key).value());
  EXPECT_TRUE(box.key_stands(openid, fresh).value());
  EXPECT_EQ(box.ask("GET", "/wxa/resetusersessionkey" + signed_query(key.reveal(), token))["errcode"].as_int64(), 87009);
}
TEST_F(SandboxToken, GivesEncryptKeysThatChangeByTheHour) {
  const std::string query = signed_query(box.session().session_key.reveal(), box.token());
  auto keys = [&] { return box.ask("GET", "/wxa/business/getuserencryptkey" + query)["key_info_list"].as_array(); };
  const auto first = keys();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].at("version").as_int64(), 1);
  EXPECT_EQ(first[0].at("expire_in").as_int64(), 3600);
  EXPECT_EQ(first[0].at("iv").as_string().size(), 16u);
  EXPECT_EQ(keys(), first);
  box.clock.advance(Seconds(3600));
  const auto second = keys();
  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].at("version").as_int64(), 2);
  EXPECT_EQ(second[1].at("expire_in").as_int64(), 0);
  EXPECT_EQ(box.ask("POST", "/wxa/business/getuserencryptkey" + query, "{}")["errcode"].as_int64(), 87009)
      << "the signature covers the body";
}

uint32_t big_endian(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return value;
}
TEST_F(SandboxToken, GivesAPictureForAScene) {
  const std::string target = "/wxa/getwxacodeunlimit?access_token=" + box.token();
  const auto picture = box.send("POST", target, R"({"scene":"a=1&b=2","page":"pages/index","width":280,"check_path":false})");
  EXPECT_EQ(*picture.value().header("content-type"), "image/png");
  const std::string& bytes = picture.value().body;
  ASSERT_EQ(bytes.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(big_endian(bytes, 16), 280u);
  EXPECT_EQ(big_endian(bytes, 20), 280u);
  EXPECT_EQ(big_endian(bytes, bytes.size() - 4), 0xae426082u) << "the checksum of IEND, which never differs";
  EXPECT_NE(box.send("POST", target, R"({"scene":"other","width":280})").value().body, bytes);
}
TEST_F(SandboxToken, RefusesPicturesAsWechatDoes) {
  const std::string target = "/wxa/getwxacodeunlimit?access_token=" + box.token();
  auto errcode = [&](const std::string& body) { return box.ask("POST", target, body)["errcode"].as_int64(); };
  EXPECT_EQ(errcode(R"({})"), 40169);
  EXPECT_EQ(errcode(R"({"scene":"123456789012345678901234567890123"})"), 40169);
  EXPECT_EQ(errcode(R"({"scene":"a b"})"), 40169);
  EXPECT_EQ(errcode(R"({"scene":"a","page":"/pages/index"})"), 41030);
  EXPECT_EQ(errcode(R"({"scene":"a","width":279})"), 40097);
  EXPECT_EQ(errcode(R"({"scene":"a","env_version":"nightly"})"), 40097);
}

}  // namespace
}  // namespace kaimen::tests

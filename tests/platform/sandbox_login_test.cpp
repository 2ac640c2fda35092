// Logins against the sandbox: codes, session_keys, openids, and what they decrypt.
#include "tests/platform/sandbox_fixture.h"

namespace kaimen::tests {
namespace {

const std::string kWho = R"({"appid":"wx00000000000000aa","user":"ann")";

struct SandboxLogin : testing::Test {
  SandboxWechat box;
};

TEST_F(SandboxLogin, GivesASessionForACode) {
  const auto session = box.session();
  EXPECT_EQ(session.openid.size(), 28u);
  EXPECT_EQ(session.openid.front(), 'o');
  EXPECT_EQ(session.unionid, "");
  EXPECT_EQ(from_base64(session.session_key.reveal()).value().size(), 16u);
}

TEST_F(SandboxLogin, AnswersAsWechatDoes) {
  const std::string code = box.login();
  const std::string target = "/sns/jscode2session?appid=wx00000000000000aa&secret=s3cret&grant_type=authorization_code&js_code=" + code;
  const auto first = box.send("GET", target);
  EXPECT_EQ(*first.value().header("content-type"), "text/plain");
  EXPECT_EQ(http::parse_json(first.value().body).value().as_object().size(), 2u) << "session_key and openid, no errcode: "
      << first.value().body;
  const auto second = box.send("GET", target);
  EXPECT_EQ(second.value().status, 200);
  const auto refused = http::parse_json(second.value().body).value();
  EXPECT_EQ(refused.at("errcode").as_int64(), 40163);
  EXPECT_NE(platform::wechat_rid(refused.at("errmsg").as_string()), "");
}

TEST_F(SandboxLogin, TakesACodeOnce) {
  const std::string code = box.login();
  EXPECT_TRUE(box.exchange(code).has_value());
  EXPECT_EQ(errcode_of(box.exchange(code)), 40163);
}
TEST_F(SandboxLogin, TakesACodeForFiveMinutes) {
  const std::string first = box.login(), second = box.login();
  box.clock.advance(std::chrono::minutes(5) - Millis(1));
  EXPECT_TRUE(box.exchange(first).has_value());
  box.clock.advance(Millis(1));
  EXPECT_EQ(errcode_of(box.exchange(second)), 40029);
}
TEST_F(SandboxLogin, RefusesACodeOfAnotherAppAndLeavesItGood) {
  box.sandbox.add_app("wxother", Secret("0ther"));
  const std::string code = box.login();
  EXPECT_EQ(errcode_of(box.exchange(code, make_app("wxother", "0ther"))), 40029);
  EXPECT_TRUE(box.exchange(code).has_value());
}
TEST_F(SandboxLogin, RefusesAnUnknownCode) { EXPECT_EQ(errcode_of(box.exchange("the code is a mock one")), 40029); }
TEST_F(SandboxLogin, RefusesAWrongSecret) { EXPECT_EQ(errcode_of(box.exchange(box.login(), make_app(kAppid, "wrong"))), 40125); }
TEST_F(SandboxLogin, RefusesAnUnknownApp) { EXPECT_EQ(errcode_of(box.exchange(box.login(), make_app("wxunknown"))), 40013); }
TEST_F(SandboxLogin, RefusesMissingParameters) {
  auto errcode = [&](const std::string& query) { return box.ask("GET", "/sns/jscode2session?" + query)["errcode"].as_int64(); };
  EXPECT_EQ(errcode("secret=s3cret&js_code=c&grant_type=authorization_code"), 41002);
  EXPECT_EQ(errcode("appid=wx00000000000000aa&js_code=c&grant_type=authorization_code"), 41004);
  EXPECT_EQ(errcode("appid=wx00000000000000aa&secret=s3cret&grant_type=authorization_code"), 41008);
  EXPECT_EQ(errcode("appid=wx00000000000000aa&secret=s3cret&js_code=c&grant_type=x"), 40002);
}
TEST_F(SandboxLogin, RefusesAPhoneCode) {
  const std::string code = SandboxWechat::text(box.control("phone", kWho + "}"), "code");
  EXPECT_EQ(errcode_of(box.exchange(code)), 40029);
}
TEST_F(SandboxLogin, RefusesAPathThatWechatDoesNotHave) {
  EXPECT_EQ(box.ask("GET", "/sns/userinfo")["errcode"].as_int64(), 40066);
  EXPECT_EQ(box.ask("POST", "/sns/jscode2session", "{}")["errcode"].as_int64(), 43001);
}

TEST_F(SandboxLogin, KeepsAnOpenidForEachUserAndApp) {
  box.sandbox.add_app("wxother", Secret("s3cret"));
  const auto ann = box.session().openid;
  EXPECT_EQ(box.session().openid, ann);
  EXPECT_NE(box.session("bob").openid, ann);
  EXPECT_NE(box.exchange(box.login("ann", "", "wxother"), make_app("wxother")).value().openid, ann);
  SandboxWechat restarted;
  EXPECT_EQ(restarted.session().openid, ann);
}
TEST_F(SandboxLogin, GivesAUnionidToBoundAppsAlone) {
  box.control("apps", R"({"appid":"wxone","secret":"s3cret","unionid":true})");
  box.control("apps", R"({"appid":"wxtwo","secret":"s3cret","open_platform":"default"})");
  box.control("apps", R"({"appid":"wxthree","secret":"s3cret","open_platform":"elsewhere"})");
  auto unionid = [&](const char* appid) { return box.exchange(box.login("ann", "", appid), make_app(appid)).value().unionid; };
  EXPECT_EQ(unionid("wxone").size(), 28u);
  EXPECT_EQ(unionid("wxone"), unionid("wxtwo"));
  EXPECT_NE(unionid("wxone"), unionid("wxthree"));
  EXPECT_EQ(box.session().unionid, "");
}

TEST_F(SandboxLogin, ReplacesTheKeyWhenItIsOldOrWhenTold) {
  const auto first = box.session().session_key;
  EXPECT_TRUE(box.session().session_key == first) << "too soon";
  EXPECT_FALSE(box.session("bob").session_key == first);
  box.clock.advance(Seconds(300));
  EXPECT_TRUE(box.session("ann", R"(,"rotate":false)").session_key == first);
  const auto second = box.session().session_key;
  EXPECT_FALSE(second == first);
  EXPECT_FALSE(box.session("ann", R"(,"rotate":true)").session_key == second);
}

TEST_F(SandboxLogin, GivesTheKeyOfTheMomentOfTheExchange) {
  const std::string code = box.login();
  box.login("ann", R"(,"rotate":true)");
  const auto key = box.exchange(code).value().session_key;
  EXPECT_TRUE(box.decrypt(box.control("user-info", kWho + "}"), key).has_value());
}

TEST_F(SandboxLogin, SignsAndEncryptsUserInfoByTheCurrentKey) {
  const auto session = box.session();
  const auto given = box.control("user-info", kWho + R"(,"nickname":"安","gender":2})");
  const std::string raw = SandboxWechat::text(given, "rawData");
  EXPECT_EQ(SandboxWechat::text(given, "signature"), to_hex(crypto::sha1(raw + session.session_key.reveal())));
  const auto raw_info = box.wechat->read_raw_user_info(raw);
  ASSERT_TRUE(raw_info.has_value());
  EXPECT_EQ(raw_info->nickname, "安");
  const auto plain = box.decrypt(given, session.session_key);
  ASSERT_TRUE(plain.has_value());
  const auto info = box.wechat->read_user_info(*plain);
  ASSERT_TRUE(info.has_value()) << *plain;
  EXPECT_EQ(info->openid, session.openid);
  EXPECT_EQ(info->nickname, "安");
  EXPECT_EQ(info->gender, 2);
  EXPECT_EQ(info->watermark.app_id, kAppid);
  EXPECT_EQ(epoch_ms(info->watermark.at) / 1000, epoch_ms(box.clock.now()) / 1000);
}
TEST_F(SandboxLogin, EncryptsByThePreviousKeyOnDemand) {
  const auto first = box.session().session_key;
  const auto second = box.session("ann", R"(,"rotate":true)").session_key;
  const auto given = box.control("open-data", kWho + R"(,"data":{"openGId":"tG"},"key":"previous"})");
  EXPECT_EQ(box.decrypt(given, first).value_or("").substr(0, 15), R"({"openGId":"tG")");
  EXPECT_NE(box.decrypt(given, second).value_or("").substr(0, 15), R"({"openGId":"tG")");
}
TEST_F(SandboxLogin, EncryptsTextAsItIs) {
  const auto key = box.session().session_key;
  EXPECT_EQ(box.decrypt(box.control("open-data", kWho + R"(,"data":"no JSON"})"), key), "no JSON");
}

TEST_F(SandboxLogin, GivesAPhoneByCodeAndByOpenData) {
  const auto session = box.session();
  const auto given = box.control("phone", kWho + "}");
  const auto by_code = box.phone(SandboxWechat::text(given, "code"), session.openid);
  ASSERT_TRUE(by_code.has_value());
  EXPECT_EQ(by_code.value().country_code, "86");
  EXPECT_EQ(by_code.value().national.size(), 11u);
  const auto by_data = box.wechat->read_phone(box.decrypt(given, session.session_key).value());
  ASSERT_TRUE(by_data.has_value());
  EXPECT_EQ(by_data->phone.full, by_code.value().full);
}
TEST_F(SandboxLogin, GivesThePhoneItWasToldOf) {
  const auto session = box.session();
  const auto given = box.control("phone", kWho + R"(,"phone":"61234567","country_code":"852"})");
  EXPECT_EQ(box.phone(SandboxWechat::text(given, "code"), session.openid).value().full, "+85261234567");
}

struct SandboxPhoneCode : SandboxLogin {
  std::string code = SandboxWechat::text(box.control("phone", kWho + "}"), "code");
  std::string openid = box.session().openid;
};
TEST_F(SandboxPhoneCode, WorksOnce) {
  EXPECT_TRUE(box.phone(code, openid).has_value());
  EXPECT_EQ(errcode_of(box.phone(code, openid)), 40029);
}
TEST_F(SandboxPhoneCode, LivesFiveMinutes) {
  box.clock.advance(std::chrono::minutes(5));
  EXPECT_EQ(errcode_of(box.phone(code, openid)), 40029);
}
TEST_F(SandboxPhoneCode, IsBoundToItsUser) {
  EXPECT_EQ(errcode_of(box.phone(code, box.session("bob").openid)), 40003);
  EXPECT_TRUE(box.phone(code, openid).has_value());
}
TEST_F(SandboxPhoneCode, IsBoundToItsApp) {
  box.sandbox.add_app("wxother", Secret("s3cret"));
  const auto token = run_here(box.wechat->fetch_access_token(make_app("wxother"), deadline_in(Millis(3000)))).value().token;
  const auto result = run_here(box.wechat->phone_by_code(make_app("wxother"), token, code, "", deadline_in(Millis(3000))));
  EXPECT_EQ(errcode_of(result), 40013);
  EXPECT_EQ(name_of(result.error().error.code), "code_invalid");
}
TEST_F(SandboxPhoneCode, IsNoLoginCode) { EXPECT_EQ(errcode_of(box.phone(box.login(), openid)), 40029); }

TEST(SandboxWithDevtools, LogsForeignCodesInAsItsOneUser) {
  SandboxWechat box({true});
  const auto mock = box.exchange("the code is a mock one");
  ASSERT_TRUE(mock.has_value());
  EXPECT_EQ(box.exchange("0e1abcdefghij").value().openid, mock.value().openid);
  EXPECT_EQ(mock.value().openid, box.session("devtools").openid);
  const std::string own = box.login();
  EXPECT_NE(box.exchange(own).value().openid, mock.value().openid);
  EXPECT_EQ(errcode_of(box.exchange(own)), 40163) << "its own codes keep their rules";
}

}  // namespace
}  // namespace kaimen::tests

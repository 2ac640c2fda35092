// OAuth 2 logins: what the exchange must look like, and whom it never lets in.
#include "platform/wechat_oauth.h"

#include <gtest/gtest.h>

namespace kaimen::tests {

namespace {

using platform::read_oauth_exchange;

constexpr auto kGood = R"({"access_token":"A","expires_in":7200,"refresh_token":"R","openid":"oABC","scope":"snsapi_userinfo","unionid":"uDEF"})";

ErrorCode refusal(const std::string& body, int status = 200) {
  const auto read = read_oauth_exchange(status, body);
  return read ? ErrorCode{} : read.error().error.code;
}

}  // namespace

TEST(WechatOauth, openid_and_unionid_are_taken_and_there_is_no_session_key) {
  const auto read = read_oauth_exchange(200, kGood);
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().openid, "oABC");
  EXPECT_EQ(read.value().unionid, "uDEF");
  EXPECT_TRUE(read.value().session_key.empty());
}

TEST(WechatOauth, the_unionid_may_be_missing) {
  const auto read = read_oauth_exchange(200, R"({"access_token":"A","openid":"oABC","scope":"snsapi_base"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().unionid, "");
}

TEST(WechatOauth, a_snapshot_pages_user_is_nobody) {
  for (const char* flag : {"1", "2", "\"1\"", "true", "{}"}) {
    EXPECT_EQ(refusal(R"({"access_token":"A","openid":"oABC","unionid":"uDEF","is_snapshotuser":)" + std::string(flag) + "}"), ErrorCode::forbidden) << flag;
  }
  EXPECT_TRUE(read_oauth_exchange(200, R"({"openid":"oABC","is_snapshotuser":0})"));
  EXPECT_TRUE(read_oauth_exchange(200, R"({"openid":"oABC","is_snapshotuser":null})"));
}

TEST(WechatOauth, an_errcode_means_what_it_means_for_mini_programs) {
  EXPECT_EQ(refusal(R"({"errcode":40029,"errmsg":"invalid code"})"), ErrorCode::code_invalid);
  EXPECT_EQ(refusal(R"({"errcode":40163,"errmsg":"code been used"})"), ErrorCode::code_used);
  EXPECT_EQ(refusal(R"({"errcode":40125,"errmsg":"invalid appsecret"})"), ErrorCode::app_misconfigured);
}

TEST(WechatOauth, what_is_not_an_answer_is_no_login) {
  for (const char* body : {"", "{}", "[]", R"({"openid":""})", R"({"openid":["oABC"]})", R"({"openid":"o A"})", R"({"openid":"oABC","unionid":7})",
                           R"({"openid":"oABC","unionid":"u D"})"}) {
    EXPECT_EQ(refusal(body), ErrorCode::upstream_error) << body;
  }
  EXPECT_EQ(refusal(kGood, 500), ErrorCode::upstream_error);
}

}  // namespace kaimen::tests

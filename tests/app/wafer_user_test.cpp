// Rows of wafer's tables as lines of an import: what is taken, and what is left behind.
#include "app/wafer_user.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace kaimen::app {
namespace {

std::string line(const std::string& user_info) {
  const auto made = import_line_of({"o1", user_info, std::nullopt}, "wx1");
  return made ? http::to_text(*made) : "none";
}

constexpr const char* kAnna = R"({"openId":"o1","nickName":"Anna","gender":2,"avatarUrl":"https://wx.qlogo.cn/a/0","unionId":"u1","watermark":{"appid":"wx1"}})";

TEST(WaferUserTest, BothShapesOfAProfile) {
  const std::string wanted = R"({"app_id":"wx1","openid":"o1","nickname":"Anna","avatar_url":"https://wx.qlogo.cn/a/0"})";
  EXPECT_EQ(line(kAnna), wanted);
  EXPECT_EQ(line(to_base64(kAnna)), wanted);
}

TEST(WaferUserTest, TheTimeOfTheRowIsThatOfTheUser) {
  const auto made = import_line_of({"o1", "", from_epoch_ms(1'500'000'000'000)}, "wx1");
  EXPECT_EQ(http::to_text(*made), R"({"app_id":"wx1","openid":"o1","created_at":"2017-07-14T02:40:00Z"})");
}

// The profile was decrypted without a proof that it is WeChat's: a unionid in it would make one user of two.
TEST(WaferUserTest, NothingOfUnionidOrOpenidIsTakenFromTheProfile) {
  EXPECT_EQ(line(R"({"openId":"o2","nickName":"B","unionId":"u1"})"), R"({"app_id":"wx1","openid":"o1","nickname":"B"})");
}

TEST(WaferUserTest, AUserWithoutAReadableProfileIsAUserStill) {
  const std::string bare = R"({"app_id":"wx1","openid":"o1"})";
  for (const char* profile : {"", "{", "null", "[]", "7", "%%%", R"({"nickName":7})", R"({"nickName":""})", R"({"nickName":"微信用户","avatarUrl":"https://wx.qlogo.cn/grey"})"}) EXPECT_EQ(line(profile), bare) << profile;
}

TEST(WaferUserTest, WhatKaimenWouldNotTakeIsLeftOut) {
  EXPECT_EQ(line(R"({"nickName":")" + std::string(65, 'n') + R"(","avatarUrl":"https://a"})"), R"({"app_id":"wx1","openid":"o1","avatar_url":"https://a"})");
  EXPECT_EQ(line(R"({"nickName":"a\u0000b"})"), R"({"app_id":"wx1","openid":"o1"})");
  for (const char* url : {"javascript:alert(1)", "ftp://a", "https://a b", "https://a\\\"", ""}) {
    EXPECT_EQ(line(R"({"nickName":"A","avatarUrl":")" + std::string(url) + "\"}"), R"({"app_id":"wx1","openid":"o1","nickname":"A"})") << url;
  }
}

TEST(WaferUserTest, ARowWithoutAnOpenidIsNobody) { EXPECT_FALSE(import_line_of({"", kAnna, std::nullopt}, "wx1")); }

}  // namespace
}  // namespace kaimen::app

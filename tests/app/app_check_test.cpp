// The words of `kaimen app check` for WeChat's errcodes.
#include "app/app_check.h"

#include <gtest/gtest.h>

namespace kaimen::app {
namespace {

AppVerdict verdict(const char* text) { return read_app_check(http::parse_json(text).value()); }

TEST(AppCheckTest, GoodSecret) {
  const auto good = verdict(R"({"app_id":"wx1","ok":true})");
  EXPECT_TRUE(good.good);
}

struct Row {
  int errcode;
  const char* part;
};
class AppCheckErrcodeTest : public testing::TestWithParam<Row> {};
TEST_P(AppCheckErrcodeTest, IsSaidInWords) {
  const std::string number = std::to_string(GetParam().errcode);
  const auto bad = verdict((R"({"ok":false,"code":"app_misconfigured","upstream":{"errcode":)" + number + R"(,"rid":"abc-1"}})").c_str());
  EXPECT_FALSE(bad.good);
  EXPECT_NE(bad.what.find(GetParam().part), std::string::npos) << bad.what;
  EXPECT_NE(bad.what.find("errcode " + number + ", rid abc-1"), std::string::npos) << bad.what;
  EXPECT_FALSE(bad.hint.empty());
}
INSTANTIATE_TEST_SUITE_P(All, AppCheckErrcodeTest,
                         testing::Values(Row{40013, "does not know this AppID"}, Row{40125, "AppSecret is wrong"}, Row{40164, "IP allow list"}, Row{40243, "frozen"}, Row{61003, "not authorised"},
                                         Row{61005, "expired"}, Row{61006, "not this third-party platform's"},
                                         Row{12345, "WeChat refuses"}));

TEST(AppCheckTest, TheAddressForTheAllowListIsNamed) {
  const auto bad = verdict(R"({"ok":false,"code":"app_misconfigured","detail":"WeChat answered errcode 40164: not on the list: 203.0.113.9","upstream":{"errcode":40164,"rid":""}})");
  EXPECT_NE(bad.hint.find("add 203.0.113.9 there"), std::string::npos) << bad.hint;
}

TEST(AppCheckTest, NoAnswerFromWeChatIsNotTakenForAWrongSecret) {
  const auto bad = verdict(R"({"ok":false,"code":"upstream_error"})");
  EXPECT_FALSE(bad.good);
  EXPECT_NE(bad.what.find("could not be asked (upstream_error)"), std::string::npos) << bad.what;
}

TEST(AppCheckTest, WhatWasNotAskedOfWeChatIsSaidAsItIs) {
  const auto bad = verdict(R"({"ok":false,"code":"app_misconfigured","detail":"WeChat has not pushed a component_verify_ticket yet"})");
  EXPECT_EQ(bad.what, "WeChat has not pushed a component_verify_ticket yet");
}

TEST(AppCheckTest, AnAnswerThatIsNoneIsNotGood) { EXPECT_FALSE(verdict("[]").good); }

}  // namespace
}  // namespace kaimen::app

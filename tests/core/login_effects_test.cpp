// Login: what it replaces, and the optional parts that come with it.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class LoginEffectsTest : public CoreTest {};

// ---- what a login replaces ----

TEST_F(LoginEffectsTest, ALoginOfTheSameDeviceReplacesItsSession) {
  auto first = request(platform.fresh_code("o1")), second = request(platform.fresh_code("o1"));
  first.device.id = second.device.id = "phone";
  const auto old = login(first).value(), fresh = login(second).value();
  EXPECT_EQ(check(old.tokens.token), Reason::renew);
  EXPECT_EQ(check(fresh.tokens.token), Reason::none);
}

TEST_F(LoginEffectsTest, ALoginOfAnotherDeviceReplacesNothing) {
  auto first = request(platform.fresh_code("o1")), second = request(platform.fresh_code("o1"));
  first.device.id = "phone";
  second.device.id = "tablet";
  const auto old = login(first).value();
  ASSERT_TRUE(login(second));
  EXPECT_EQ(check(old.tokens.token), Reason::none);
}

TEST_F(LoginEffectsTest, TheSameDeviceOfAnotherUserIsLeftAlone) {
  auto first = request(platform.fresh_code("o1")), second = request(platform.fresh_code("o2"));
  first.device.id = second.device.id = "phone";
  const auto old = login(first).value();
  ASSERT_TRUE(login(second));
  EXPECT_EQ(check(old.tokens.token), Reason::none);
}

TEST_F(LoginEffectsTest, ALoginWithItsOldTicketReplacesThatSession) {
  const auto old = log_in("o1");
  auto next = request(platform.fresh_code("o1"));
  next.old_session = old.session.id;
  ASSERT_TRUE(login(next));
  EXPECT_EQ(check(old.tokens.token), Reason::renew);
}

TEST_F(LoginEffectsTest, ALoginWithAnotherUsersTicketReplacesNothing) {
  const auto other = log_in("o2");
  auto next = request(platform.fresh_code("o1"));
  next.old_session = other.session.id;
  ASSERT_TRUE(login(next));
  EXPECT_EQ(check(other.tokens.token), Reason::none);
}

TEST_F(LoginEffectsTest, BeyondTheLimitTheOldestIsReplaced) {
  set("max_per_user", "2");
  const auto first = log_in("o1");
  clock.pass(1s);
  const auto second = log_in("o1");
  clock.pass(1s);
  const auto third = log_in("o1");
  EXPECT_EQ(check(first.tokens.token), Reason::replaced);
  EXPECT_EQ(check(second.tokens.token), Reason::none);
  EXPECT_EQ(check(third.tokens.token), Reason::none);
}

// ---- optional parts ----

TEST_F(LoginEffectsTest, APhoneThatFailsIsAWarningAndTheLoginStands) {
  auto with_phone = request(platform.fresh_code("o1"));
  with_phone.phone.emplace();
  with_phone.phone->code = "unknown";
  const auto answer = login(with_phone).value();
  ASSERT_EQ(answer.warnings.size(), 1U);
  EXPECT_EQ(answer.warnings[0].part, "phone");
  EXPECT_EQ(answer.warnings[0].code, ErrorCode::code_invalid);
  ASSERT_TRUE(answer.warnings[0].upstream);
  EXPECT_EQ(answer.warnings[0].upstream->errcode, 40029);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
}

TEST_F(LoginEffectsTest, AProfileThatFailsIsAWarningAndTheLoginStands) {
  auto with_profile = request(platform.fresh_code("o1"));
  with_profile.profile.emplace();
  with_profile.profile->raw_data = "raw|Mei|https://a/b|2";
  with_profile.profile->signature = "0000";
  const auto answer = login(with_profile).value();
  ASSERT_EQ(answer.warnings.size(), 1U);
  EXPECT_EQ(answer.warnings[0].part, "profile");
  EXPECT_EQ(answer.warnings[0].code, ErrorCode::signature_invalid);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
}

// A phone code is good once: bringing it again with the same login code must not tell the user that it failed.
TEST_F(LoginEffectsTest, ALoginBroughtAgainDoesNotWarnOfThePhoneItHasBound) {
  platform.phones["p1"] = "13800000000";
  auto with_phone = request(platform.fresh_code("o1"));
  with_phone.phone.emplace();
  with_phone.phone->code = "p1";
  ASSERT_TRUE(login(with_phone).value().warnings.empty());
  const auto again = login(with_phone).value();
  EXPECT_TRUE(again.warnings.empty());
  EXPECT_FALSE(again.user.phone_sealed.empty());
}

TEST_F(LoginEffectsTest, OptionalPartsThatHoldAreInTheAnswer) {
  platform.phones["p1"] = "13800000000";
  auto with_both = request(platform.fresh_code("o1"));
  with_both.phone.emplace();
  with_both.phone->code = "p1";
  with_both.profile.emplace();
  with_both.profile->encrypted = encrypt(std::string(FakePlatform::kKey), "user|wx1|" + std::to_string(epoch_ms(clock.now())) + "|o1|Mei|https://a/b|2");
  const auto answer = login(with_both).value();
  EXPECT_TRUE(answer.warnings.empty());
  EXPECT_EQ(answer.user.nickname, "Mei");
  EXPECT_EQ(services().profiles.phone_of(answer.user).value(), "+8613800000000");
}

}  // namespace
}  // namespace kaimen::test

// Profiles: limits of what users say of themselves, what WeChat's words may overwrite, phone numbers.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class ProfileTest : public CoreTest {
 protected:
  void SetUp() override { who_ = log_in("o1"); }
  const core::LoginAnswer& who() const { return who_; }

  Result<core::User> update(core::ProfileChange change) { return run_here(services().profiles.update(who_.user.id, std::move(change), {"r1", {}, {}})); }
  Result<core::User> nickname(const std::string& text) {
    core::ProfileChange change;
    change.nickname = text;
    return update(std::move(change));
  }
  Result<core::User> avatar(const std::string& url) {
    core::ProfileChange change;
    change.avatar_url = url;
    return update(std::move(change));
  }
  Result<core::User> from_wechat(const std::string& name, const std::string& url, int gender) {
    core::ProfileProof proof;
    proof.raw_data = "raw|" + name + "|" + url + "|" + std::to_string(gender);
    proof.signature = to_hex(crypto::sha1(*proof.raw_data + std::string(FakePlatform::kKey)));
    return run_here(services().profiles.update_from_wechat(subject(who_), proof, {"r1", {}, {}}));
  }
  Result<core::User> bind(const std::string& code, const core::LoginAnswer& answer) {
    core::PhoneProof proof;
    proof.code = code;
    return run_here(services().profiles.bind_phone(subject(answer), proof, &trace));
  }
  Result<core::User> bind(const std::string& code) { return bind(code, who_); }

  core::Trace trace;

 private:
  core::LoginAnswer who_;
};

std::string han(size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += "\xe6\xa2\x85";
  return text;
}

TEST_F(ProfileTest, TheLimitOfANicknameIsInCharacters) {
  EXPECT_EQ(nickname(han(64)).value().nickname, han(64));
  EXPECT_EQ(code_of(nickname(han(65))), ErrorCode::invalid_request);
}

TEST_F(ProfileTest, ANicknameIsPlainText) {
  for (const std::string& text : {std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f"), std::string("\xff"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80")}) {
    EXPECT_EQ(code_of(nickname(text)), ErrorCode::invalid_request);
  }
}

TEST_F(ProfileTest, ARefusalNamesTheFieldAndChangesNothing) {
  core::ProfileChange change;
  change.nickname = "Mei";
  change.city = han(65);
  const auto refused = update(std::move(change));
  EXPECT_EQ(code_of(refused), ErrorCode::invalid_request);
  EXPECT_NE(refused.error().detail.find("city"), std::string::npos);
  EXPECT_EQ(run_here(store().find_user(who().user.id)).value().nickname, "");
}

TEST_F(ProfileTest, AnAvatarIsAWebAddress) {
  EXPECT_TRUE(avatar("https://a.example/b.png"));
  EXPECT_TRUE(avatar("http://a.example/b.png"));
  EXPECT_TRUE(avatar(""));
  EXPECT_TRUE(avatar("https://" + std::string(1024 - 8, 'a')));
  for (const char* url : {"javascript:alert(1)", "//a/b", "data:text/html,x", "https://a/ b", "https://a/\"onload", "https://a/<", "https://a/\\"}) {
    EXPECT_EQ(code_of(avatar(url)), ErrorCode::invalid_request) << url;
  }
  EXPECT_EQ(code_of(avatar("https://" + std::string(1024 - 7, 'a'))), ErrorCode::invalid_request);
}

TEST_F(ProfileTest, GenderIsNoughtOneOrTwo) {
  for (const int gender : {0, 1, 2, -1, 3, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    core::ProfileChange change;
    change.gender = gender;
    const auto updated = update(std::move(change));
    EXPECT_EQ(updated.has_value(), gender >= 0 && gender <= 2) << gender;
  }
}

TEST_F(ProfileTest, AttributesHaveALimit) {
  core::ProfileChange most, more;
  most.attributes = "{\"a\":\"" + std::string(8192 - 8, 'x') + "\"}";
  more.attributes = "{\"a\":\"" + std::string(8192 - 7, 'x') + "\"}";
  ASSERT_EQ(most.attributes->size(), 8192U);
  EXPECT_TRUE(update(most));
  EXPECT_EQ(code_of(update(more)), ErrorCode::invalid_request);
}

TEST_F(ProfileTest, WhatIsNotGivenStays) {
  ASSERT_TRUE(nickname("Mei"));
  core::ProfileChange change;
  change.city = "Guangzhou";
  const auto user = update(std::move(change)).value();
  EXPECT_EQ(user.nickname, "Mei");
  EXPECT_EQ(user.city, "Guangzhou");
}

TEST_F(ProfileTest, ASomebodyWithoutANameHasNone) {
  EXPECT_EQ(nickname("微信用户").value().nickname, "");
  ASSERT_TRUE(nickname("Mei"));
  EXPECT_EQ(nickname("微信用户").value().nickname, "Mei");
  const auto user = from_wechat("微信用户", "https://wechat/grey.png", 0).value();
  EXPECT_EQ(user.nickname, "Mei");
  EXPECT_EQ(user.avatar_url, "") << "the grey picture that comes with no name is none either";
}

TEST_F(ProfileTest, WhatWeChatNoLongerTellsDoesNotOverwrite) {
  ASSERT_TRUE(from_wechat("Mei", "https://a/b", 2));
  const auto user = from_wechat("", "", 0).value();
  EXPECT_EQ(user.nickname, "Mei");
  EXPECT_EQ(user.avatar_url, "https://a/b");
  EXPECT_EQ(user.gender, 2);
}

TEST_F(ProfileTest, WhatWeChatSaysHasTheSameLimits) { EXPECT_EQ(code_of(from_wechat(han(65), "", 0)), ErrorCode::invalid_request); }

TEST_F(ProfileTest, HalfAProofIsNone) {
  core::ProfileProof none, half;
  half.raw_data = "raw|Mei||0";
  EXPECT_EQ(code_of(run_here(services().profiles.update_from_wechat(subject(who()), none, {"r", {}, {}}))), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(run_here(services().profiles.update_from_wechat(subject(who()), half, {"r", {}, {}}))), ErrorCode::invalid_request);
}

TEST_F(ProfileTest, ASessionWithoutOpenidProvesNothing) {
  core::Subject nobody = subject(who());
  nobody.openid.clear();
  core::ProfileProof proof;
  proof.raw_data = "raw|Mei||0";
  proof.signature = "0";
  EXPECT_EQ(code_of(run_here(services().profiles.update_from_wechat(nobody, proof, {"r", {}, {}}))), ErrorCode::invalid_request);
  core::PhoneProof phone;
  phone.code = "p1";
  EXPECT_EQ(code_of(run_here(services().profiles.bind_phone(nobody, phone, &trace))), ErrorCode::invalid_request);
  EXPECT_EQ(platform.phone_calls, 0);
}

// ---- phone ----

TEST_F(ProfileTest, APhoneNumberIsSealedAndFoundByItsIndex) {
  platform.phones["p1"] = "13800000000";
  EXPECT_EQ(services().profiles.phone_of(bind("p1").value()).value(), "+8613800000000");
  EXPECT_EQ(platform.last_openid, "o1") << "WeChat checks whose code it is";
  EXPECT_EQ(one("SELECT count(*) FROM users WHERE instr(phone_sealed, '13800000000') > 0 OR instr(phone_index, '138') > 0"), "0");
}

TEST_F(ProfileTest, EqualNumbersHaveEqualIndexesAndOthersOthers) {
  const auto second = log_in("o2"), third = log_in("o3");
  platform.phones = {{"p1", "13800000000"}, {"p2", "13800000000"}, {"p3", "13900000000"}};
  ASSERT_TRUE(bind("p1"));
  ASSERT_TRUE(bind("p2", second));
  ASSERT_TRUE(bind("p3", third));
  EXPECT_EQ(one("SELECT count(DISTINCT hex(phone_index)) FROM users"), "2");
  EXPECT_EQ(one("SELECT count(DISTINCT hex(phone_sealed)) FROM users"), "3") << "the sealed form tells nothing";
}

TEST_F(ProfileTest, APhoneCannotBeMovedToAnotherUsersRow) {
  platform.phones["p1"] = "13800000000";
  core::User other = log_in("o2").user;
  other.phone_sealed = bind("p1").value().phone_sealed;
  EXPECT_EQ(code_of(services().profiles.phone_of(other)), ErrorCode::internal);
}

TEST_F(ProfileTest, NobodysPhoneIsEmpty) { EXPECT_EQ(services().profiles.phone_of(who().user).value(), ""); }

TEST_F(ProfileTest, APhoneCodeCountsOnce) {
  platform.phones["p1"] = "13800000000";
  ASSERT_TRUE(bind("p1"));
  EXPECT_EQ(code_of(bind("p1")), ErrorCode::code_used);
}

TEST_F(ProfileTest, PhoneCodesOfAnotherFormAskNobody) {
  for (const std::string& code : {std::string(), std::string(513, 'a'), std::string("a\n")}) {
    EXPECT_EQ(code_of(bind(code)), ErrorCode::invalid_request);
  }
  EXPECT_EQ(platform.phone_calls, 0);
}

TEST_F(ProfileTest, BothProofsOrNoneAreRefused) {
  core::PhoneProof none, both;
  both.code = "p1";
  both.encrypted = core::EncryptedData{"AAAA", "AAAA"};
  EXPECT_EQ(code_of(run_here(services().profiles.bind_phone(subject(who()), none, &trace))), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(run_here(services().profiles.bind_phone(subject(who()), both, &trace))), ErrorCode::invalid_request);
}

TEST_F(ProfileTest, ARejectedAccessTokenIsFetchedOnceMore) {
  platform.phones["p1"] = "13800000000";
  platform.rejected_tokens = {"token-1"};
  ASSERT_TRUE(run_here(services().access_tokens.get(app())));
  clock.pass(30s);
  platform.set_token("token-2");
  EXPECT_TRUE(bind("p1"));
  EXPECT_EQ(platform.fetches, 2);
  EXPECT_EQ(platform.phone_calls, 2);
}

TEST_F(ProfileTest, TwoRejectedAccessTokensAreEnough) {
  platform.phones["p1"] = "13800000000";
  platform.rejected_tokens = {"token-1", "token-2"};
  ASSERT_TRUE(run_here(services().access_tokens.get(app())));
  clock.pass(30s);
  platform.set_token("token-2");
  EXPECT_EQ(code_of(bind("p1")), ErrorCode::upstream_error);
  EXPECT_EQ(platform.phone_calls, 2);
}

}  // namespace
}  // namespace kaimen::test

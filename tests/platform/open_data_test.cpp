// Decrypted open data: each kind in its whole shape and no other, because whoever holds a ciphertext can choose its iv and cut it.
#include <fstream>
#include <sstream>

#include "base/encoding.h"
#include "crypto/cbc.h"
#include "platform/wechat_open_data.h"
#include "tests/platform/wechat_fixture.h"

namespace kaimen::tests {
namespace {

using platform::read_open_phone;
using platform::read_open_user_info;
using platform::read_raw_user_info_text;

const std::string kMark = R"("watermark":{"timestamp":1700000000,"appid":"wx4f4bc4dec97d474b"})";
const std::string kPhone = R"("phoneNumber":"+8613800000000","purePhoneNumber":"13800000000","countryCode":"86")";
const std::string kProfile =
    R"("nickName":"Band","gender":1,"language":"zh_CN","city":"广州","province":"广东","country":"CN","avatarUrl":"https://a.example/0")";

std::string object(std::initializer_list<std::string> members) {
  std::string text = "{";
  for (const auto& member : members) text += (text.size() > 1 ? "," : "") + member;
  return text + "}";
}

TEST(OpenPhone, IsReadFromItsWholeShape) {
  const auto phone = read_open_phone(object({kPhone, kMark}));
  ASSERT_TRUE(phone.has_value());
  EXPECT_EQ(phone->phone.full, "+8613800000000");
  EXPECT_EQ(phone->phone.national, "13800000000");
  EXPECT_EQ(phone->phone.country_code, "86");
  EXPECT_EQ(phone->watermark.app_id, "wx4f4bc4dec97d474b");
  EXPECT_EQ(phone->watermark.at, from_epoch_ms(1'700'000'000'000));
}
TEST(OpenPhone, MayCarryMembersNobodyKnowsYet) {
  EXPECT_TRUE(read_open_phone(object({kPhone, kMark, R"("later":{"x":[1,2]})"})).has_value());
}
TEST(OpenPhone, WithoutOneOfItsMembersIsRefused) {
  const std::string number = R"("phoneNumber":"13800000000")", pure = R"("purePhoneNumber":"13800000000")", code = R"("countryCode":"86")";
  EXPECT_TRUE(read_open_phone(object({number, pure, code, kMark})).has_value());
  EXPECT_FALSE(read_open_phone(object({pure, code, kMark})).has_value());
  EXPECT_FALSE(read_open_phone(object({number, code, kMark})).has_value());
  EXPECT_FALSE(read_open_phone(object({number, pure, kMark})).has_value());
  EXPECT_FALSE(read_open_phone(object({number, pure, code})).has_value());
}
TEST(OpenPhone, WithAKeyOfAnotherKindIsRefused) {
  for (const char* member :
       {R"("openId":"oX")", R"("unionId":"oX")", R"("nickName":"a")", R"("avatarUrl":"")", R"("gender":0)", R"("language":"zh_CN")",
        R"("city":"")", R"("province":"")", R"("country":"")", R"("stepInfoList":[])", R"("openGId":"tG")", R"("opengid":"tG")",
        R"("activityId":"a")", R"("group_openid":"g")", R"("chat_type":1)", R"("open_single_roomid":"r")", R"("nickName":null)"}) {
    EXPECT_FALSE(read_open_phone(object({kPhone, kMark, member})).has_value()) << member;
  }
}
TEST(OpenPhone, WhoseNumbersDisagreeIsRefused) {
  EXPECT_FALSE(read_open_phone(object({R"("phoneNumber":"+8613900000000","purePhoneNumber":"13800000000","countryCode":"86")", kMark})));
  EXPECT_FALSE(read_open_phone(object({R"("phoneNumber":"+85213800000000","purePhoneNumber":"13800000000","countryCode":"86")", kMark})));
}
TEST(OpenPhone, WithAKeyGivenTwiceIsRefused) { EXPECT_FALSE(read_open_phone(object({kPhone, kMark, R"("countryCode":"86")"}))); }
TEST(OpenPhone, WithABadWatermarkIsRefused) {
  for (const char* mark : {R"("watermark":null)", R"("watermark":[])", R"("watermark":{"appid":"wx1"})", R"("watermark":{"timestamp":1})",
                           R"("watermark":{"timestamp":"1","appid":"wx1"})", R"("watermark":{"timestamp":-1,"appid":"wx1"})",
                           R"("watermark":{"timestamp":1e3,"appid":"wx1"})",
                               R"("watermark":{"timestamp":9223372036854775807,"appid":"wx1"})",
                           R"("watermark":{"timestamp":1,"appid":"w x"})", R"("watermark":{"timestamp":1,"appid":["wx1"]})"}) {
    EXPECT_FALSE(read_open_phone(object({kPhone, mark})).has_value()) << mark;
  }
}

TEST(OpenUserInfo, IsReadWithAndWithoutAnOpenid) {
  const auto info = read_open_user_info(object({R"("openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE")", kProfile, R"("unionId":"ocMvos6N")", kMark}));
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->openid, "oGZUI0egBJY1zhBYw2KhdUfwVJJE");
  EXPECT_EQ(info->nickname, "Band");
  EXPECT_EQ(info->gender, 1);
  EXPECT_EQ(info->city, "广州");
  EXPECT_EQ(info->avatar_url, "https://a.example/0");
  EXPECT_EQ(info->watermark.app_id, "wx4f4bc4dec97d474b");
  const auto profile = read_open_user_info(object({kProfile, R"("is_demote":true)", kMark}));
  ASSERT_TRUE(profile.has_value());
  EXPECT_EQ(profile->openid, "");
}
TEST(OpenUserInfo, WithAKeyOfAnotherKindIsRefused) {
  for (const char* member : {R"("phoneNumber":"1")", R"("purePhoneNumber":"1")", R"("countryCode":"86")", R"("stepInfoList":[])",
                             R"("openGId":"tG")"}) {
    EXPECT_FALSE(read_open_user_info(object({kProfile, kMark, member})).has_value()) << member;
  }
}
TEST(OpenUserInfo, WithWrongTypesIsRefused) {
  for (const char* member : {R"("openId":["oX"])", R"("openId":"o X")", R"("openId":"")"}) {
    EXPECT_FALSE(read_open_user_info(object({kProfile, kMark, member})).has_value()) << member;
  }
  for (const char* profile : {R"("nickName":1,"avatarUrl":"")", R"("nickName":"a")", R"("avatarUrl":"")",
      R"("nickName":"a","avatarUrl":"","gender":"1")",
                              R"("nickName":"a","avatarUrl":"","gender":3)", R"("nickName":"a","avatarUrl":"","gender":-1)",
                              R"("nickName":"a","avatarUrl":"","city":{})"}) {
    EXPECT_FALSE(read_open_user_info(object({profile, kMark})).has_value()) << profile;
  }
}
TEST(OpenUserInfo, WithTextsTooLargeIsRefused) {
  const std::string avatar = R"("avatarUrl":"")";
  EXPECT_TRUE(read_open_user_info(object({R"("nickName":")" + std::string(1024, 'n') + '"', avatar, kMark})).has_value());
  EXPECT_FALSE(read_open_user_info(object({R"("nickName":")" + std::string(1025, 'n') + '"', avatar, kMark})).has_value());
  EXPECT_FALSE(read_open_user_info(object({kProfile, kMark, R"("later":")" + std::string(32 * 1024, 'x') + '"'})).has_value());
}
TEST(OpenUserInfo, WithoutAWatermarkIsRefused) { EXPECT_FALSE(read_open_user_info(object({kProfile})).has_value()); }

TEST(RawUserInfo, IsTheProfileAlone) {
  const auto info = read_raw_user_info_text(object({kProfile}));
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->nickname, "Band");
  for (const std::string& member : {kMark, std::string(R"("openId":"oX")"), std::string(R"("unionId":"oX")"), kPhone}) {
    EXPECT_FALSE(read_raw_user_info_text(object({kProfile, member})).has_value()) << member;
  }
}

TEST(Readers, RefuseWhatIsNoObject) {
  for (const char* text : {"", "null", "[]", "\"\"", "1", "{", "{}", "{}x", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(read_open_phone(text).has_value()) << text;
    EXPECT_FALSE(read_open_user_info(text).has_value()) << text;
    EXPECT_FALSE(read_raw_user_info_text(text).has_value()) << text;
  }
}

TEST(Readers, TakeThePublishedVectorsForWhatTheyAre) {
  std::stringstream file;
  file << std::ifstream(KAIMEN_VECTORS "/open-data.json").rdbuf();
  const auto vectors = http::parse_json(file.str()).value();
  int seen = 0;
  for (const auto& each : vectors.at("vectors").as_array()) {
    if (each.at("kind") != "aes-128-cbc open data") continue;
    const std::string name(each.at("name").as_string().c_str());
    const auto input = [&](const char* key) { return from_base64(each.at("input").at(key).as_string().c_str()).value(); };
    const auto plain = crypto::aes_cbc_decrypt(input("session_key"), input("iv"), input("encryptedData"));
    ASSERT_TRUE(plain.has_value()) << name;
    EXPECT_EQ(read_open_phone(*plain).has_value(), name == "phone") << name;
    EXPECT_FALSE(read_open_user_info(*plain).has_value()) << name;
    ++seen;
  }
  EXPECT_GE(seen, 4);
}

// The attack itself. The attacker holds a ciphertext of their own user info, knows its plaintext, and chose their nickname: a number that
// begins on a block's border. Cutting the blocks before it and choosing the iv makes the block in front of it say {"phoneNumber":".
struct ForgedPhone : testing::Test {
  static constexpr size_t kBlock = 16;
  const std::string key = std::string(16, 'k'), iv = std::string(16, 'i');

  // `nickname_tail` follows the number in the nickname. Returns what a server decrypts.
  std::optional<std::string> forge(const std::string& nickname_tail) const {
    const std::string opening = R"({"openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","nickName":")";
    const std::string padding((kBlock - opening.size() % kBlock) % kBlock, 'p');
    const std::string filler(kBlock, 'f');  // the block that is replaced
    const std::string plain = opening + padding + filler + "13900000000" + nickname_tail +
                              R"(","gender":0,"language":"","city":"","province":"","country":"","avatarUrl":"",)" + kMark + "}";
    const auto cipher = crypto::aes_cbc_encrypt(key, iv, plain);
    const size_t at = opening.size() + padding.size();  // of the filler block
    const std::string wanted = R"({"phoneNumber":")";
    EXPECT_EQ(wanted.size(), kBlock);
    std::string chosen_iv;
    for (size_t i = 0; i < kBlock; ++i) {
      chosen_iv.push_back(static_cast<char>((*cipher)[at - kBlock + i] ^ plain[at + i] ^ wanted[i]));
    }
    return crypto::aes_cbc_decrypt(key, chosen_iv, cipher->substr(at));
  }
};
TEST_F(ForgedPhone, DecryptsToAPhoneNumberOfTheAttackersChoiceAndIsRefused) {
  const auto plain = forge("");
  ASSERT_TRUE(plain.has_value());
  ASSERT_TRUE(plain->starts_with(R"({"phoneNumber":"13900000000","gender":0)")) << "the attack works as far as decryption goes";
  ASSERT_TRUE(http::parse_json(*plain).has_value());
  EXPECT_FALSE(read_open_phone(*plain).has_value());
  EXPECT_FALSE(read_open_user_info(*plain).has_value());
}
TEST_F(ForgedPhone, WithTheOtherMembersInTheNicknameIsRefusedToo) {
  // The platform escapes quotes in a nickname, so they stay inside the number's string.
  const auto plain = forge(R"(\",\"purePhoneNumber\":\"13900000000\",\"countryCode\":\"86)");
  ASSERT_TRUE(plain.has_value());
  ASSERT_TRUE(http::parse_json(*plain).has_value());
  EXPECT_FALSE(read_open_phone(*plain).has_value());
}

}  // namespace
}  // namespace kaimen::tests

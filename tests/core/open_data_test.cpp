// Open data and signatures: which session_keys are tried, and that nothing is told of why none of them fitted.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

std::string key(int number) { return to_base64(std::string(16, static_cast<char>('a' + number))); }

class OpenDataTest : public CoreTest {
 protected:
  core::LoginAnswer log_in_with(const std::string& session_key, const std::string& openid = "o1") {
    return login(platform.fresh_code(openid, "", session_key)).value();
  }
  std::string phone_text(const std::string& national = "13800000000", const std::string& app_id = "wx1") {
    return "phone|" + app_id + "|" + std::to_string(epoch_ms(clock.now())) + "|" + national;
  }
  std::string user_text(const std::string& openid, const std::string& app_id = "wx1", Millis off = 0ms) {
    return "user|" + app_id + "|" + std::to_string(epoch_ms(clock.now() + off)) + "|" + openid + "|Mei|https://a/b|2";
  }
  Result<core::OpenPhone> phone(const core::EncryptedData& data, const std::string& openid = "o1") {
    return run_here(services().open_data.phone(app(), openid, data));
  }
  Result<core::OpenUserInfo> user_info(const core::EncryptedData& data, const std::string& openid = "o1") {
    return run_here(services().open_data.user_info(app(), openid, data));
  }
  Result<core::OpenUserInfo> signed_info(const std::string& raw, const std::string& signature) {
    return run_here(services().open_data.signed_user_info(app(), "o1", raw, signature));
  }
  static std::string sign(const std::string& raw, const std::string& session_key) { return to_hex(crypto::sha1(raw + session_key)); }
  Result<core::User> bind(const core::LoginAnswer& who, const core::EncryptedData& data) {
    core::PhoneProof proof;
    proof.encrypted = data;
    core::Trace trace;
    return run_here(services().profiles.bind_phone(subject(who), proof, &trace));
  }
};

TEST_F(OpenDataTest, ThreeKeysAreKeptNewestFirst) {
  for (int i = 1; i <= 4; ++i) log_in_with(key(i));
  const auto sealed = run_here(store().session_keys("wechat", "wx1", "o1")).value();
  const auto vault = crypto::Vault::make(Secret("0123456789abcdef0123456789abcdef"), {}, random).value();
  std::vector<std::string> kept;
  for (const auto& one_key : sealed) kept.push_back(vault.open("session_key", std::string("wx1\0o1", 6), one_key).value().reveal());
  EXPECT_EQ(kept, (std::vector<std::string>{key(4), key(3), key(2)}));
}

TEST_F(OpenDataTest, AnyKeptKeyOpens) {
  for (int i = 1; i <= 4; ++i) log_in_with(key(i));
  for (int i = 2; i <= 4; ++i) EXPECT_EQ(phone(encrypt(key(i), phone_text())).value().phone.full, "+8613800000000") << i;
}

TEST_F(OpenDataTest, AKeyThatWasDroppedIsStale) {
  for (int i = 1; i <= 4; ++i) log_in_with(key(i));
  EXPECT_EQ(code_of(phone(encrypt(key(1), phone_text()))), ErrorCode::stale_session_key);
}

TEST_F(OpenDataTest, TheSameKeyAgainIsNotANewOne) {
  log_in_with(key(1));
  for (int i = 0; i < 5; ++i) log_in_with(key(2));
  EXPECT_TRUE(phone(encrypt(key(1), phone_text())));
}

TEST_F(OpenDataTest, KeysAreOfOneUserOnly) {
  log_in_with(key(1));
  log_in_with(key(2), "o2");
  EXPECT_EQ(code_of(phone(encrypt(key(2), phone_text()))), ErrorCode::stale_session_key);
}

// An official account's login brings no key: "no key stands" had every such session expired, and none ever renewed.
TEST_F(OpenDataTest, WhereNoKeyIsKeptItCannotBeAsked) {
  core::Trace trace;
  EXPECT_EQ(run_here(services().open_data.key_stands(app(), "nobody", &trace)).value(), std::nullopt);
  EXPECT_EQ(platform.key_checks, 0);
}

TEST_F(OpenDataTest, KeysAreSealedInTheStore) {
  log_in_with(key(1));
  EXPECT_EQ(one("SELECT count(*) FROM identities WHERE instr(key1, '" + key(1) + "') > 0"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM identities WHERE length(key1) > 24"), "1");
}

TEST_F(OpenDataTest, WhatIsNoCiphertextAtAllSaysSo) {
  log_in_with(key(1));
  const auto good = encrypt(key(1), phone_text());
  const std::string bytes = *from_base64(good.data);
  const std::vector<core::EncryptedData> wrong{
      {"", good.iv},
      {"no base64", good.iv},
      {good.data + "=", good.iv},
      {to_base64(bytes + "x"), good.iv},
      {to_base64(bytes.substr(1)), good.iv},
      {std::string(32 * 1024 + 4, 'A'), good.iv},
      {good.data, ""},
      {good.data, "no base64"},
      {good.data, to_base64(std::string(15, 'x'))},
      {good.data, to_base64(std::string(17, 'x'))},
  };
  for (const auto& data : wrong) EXPECT_EQ(code_of(phone(data)), ErrorCode::decrypt_failed) << data.data.substr(0, 40) << " " << data.iv;
}

TEST_F(OpenDataTest, UserInfoMustNameThisUserOrNobody) {
  log_in_with(key(1));
  EXPECT_EQ(user_info(encrypt(key(1), user_text("o1"))).value().nickname, "Mei");
  EXPECT_TRUE(user_info(encrypt(key(1), user_text(""))));
  EXPECT_EQ(code_of(user_info(encrypt(key(1), user_text("o2")))), ErrorCode::stale_session_key);
}

TEST_F(OpenDataTest, TheWatermarkMayBeTenMinutesOff) {
  log_in_with(key(1));
  EXPECT_TRUE(user_info(encrypt(key(1), user_text("o1", "wx1", -10min))));
  EXPECT_TRUE(user_info(encrypt(key(1), user_text("o1", "wx1", 10min))));
  EXPECT_EQ(code_of(user_info(encrypt(key(1), user_text("o1", "wx1", -10min - 1ms)))), ErrorCode::stale_session_key);
  EXPECT_EQ(code_of(user_info(encrypt(key(1), user_text("o1", "wx1", 10min + 1ms)))), ErrorCode::stale_session_key);
}

TEST_F(OpenDataTest, WhateverIsWrongAfterDecryptionLooksTheSame) {
  log_in_with(key(1));
  auto cut = encrypt(key(1), phone_text() + "................");
  cut.data = to_base64(from_base64(cut.data)->substr(0, 16));
  auto other_iv = encrypt(key(1), phone_text());
  other_iv.iv = to_base64(std::string(16, 'x'));
  const std::vector<Result<core::OpenPhone>> refusals{
      phone(encrypt(key(9), phone_text())),                           // a key that is not kept
      phone(cut),                                                     // padding
      phone(other_iv),                                                // another beginning
      phone(encrypt(key(1), "not of any shape")),
      phone(encrypt(key(1), user_text("o1"))),                        // another kind
      phone(encrypt(key(1), phone_text("13800000000", "wx2"))),       // another app
      phone(encrypt(key(1), "phone|wx1|0|13800000000")),              // long ago
      phone(encrypt(key(1), phone_text()), "nobody"),                 // no key at all
  };
  for (const auto& refusal : refusals) {
    EXPECT_EQ(code_of(refusal), ErrorCode::stale_session_key);
    EXPECT_EQ(refusal.error().detail, refusals[0].error().detail);
    EXPECT_EQ(reason_of(refusal), Reason::none);
    EXPECT_FALSE(refusal.error().upstream);
    EXPECT_FALSE(refusal.error().retry_after);
    EXPECT_TRUE(refusal.error().message.empty());
  }
}

TEST_F(OpenDataTest, ASignatureUnderAnyKeptKeyHolds) {
  for (int i = 1; i <= 4; ++i) log_in_with(key(i));
  const std::string raw = "raw|Mei|https://a/b|2";
  for (int i = 2; i <= 4; ++i) EXPECT_EQ(signed_info(raw, sign(raw, key(i))).value().nickname, "Mei") << i;
  EXPECT_EQ(code_of(signed_info(raw, sign(raw, key(1)))), ErrorCode::signature_invalid);
}

TEST_F(OpenDataTest, ASignatureIsOfEveryByte) {
  log_in_with(key(1));
  const std::string raw = "raw|Mei|https://a/b|2";
  EXPECT_EQ(code_of(signed_info(raw + " ", sign(raw, key(1)))), ErrorCode::signature_invalid);
  EXPECT_EQ(code_of(signed_info(raw, "")), ErrorCode::signature_invalid);
  EXPECT_EQ(code_of(signed_info(raw, sign(raw, key(1)).substr(1))), ErrorCode::signature_invalid);
}

TEST_F(OpenDataTest, WhatIsSignedMustStillBeAProfile) {
  log_in_with(key(1));
  const std::string raw = phone_text();
  EXPECT_EQ(code_of(signed_info(raw, sign(raw, key(1)))), ErrorCode::invalid_request);
}

TEST_F(OpenDataTest, APhoneCiphertextCountsOnce) {
  const auto who = log_in_with(key(1));
  const auto data = encrypt(key(1), phone_text());
  EXPECT_TRUE(bind(who, data));
  EXPECT_EQ(code_of(bind(who, data)), ErrorCode::conflict);
  EXPECT_TRUE(bind(who, encrypt(key(1), phone_text("13900000000")))) << "another one does";
}

}  // namespace
}  // namespace kaimen::test

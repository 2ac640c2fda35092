#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/encoding.h"

namespace kaimen::crypto {
namespace {

const std::string kMillion(1'000'000, 'a');

// FIPS 180-4's examples.
TEST(Sha256, gives_the_standard_values) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(kMillion)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
TEST(Sha1, gives_the_standard_values) {
  EXPECT_EQ(to_hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(to_hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha1(kMillion)), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
// RFC 1321.
TEST(Md5, gives_the_standard_values) {
  EXPECT_EQ(to_hex(md5("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(to_hex(md5("message digest")), "f96b697d7cb7938d525a2f31aaf161d0");
}
TEST(Hash, takes_nul_bytes) { EXPECT_NE(sha256(std::string_view("a\0b", 3)), sha256("a")); }

// RFC 4231, cases 1, 2, 3, 6 and 7.
TEST(HmacSha256, gives_the_values_of_the_rfc) {
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(20, '\xaa'), std::string(50, '\xdd'))), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.")),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}
TEST(HmacSha256, takes_an_empty_key_and_an_empty_message) {
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 5869, case 3 (the one without salt); the others come from an independent implementation.
TEST(HkdfSha256, gives_the_value_of_the_rfc) {
  EXPECT_EQ(to_hex(hkdf_sha256(std::string(22, '\x0b'), "", 42)), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}
TEST(HkdfSha256, derives_by_info) {
  std::string key;
  for (char i = 0; i < 32; ++i) key.push_back(i);
  EXPECT_EQ(to_hex(hkdf_sha256(key, "kaimen seal", 32)), "c52c34ec30b6a519da21a7256dae18e531c15729cdd2607b68b1c96460d21f27");
}
TEST(HkdfSha256, takes_an_empty_key) { EXPECT_EQ(to_hex(hkdf_sha256({}, "x", 16)), "0dfd7b633e54fd3c77e68749c2c9a889"); }
TEST(HkdfSha256, of_no_length_is_empty) { EXPECT_EQ(hkdf_sha256("key", "info", 0), ""); }

// WeChat's published examples: the session_key goes in as its base64 text, not as its bytes.
TEST(WechatSignature, user_info_is_sha1_of_raw_data_and_session_key) {
  const std::string raw_data =
      R"({"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"})";
  EXPECT_EQ(to_hex(sha1(raw_data + "HyVFkGl5F5OQWJZZaNzBBg==")), "75e81ceda165f4ffa64f4068af58c64b8f54b88c");
}
TEST(WechatSignature, login_state_of_a_post_is_hmac_of_the_body) {
  EXPECT_EQ(to_hex(hmac_sha256("o0q0otL8aEzpcZL/FT9WsQ==", R"({"foo":"bar"})")), "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b");
}
TEST(WechatSignature, login_state_of_a_get_is_hmac_of_nothing) {
  EXPECT_EQ(to_hex(hmac_sha256("tiihtNczf5v6AKRyjwEUhQ==", "")), "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735");
}

TEST(Hash, threads_do_not_disturb_each_other) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&wrong, t] {
      const std::string text(static_cast<size_t>(t) * 100, 'x');
      const std::string once = sha256(text), mac = hmac_sha256(text, text), derived = hkdf_sha256(text, text, 40);
      for (int i = 0; i < 1000; ++i) wrong += sha256(text) != once || hmac_sha256(text, text) != mac || hkdf_sha256(text, text, 40) != derived;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace kaimen::crypto

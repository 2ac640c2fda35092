#include "crypto/cbc.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <random>

#include "base/encoding.h"

namespace kaimen::crypto {
namespace {

std::string bytes(std::string_view base64) { return from_base64(base64).value(); }
const std::string kKey = bytes("tiihtNczf5v6AKRyjwEUhQ=="), kIv = bytes("r7BXXKkLb8qrSNn05n0qiA==");

std::optional<std::string> open_data(std::string_view encrypted) { return aes_cbc_decrypt(kKey, kIv, bytes(encrypted)); }

// Whole blocks as they are, by libcrypto directly: padding of our own making.
std::string encrypt_blocks(const std::string& text) {
  std::string out(text.size() + 16, '\0');
  int length = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, EVP_aes_128_cbc(), nullptr, reinterpret_cast<const unsigned char*>(kKey.data()), reinterpret_cast<const unsigned char*>(kIv.data()));
  EVP_CIPHER_CTX_set_padding(context, 0);
  EVP_EncryptUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &length, reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  EVP_CIPHER_CTX_free(context);
  out.resize(text.size());
  return out;
}

// The vectors of tests/vectors/open-data.json.
TEST(AesCbc, opens_phone_data) {
  EXPECT_EQ(open_data("xT8p8W6jIVdEWQ+ccHuD2bJrBf6mkzQKHYq3B0XAenqMRwEI7zqtryP2JPERvU7x5WNjL5ZoYtrk1RAosEf9kJL/u/v30o0V5elbCkRBVbfY8FgF7+dr9lQr5faGlQ30VzST5CZyQzM0JT++WSybcYMaDotz"
                      "AosprRqlGHHk20y8v4KyQdfmDKRLdrpS4l2Jmzbn2Mj9Q+HKBQ60E1t5cA=="),
            R"({"phoneNumber":"+8613800000000","purePhoneNumber":"13800000000","countryCode":"86","watermark":{"timestamp":1700000000,"appid":"wx4f4bc4dec97d474b"}})");
}
TEST(AesCbc, opens_share_data) {
  EXPECT_EQ(open_data("2MKc68RCAMXdtZ2WPqgIopajSira2hIWkrKEF9s02aswB4DJuZNT6C7gW62+fpDxisgrJ/z5QwlLGuOzuNnpIhihaqiX0L8+A6LfJ6WIdgI7gksd5XPAqo7f/cHtsQhf9nOkh6uctui+r/Xvm7d93A=="),
            R"({"openGId":"tGGIDexample0001","watermark":{"timestamp":1700000000,"appid":"wx4f4bc4dec97d474b"}})");
}
TEST(AesCbc, opens_alipay_phone_data_with_its_zero_iv) {
  EXPECT_EQ(aes_cbc_decrypt(bytes("AAECAwQFBgcICQoLDA0ODw=="), std::string(16, '\0'), bytes("igATcyTqqgv1AFpBiHJyVf94zn4d80DWhHrnUhty+8QLcUOlYjxvP9Xk+YXblbTSoe2bGplnUECoaQrDECEzOw==")),
            R"({"code":"10000","msg":"Success","mobile":"13800000000"})");
}
TEST(AesCbc, refuses_the_vector_padded_with_zero) { EXPECT_FALSE(open_data("dEzIzMdTMqsZbcXY5zUq6Q==")); }
TEST(AesCbc, refuses_the_vector_with_mixed_padding) { EXPECT_FALSE(open_data("I2ANhSEovLx7zWMicgYRSA==")); }

// NIST SP 800-38A, F.2.1 to F.2.5, first block each; the block of padding that follows is not part of the vector.
TEST(AesCbc, gives_the_standard_values_for_every_key_length) {
  const std::string iv = from_hex("000102030405060708090a0b0c0d0e0f").value(), text = from_hex("6bc1bee22e409f96e93d7e117393172a").value();
  const std::pair<const char*, const char*> vectors[] = {
      {"2b7e151628aed2a6abf7158809cf4f3c", "7649abac8119b246cee98e9b12e9197d"},
      {"8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "4f021db243bc633d7178183a9fa071e8"},
      {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"}};
  for (const auto& [key, first_block] : vectors) {
    const auto sealed = aes_cbc_encrypt(from_hex(key).value(), iv, text);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(to_hex(sealed->substr(0, 16)), first_block);
    EXPECT_EQ(aes_cbc_decrypt(from_hex(key).value(), iv, *sealed), text);
  }
}
TEST(AesCbc, opens_what_it_sealed_for_every_length_and_both_pad_blocks) {
  for (const size_t pad_block : {16, 32}) {
    for (size_t size = 0; size < 100; ++size) {
      const std::string text(size, 'x');
      const auto sealed = aes_cbc_encrypt(kKey, kIv, text, pad_block);
      ASSERT_TRUE(sealed);
      EXPECT_EQ(sealed->size() % pad_block, 0U);
      EXPECT_GT(sealed->size(), size);
      EXPECT_EQ(aes_cbc_decrypt(kKey, kIv, *sealed, pad_block), text);
    }
  }
}

TEST(AesCbc, of_all_last_bytes_only_the_one_that_fits_is_padding) {
  for (const size_t pad_block : {16, 32}) {
    for (size_t right = 1; right <= pad_block; ++right) {
      std::string text(64, '\x7f');
      std::fill(text.end() - static_cast<ptrdiff_t>(right), text.end(), static_cast<char>(right));
      for (int last = 0; last < 256; ++last) {
        std::string changed = text;
        changed.back() = static_cast<char>(last);
        // A last byte of 1 is good padding by itself.
        const bool good = static_cast<size_t>(last) == right || last == 1;
        const auto opened = aes_cbc_decrypt(kKey, kIv, encrypt_blocks(changed), pad_block);
        EXPECT_EQ(opened.has_value(), good) << right << " " << last;
        if (opened) {
          EXPECT_EQ(*opened, text.substr(0, 64 - static_cast<size_t>(last)));
        }
      }
    }
  }
}
TEST(AesCbc, every_changed_byte_of_the_padding_is_seen) {
  for (const size_t pad_block : {16, 32}) {
    for (size_t count = 2; count <= pad_block; ++count) {
      for (size_t at = 1; at < count; ++at) {  // from the end; the last byte is the test above
        std::string text(64, 'x');
        std::fill(text.end() - static_cast<ptrdiff_t>(count), text.end(), static_cast<char>(count));
        text[64 - 1 - at] ^= 0x40;
        EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, encrypt_blocks(text), pad_block)) << count << " " << at;
      }
    }
  }
}
TEST(AesCbc, padding_of_17_is_refused_for_blocks_of_16) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, encrypt_blocks(std::string(32, 17)), 16)); }
TEST(AesCbc, padding_of_33_is_refused_for_blocks_of_32) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, encrypt_blocks(std::string(64, 33)), 32)); }

TEST(AesCbc, refuses_a_key_of_15_bytes) { EXPECT_FALSE(aes_cbc_decrypt(kKey.substr(1), kIv, std::string(16, 'x'))); }
TEST(AesCbc, refuses_an_empty_key) { EXPECT_FALSE(aes_cbc_decrypt("", kIv, std::string(16, 'x'))); }
TEST(AesCbc, refuses_an_iv_of_15_bytes) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv.substr(1), std::string(16, 'x'))); }
TEST(AesCbc, refuses_an_iv_of_17_bytes) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv + "x", std::string(16, 'x'))); }
TEST(AesCbc, refuses_nothing_at_all) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, "")); }
TEST(AesCbc, refuses_half_a_block) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, std::string(24, 'x'))); }
TEST(AesCbc, refuses_half_a_pad_block_of_32) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, encrypt_blocks(std::string(16, 16)), 32)); }
TEST(AesCbc, refuses_a_pad_block_of_8) { EXPECT_FALSE(aes_cbc_decrypt(kKey, kIv, encrypt_blocks(std::string(16, 8)), 8)); }
TEST(AesCbc, sealing_refuses_a_short_key) { EXPECT_FALSE(aes_cbc_encrypt("short", kIv, "text")); }
TEST(AesCbc, sealing_refuses_a_short_iv) { EXPECT_FALSE(aes_cbc_encrypt(kKey, "short", "text")); }

}  // namespace
}  // namespace kaimen::crypto

#include "crypto/aead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "random_sources.h"

namespace kaimen::crypto {
namespace {

const std::string kKey(32, 'k');

// The GCM specification's test case 16 (256-bit key, 20 bytes of additional data).
TEST(Aead, opens_the_standard_vector) {
  const std::string key = from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").value();
  const std::string additional = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2").value();
  const std::string sealed = from_hex("cafebabefacedbaddecaf888"
                                      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                      "76fc6ece0f4e1768cddf8853bb2d551b")
                                 .value();
  EXPECT_EQ(to_hex(aead_open(key, additional, sealed).value()),
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
}
TEST(Aead, the_sealed_form_is_nonce_text_tag) {
  RepeatingRandom random(0x42);
  const std::string sealed = aead_seal(kKey, "data", "text", random).value();
  EXPECT_EQ(sealed.size(), 12U + 4 + 16);
  EXPECT_EQ(sealed.substr(0, 12), std::string(12, 0x42));
}
TEST(Aead, opens_what_it_sealed_also_where_parts_are_empty) {
  SystemRandom random;
  for (const std::string data : {"", "data"}) {
    for (const std::string& text : {std::string(), std::string("text"), std::string(100'000, 'x')}) {
      const std::string sealed = aead_seal(kKey, data, text, random).value();
      EXPECT_EQ(aead_open(kKey, data, sealed), text);
    }
  }
}
TEST(Aead, every_flipped_bit_is_refused) {
  SystemRandom random;
  const std::string sealed = aead_seal(kKey, "data", "some text", random).value();
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(aead_open(kKey, "data", changed)) << bit;
  }
}
TEST(Aead, every_cut_is_refused) {
  SystemRandom random;
  const std::string sealed = aead_seal(kKey, "data", "some text", random).value();
  for (size_t size = 0; size < sealed.size(); ++size) EXPECT_FALSE(aead_open(kKey, "data", sealed.substr(0, size))) << size;
}
TEST(Aead, an_added_byte_is_refused) {
  SystemRandom random;
  EXPECT_FALSE(aead_open(kKey, "data", aead_seal(kKey, "data", "some text", random).value() + '\0'));
}
TEST(Aead, other_additional_data_is_refused) {
  SystemRandom random;
  EXPECT_FALSE(aead_open(kKey, "row 2", aead_seal(kKey, "row 1", "some text", random).value()));
}
TEST(Aead, another_key_is_refused) {
  SystemRandom random;
  EXPECT_FALSE(aead_open(std::string(32, 'l'), "data", aead_seal(kKey, "data", "some text", random).value()));
}
TEST(Aead, sealing_with_a_short_key_is_an_error) {
  SystemRandom random;
  EXPECT_FALSE(aead_seal(kKey.substr(1), "data", "text", random));
}
TEST(Aead, opening_with_more_than_the_key_is_refused) {
  SystemRandom random;
  EXPECT_FALSE(aead_open(kKey + "x", "data", aead_seal(kKey, "data", "text", random).value()));
}
TEST(Aead, without_randomness_nothing_is_sealed) {
  FailingRandom random;
  const auto sealed = aead_seal(kKey, "data", "text", random);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::unavailable);
}
TEST(Aead, a_million_seals_repeat_no_nonce) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr size_t kSeals = 200'000;
#else
  constexpr size_t kSeals = 1'000'000;
#endif
  SystemRandom random;
  std::vector<std::string> nonces;
  nonces.reserve(kSeals);
  for (size_t i = 0; i < kSeals; ++i) nonces.push_back(aead_seal(kKey, "", "", random).value().substr(0, 12));
  std::sort(nonces.begin(), nonces.end());
  EXPECT_EQ(std::adjacent_find(nonces.begin(), nonces.end()), nonces.end());
}

}  // namespace
}  // namespace kaimen::crypto

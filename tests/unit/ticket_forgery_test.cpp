// Whatever is not, character for character, a ticket that was sealed is refused. Each test starts from a good one.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <random>
#include <vector>

#include "base/encoding.h"
#include "check/base64url.h"
#include "tickets.h"

namespace kaimen::check {
namespace {

class TicketForgery : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(opens(text_)); }
  bool opens(std::string_view text) { return open_ticket(key_, text, opened_); }
  std::string decoded() const { return from_base64url(text_.substr(4)).value(); }
  static std::string encoded(std::string_view bytes) { return "km1." + to_base64url(bytes); }

  const Key key_ = key_of(0x01020304);
  const std::string text_ = seal_ticket(key_, claims_of(1), nonce_of(1));
  Opened opened_;
};

TEST_F(TicketForgery, every_flipped_bit_is_refused) {
  for (size_t bit = 0; bit < decoded().size() * 8; ++bit) {
    std::string bytes = decoded();
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(opens(encoded(bytes))) << bit;
  }
}
TEST_F(TicketForgery, every_flipped_bit_of_the_text_is_refused) {
  for (size_t bit = 0; bit < text_.size() * 8; ++bit) {
    std::string text = text_;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(opens(text)) << bit;
  }
}
TEST_F(TicketForgery, every_other_character_at_every_place_is_refused) {
  for (size_t at = 0; at < text_.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string text = text_;
      text[at] = static_cast<char>(value);
      EXPECT_EQ(opens(text), text == text_) << at << " " << value;
    }
  }
}
TEST_F(TicketForgery, every_cut_is_refused) {
  for (size_t size = 0; size < text_.size(); ++size) EXPECT_FALSE(opens(text_.substr(0, size))) << size;
  const std::string bytes = decoded();
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(opens(encoded(bytes.substr(0, size)))) << size;
}
TEST_F(TicketForgery, every_addition_is_refused) {
  for (int value = 0; value < 256; ++value) {
    EXPECT_FALSE(opens(text_ + static_cast<char>(value))) << value;
    EXPECT_FALSE(opens(static_cast<char>(value) + text_)) << value;
  }
  for (size_t more = 1; more < 100; ++more) EXPECT_FALSE(opens(encoded(decoded() + std::string(more, '\0')))) << more;
}
TEST_F(TicketForgery, padding_is_refused) {
  EXPECT_FALSE(opens(text_ + "="));
  EXPECT_FALSE(opens(text_ + "=="));
}
TEST_F(TicketForgery, the_other_spellings_of_the_last_character_are_refused) {
  // Every remainder of the length has its own number of spare bits.
  const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t spellings = 0;
  for (const std::string_view roles : {"a", "aa", "aaa"}) {
    Claims claims = claims_of(1);
    claims.roles = roles;
    const std::string text = seal_ticket(key_, claims, nonce_of(1));
    for (const char last : alphabet) {
      const std::string other = text.substr(0, text.size() - 1) + last;
      EXPECT_EQ(opens(other), other == text);
      spellings += other != text;
    }
  }
  EXPECT_EQ(spellings, 3U * 63);
}
TEST_F(TicketForgery, a_swapped_key_id_is_refused) {
  std::string bytes = decoded();
  bytes[3] = 0x05;
  const std::string text = encoded(bytes);
  EXPECT_FALSE(opens(text));
  EXPECT_FALSE(open_ticket(key_of(0x01020305), text, opened_));  // the same bytes under the id that the text now names
}
TEST_F(TicketForgery, parts_of_two_tickets_are_refused) {
  const std::string other = from_base64url(seal_ticket(key_, claims_of(2), nonce_of(2)).substr(4)).value(), mine = decoded();
  ASSERT_EQ(other.size(), mine.size());
  for (size_t cut = 1; cut < mine.size(); ++cut) {
    const std::string mixed = mine.substr(0, cut) + other.substr(cut);
    if (mixed == other || mixed == mine) continue;  // the key id is the same in both
    EXPECT_FALSE(opens(encoded(mixed))) << cut;
  }
}
TEST_F(TicketForgery, a_refused_ticket_leaves_no_claims) {
  std::string text = text_;
  text[40] = text[40] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(opens(text));
  expect_equal(opened_.claims, Claims{});
}
TEST_F(TicketForgery, two_hundred_thousand_random_changes_are_refused) {
  std::mt19937 noise(20'261'120);
  const auto below = [&](size_t end) { return noise() % end; };
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = below(2) == 0 ? text_ : decoded();
    const bool raw = text != text_;
    for (size_t changes = 1 + below(4); changes > 0; --changes) {
      const size_t at = below(text.size());
      switch (below(5)) {
        case 0: text[at] = static_cast<char>(noise()); break;
        case 1: text.insert(at, 1, static_cast<char>(noise())); break;
        case 2: text.erase(at, 1 + below(4)); break;
        case 3: std::swap(text[at], text[below(text.size())]); break;
        default: text[at] = static_cast<char>(text[at] ^ 1 << below(8)); break;
      }
      if (text.empty()) text = "x";
    }
    if (raw) text = encoded(text);
    accepted += text != text_ && opens(text);
  }
  EXPECT_EQ(accepted, 0);
}

// A body whose tag is good but whose strings do not fit: it takes the key to make one, and it must still not be read beyond its end.
std::string sealed_body(const Key& key, const std::string& body) {
  std::string head = {char(key.id >> 24), char(key.id >> 16), char(key.id >> 8), char(key.id)};
  const std::string additional = "km1." + head;
  std::string out(body.size(), '\0'), nonce(12, 'n'), tag(16, '\0');
  const auto bytes = [](std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); };
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int length = 0;
  EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, key.bytes.data(), bytes(nonce));
  EVP_EncryptUpdate(context, nullptr, &length, reinterpret_cast<const unsigned char*>(additional.data()), static_cast<int>(additional.size()));
  EVP_EncryptUpdate(context, bytes(out), &length, reinterpret_cast<const unsigned char*>(body.data()), static_cast<int>(body.size()));
  EVP_EncryptFinal_ex(context, bytes(out) + length, &length);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, tag.data());
  EVP_CIPHER_CTX_free(context);
  return "km1." + to_base64url(head + nonce + out + tag);
}
const std::string kFixed(52, '\x01');
std::string lengths(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += {static_cast<char>(value >> 8), static_cast<char>(value)};
  return text;
}
TEST_F(TicketForgery, a_body_that_fits_opens) { EXPECT_TRUE(opens(sealed_body(key_, kFixed + lengths({0, 0, 0, 0})))); }
TEST_F(TicketForgery, a_string_longer_than_the_body_is_refused) { EXPECT_FALSE(opens(sealed_body(key_, kFixed + lengths({0, 0, 0, 1})))); }
TEST_F(TicketForgery, a_string_of_65535_is_refused) { EXPECT_FALSE(opens(sealed_body(key_, kFixed + lengths({65535, 0, 0, 0})))); }
TEST_F(TicketForgery, bytes_behind_the_last_string_are_refused) { EXPECT_FALSE(opens(sealed_body(key_, kFixed + lengths({0, 0, 0, 0}) + "x"))); }
TEST_F(TicketForgery, a_missing_length_is_refused) { EXPECT_FALSE(opens(sealed_body(key_, kFixed + lengths({2, 0, 0, 0})))); }
TEST_F(TicketForgery, half_a_length_is_refused) { EXPECT_FALSE(opens(sealed_body(key_, kFixed + lengths({1, 0, 0, 0})))); }

// The check's own decoder against the strict one of base.
TEST(CheckBase64url, agrees_with_base_on_every_text) {
  std::mt19937 noise(1);
  const std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=\n\x80";
  size_t good = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text(noise() % 41, '\0');
    for (char& c : text) c = characters[noise() % (i % 2 == 0 ? 64 : characters.size())];
    std::string bytes(decoded_size(text.size()), '\0');
    const std::vector<char> exact(text.begin(), text.end());  // nothing behind it, not even a NUL
    const bool decodes = decode_base64url({exact.data(), exact.size()}, reinterpret_cast<uint8_t*>(bytes.data()));
    const auto expected = from_base64url(text);
    ASSERT_EQ(decodes, expected.has_value()) << text;
    if (!decodes) continue;
    ++good;
    EXPECT_EQ(bytes, *expected);
    std::string again;
    append_base64url(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), again);
    EXPECT_EQ(again, text);
  }
  EXPECT_GT(good, 10'000U);
}
// Sixteen characters at a time or four: a byte that is of the alphabet is so at every place, and every other is seen.
TEST(CheckBase64url, takes_the_alphabet_and_nothing_else_at_every_place) {
  for (size_t at = 0; at < 36; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text(36, 'A'), bytes(27, '\0');
      text[at] = static_cast<char>(byte);
      const auto expected = from_base64url(text);
      ASSERT_EQ(decode_base64url(text, reinterpret_cast<uint8_t*>(bytes.data())), expected.has_value()) << "byte " << byte << " at " << at;
      if (expected) {
        EXPECT_EQ(bytes, *expected);
      }
    }
  }
}

}  // namespace
}  // namespace kaimen::check

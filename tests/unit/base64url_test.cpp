// The check's own base64url, held against one that is written to be read: every character at every place, at lengths about those where more
// than one is taken at a time.
#include "check/base64url.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace kaimen::check {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::optional<std::string> plainly_decoded(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t at = kAlphabet.find(c);
    if (at == kAlphabet.npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(at);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return bytes;
}

// Into memory of exactly that size, so that one byte too many is seen.
std::optional<std::string> decoded(std::string_view text) {
  const auto room = std::make_unique<uint8_t[]>(decoded_size(text.size()));
  if (!decode_base64url(text, room.get())) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(room.get()), decoded_size(text.size()));
}

std::string text_of(size_t bytes, std::mt19937& noise) {
  std::string raw(bytes, '\0'), text;
  for (char& byte : raw) byte = static_cast<char>(noise());
  append_base64url(reinterpret_cast<const uint8_t*>(raw.data()), raw.size(), text);
  EXPECT_EQ(decoded(text), raw);
  return text;
}

TEST(CheckBase64url, every_length_reads_what_it_writes) {
  std::mt19937 noise(1);
  for (size_t bytes = 0; bytes < 300; ++bytes) text_of(bytes, noise);
}

TEST(CheckBase64url, every_character_at_every_place) {
  std::mt19937 noise(2);
  for (const size_t bytes : {3, 16, 17, 18, 19, 30, 31, 32, 41}) {
    const std::string text = text_of(bytes, noise);
    for (size_t place = 0; place < text.size(); ++place) {
      for (int character = 0; character < 256; ++character) {
        std::string other = text;
        other[place] = static_cast<char>(character);
        ASSERT_EQ(decoded(other), plainly_decoded(other)) << bytes << " bytes, character " << character << " at " << place;
      }
    }
  }
}

TEST(CheckBase64url, a_length_that_no_value_has) {
  std::mt19937 noise(3);
  EXPECT_FALSE(decoded("A"));
  EXPECT_FALSE(decoded(text_of(30, noise) + "A"));
}

}  // namespace
}  // namespace kaimen::check

#include "base/encoding.h"

#include <gtest/gtest.h>

#include <random>

namespace kaimen {
namespace {

TEST(Hex, writes_lower_case) { EXPECT_EQ(to_hex(std::string_view("\x00\x7f\xab\xff", 4)), "007fabff"); }
TEST(Hex, reads_what_it_writes) { EXPECT_EQ(from_hex("007fabff"), std::string("\x00\x7f\xab\xff", 4)); }
TEST(Hex, refuses_upper_case) { EXPECT_FALSE(from_hex("AB")); }
TEST(Hex, refuses_odd_length) { EXPECT_FALSE(from_hex("abc")); }
TEST(Hex, refuses_other_characters) { EXPECT_FALSE(from_hex("0g")); }

// RFC 4648, section 10.
TEST(Base64, writes_and_reads_the_vectors_of_the_rfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes) << text;
  }
}
TEST(Base64, uses_the_standard_alphabet) { EXPECT_EQ(to_base64("\xfb\xff\xfe"), "+//+"); }
TEST(Base64, refuses_the_url_alphabet) { EXPECT_FALSE(from_base64("-__-")); }
TEST(Base64, refuses_missing_padding) { EXPECT_FALSE(from_base64("Zg")); }
TEST(Base64, refuses_padding_inside) { EXPECT_FALSE(from_base64("Zg==Zg==")); }
TEST(Base64, refuses_three_padding_characters) { EXPECT_FALSE(from_base64("Z===")); }
TEST(Base64, refuses_white_space) { EXPECT_FALSE(from_base64("Zm9v\nZm8=")); }
TEST(Base64, refuses_spare_bits) { EXPECT_FALSE(from_base64("Zh==")); }
TEST(Base64, lenient_takes_spare_bits) { EXPECT_EQ(from_base64_lenient("Zh=="), "f"); }
TEST(Base64, lenient_refuses_other_characters) { EXPECT_FALSE(from_base64_lenient("Z*==")); }

TEST(Base64url, writes_without_padding) { EXPECT_EQ(to_base64url("\xfb\xff\xfe\x01"), "-__-AQ"); }
TEST(Base64url, refuses_padding) { EXPECT_FALSE(from_base64url("Zg==")); }
TEST(Base64url, refuses_the_standard_alphabet) { EXPECT_FALSE(from_base64url("+//+")); }
TEST(Base64url, refuses_a_single_last_character) { EXPECT_FALSE(from_base64url("Zm9vZ")); }
TEST(Base64url, refuses_spare_bits) { EXPECT_FALSE(from_base64url("Zh")); }
TEST(Base64url, reads_what_it_writes) {
  std::mt19937 noise(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(noise());
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
  }
}

TEST(Utf8, takes_every_length) { EXPECT_TRUE(is_utf8("a\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")); }
TEST(Utf8, takes_nul) { EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3))); }
TEST(Utf8, refuses_overlong_two) { EXPECT_FALSE(is_utf8("\xc0\xaf")); }
TEST(Utf8, refuses_overlong_three) { EXPECT_FALSE(is_utf8("\xe0\x80\xaf")); }
TEST(Utf8, refuses_overlong_four) { EXPECT_FALSE(is_utf8("\xf0\x80\x80\xaf")); }
TEST(Utf8, refuses_surrogates) { EXPECT_FALSE(is_utf8("\xed\xa0\x80")); }
TEST(Utf8, refuses_beyond_unicode) { EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80")); }
TEST(Utf8, refuses_a_cut_character) { EXPECT_FALSE(is_utf8("a\xe5\xa4")); }
TEST(Utf8, refuses_a_stray_continuation) { EXPECT_FALSE(is_utf8("\x80")); }
TEST(Utf8, refuses_a_bad_third_byte) { EXPECT_FALSE(is_utf8("\xe5\xa4\x41")); }
TEST(Utf8, counts_code_points) { EXPECT_EQ(utf8_length("a\xe5\xa4\x96\xf0\x9f\x98\x80"), 3U); }

TEST(PlainText, takes_words_in_any_script_up_to_the_limit) { EXPECT_TRUE(is_plain_text("\xe5\xbc\x80\xe9\x97\xa8 \xc2\xa0", 4)); }
TEST(PlainText, refuses_one_character_too_many) { EXPECT_FALSE(is_plain_text("\xe5\xbc\x80\xe9\x97\xa8", 1)); }
TEST(PlainText, refuses_what_a_terminal_obeys) { EXPECT_FALSE(is_plain_text("a\x1b[2J", 64)); }
TEST(PlainText, refuses_a_new_line) { EXPECT_FALSE(is_plain_text("a\nb", 64)); }
TEST(PlainText, refuses_delete) { EXPECT_FALSE(is_plain_text("a\x7f", 64)); }
TEST(PlainText, refuses_the_one_byte_escape_in_unicode) { EXPECT_FALSE(is_plain_text("a\xc2\x9b", 64)); }
TEST(PlainText, refuses_what_is_not_utf8) { EXPECT_FALSE(is_plain_text("a\xc2", 64)); }

}  // namespace
}  // namespace kaimen

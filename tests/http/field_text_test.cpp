// is_field_text reads eight bytes at a time; here it is held against the rule, byte by byte.
#include <gtest/gtest.h>

#include <string>

#include "http/framing.h"

namespace kaimen::http {
namespace {

bool may_stand_in_a_field(int byte) { return byte == '\t' || (byte >= 0x20 && byte != 0x7f); }

TEST(FieldText, holds_for_every_byte_at_every_place) {
  for (size_t size = 1; size <= 25; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(is_field_text(text), may_stand_in_a_field(byte)) << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(FieldText, a_tab_hides_no_control_character_behind_it) { EXPECT_FALSE(is_field_text("\t2345678\x01")); }
TEST(FieldText, bytes_beside_the_forbidden_ones_do_not_hide_them) { EXPECT_FALSE(is_field_text("\x20\x20\x1f\x20\x80\xff\x7e\x20")); }
TEST(FieldText, no_bytes_are_text) { EXPECT_TRUE(is_field_text("")); }

}  // namespace
}  // namespace kaimen::http

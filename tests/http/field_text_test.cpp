// Bytes are looked at sixteen at a time; here that is held against the rules, byte by byte.
#include <gtest/gtest.h>

#include <string>

#include "http/field_text.h"

namespace kaimen::http {
namespace {

bool may_stand_in_a_field(int byte) { return byte == '\t' || (byte >= 0x20 && byte != 0x7f); }

TEST(FieldText, holds_for_every_byte_at_every_place) {
  for (size_t size = 1; size <= 40; ++size) {
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

TEST(FieldText, the_first_control_character_from_a_place_on_is_found) {
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t from = 0; from <= size; ++from) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'a');
        text[at] = '\r';
        if (at + 1 < size) text[at + 1] = '\n';
        const size_t first = from <= at ? at : from == at + 1 && from < size ? from : size;
        ASSERT_EQ(find_control(text, from), first) << "CR at " << at << " of " << size << ", from " << from;
      }
    }
  }
}

TEST(FieldText, a_token_ends_at_the_first_byte_that_is_no_part_of_one) {
  const std::string_view parts = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        const bool part = byte != 0 && parts.find(static_cast<char>(byte)) != parts.npos;
        ASSERT_EQ(token_size(text), part ? size : at) << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(FieldText, no_bytes_are_text) { EXPECT_TRUE(is_field_text("")); }

}  // namespace
}  // namespace kaimen::http

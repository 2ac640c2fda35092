// Account names: what is one name, and what is none.
#include "core/account_name.h"

#include <gtest/gtest.h>

namespace kaimen::test {
namespace {

std::string canonical(const std::string& typed) { return core::canonical_name(typed).value_or("(none)"); }

std::string many(const std::string& one, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += one;
  return text;
}

TEST(AccountNameTest, CaseAndWidthDoNotTellNamesApart) {
  EXPECT_EQ(canonical("Mei"), "mei");
  EXPECT_EQ(canonical("ＭＥＩ０１"), "mei01");
  EXPECT_EQ(canonical("Straße"), canonical("STRASSE"));
  EXPECT_EQ(canonical("é"), canonical("e\u0301"));
  EXPECT_EQ(canonical("ｶﾞ"), canonical("ガ"));
  EXPECT_EQ(canonical("王小明"), "王小明");
  EXPECT_NE(canonical("王"), canonical("玉"));
}

TEST(AccountNameTest, BlanksAroundAndInvisibleCharactersDoNotCount) {
  EXPECT_EQ(canonical("  mei\u3000"), "mei");
  EXPECT_EQ(canonical("me\u200bi\ufeff"), "mei");
  EXPECT_EQ(canonical("mei\u00ad"), "mei");
}

TEST(AccountNameTest, WhatIsEmptyOrHoldsControlCharactersIsNone) {
  for (const std::string& text : {std::string(), std::string(" \u3000"), std::string("\u200b"), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f"),
                                  std::string("\u0085"), std::string("a\u2028b"), std::string("\xff"), std::string("\xed\xa0\x80")}) {
    EXPECT_FALSE(core::canonical_name(text));
  }
}

TEST(AccountNameTest, TheLimitIsInCharactersOfTheCanonicalForm) {
  EXPECT_TRUE(core::canonical_name(many("梅", 64)));
  EXPECT_FALSE(core::canonical_name(many("梅", 65)));
  EXPECT_FALSE(core::canonical_name(many("ﷺ", 4))) << "18 letters each";
  EXPECT_FALSE(core::canonical_name(many("x", 100'000)));
}

TEST(AccountNameTest, TheCanonicalFormIsItsOwn) {
  for (const char* text : {"Straße", "ＭＥＩ", "ﷺ", "İstanbul", "ǅ", "ẞ", "Ω"}) EXPECT_EQ(canonical(canonical(text)), canonical(text)) << text;
}

TEST(AccountNameTest, APasswordIsOfEightToAHundredAndTwentyEightCharacters) {
  EXPECT_FALSE(core::canonical_password(Secret("1234567")));
  EXPECT_TRUE(core::canonical_password(Secret("12345678")));
  EXPECT_TRUE(core::canonical_password(Secret(many("梅", 128))));
  EXPECT_FALSE(core::canonical_password(Secret(many("梅", 129))));
  EXPECT_FALSE(core::canonical_password(Secret("1234567\xff")));
}

TEST(AccountNameTest, TwoKeyboardsTypeOnePassword) {
  EXPECT_EQ(core::canonical_password(Secret("pässword")).value().reveal(), core::canonical_password(Secret("pa\u0308ssword")).value().reveal());
  EXPECT_NE(core::canonical_password(Secret("Password")).value().reveal(), core::canonical_password(Secret("password")).value().reveal());
}

}  // namespace
}  // namespace kaimen::test

#include "crypto/vault.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "random_sources.h"

namespace kaimen::crypto {
namespace {

SystemRandom noise;

Secret master_key(char first = 0) {
  std::string bytes;
  for (char i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(first + i));
  return Secret(bytes);
}
Vault vault(Secret current = master_key(), std::vector<Secret> older = {}) { return Vault::make(std::move(current), std::move(older), noise).value(); }

// Made by another implementation; the layout is stored.
TEST(Vault, the_sealed_form_does_not_change) {
  RepeatingRandom random(0x42);
  const Vault fixed = Vault::make(master_key(), {}, random).value();
  EXPECT_EQ(to_hex(fixed.seal("app_secret", "wx1", Secret("the app secret")).value()),
            "017af5e39942424242424242424242424253f760aff651e405539a1f7569c2be6cd41c1c07a0a1af139d7010bdbeac");
}
TEST(Vault, the_index_does_not_change) { EXPECT_EQ(to_hex(vault().index("phone", "+8613800000000")), "6cb24bcb9af015a133ed6a3fd597d88e"); }
TEST(Vault, names_its_master_key) {
  const Vault one = vault();
  EXPECT_EQ(one.current_key_id(), 0x7af5e399U);
  EXPECT_EQ(Vault::key_id_of(one.seal("p", "r", Secret("s")).value()), 0x7af5e399U);
}

TEST(Vault, opens_what_it_sealed_also_empty) {
  const Vault one = vault();
  for (const char* text : {"", "secret"}) EXPECT_EQ(one.open("p", "r", one.seal("p", "r", Secret(text)).value()).value().reveal(), text);
}
TEST(Vault, sealing_twice_gives_different_bytes) {
  const Vault one = vault();
  EXPECT_NE(one.seal("p", "r", Secret("s")).value(), one.seal("p", "r", Secret("s")).value());
}
TEST(Vault, a_value_of_another_row_is_refused) {
  const Vault one = vault();
  const auto opened = one.open("app_secret", "wx2", one.seal("app_secret", "wx1", Secret("s")).value());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::internal);
}
TEST(Vault, a_value_of_another_purpose_is_refused) {
  const Vault one = vault();
  EXPECT_FALSE(one.open("session_key", "wx1", one.seal("app_secret", "wx1", Secret("s")).value()));
}
TEST(Vault, the_border_of_purpose_and_row_cannot_be_moved) {
  const Vault one = vault();
  EXPECT_FALSE(one.open("ab", "c", one.seal("a", "bc", Secret("s")).value()));
}
TEST(Vault, a_purpose_with_nul_is_refused) { EXPECT_FALSE(vault().seal(std::string_view("a\0b", 3), "r", Secret("s"))); }
TEST(Vault, every_flipped_bit_is_refused) {
  const Vault one = vault();
  const std::string sealed = one.seal("p", "r", Secret("secret")).value();
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(one.open("p", "r", changed)) << bit;
  }
}
TEST(Vault, every_cut_is_refused) {
  const Vault one = vault();
  const std::string sealed = one.seal("p", "r", Secret("secret")).value();
  for (size_t size = 0; size < sealed.size(); ++size) EXPECT_FALSE(one.open("p", "r", sealed.substr(0, size))) << size;
}
TEST(Vault, what_is_not_of_its_form_has_no_key_id) {
  EXPECT_FALSE(Vault::key_id_of(""));
  EXPECT_FALSE(Vault::key_id_of(std::string(40, '\x02')));
}

TEST(Vault, older_master_keys_open) {
  const std::string sealed = vault(master_key(1)).seal("p", "r", Secret("old")).value();
  const Vault rotated = vault(master_key(2), {master_key(3), master_key(1)});
  EXPECT_EQ(rotated.open("p", "r", sealed).value().reveal(), "old");
}
TEST(Vault, only_the_current_master_key_seals) {
  const Vault rotated = vault(master_key(2), {master_key(1)});
  const std::string sealed = rotated.seal("p", "r", Secret("new")).value();
  EXPECT_EQ(Vault::key_id_of(sealed), vault(master_key(2)).current_key_id());
  EXPECT_FALSE(vault(master_key(1)).open("p", "r", sealed));
}
TEST(Vault, an_unknown_master_key_is_named_in_the_error) {
  const auto opened = vault(master_key(1)).open("p", "r", vault().seal("p", "r", Secret("s")).value());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::internal);
  EXPECT_NE(opened.error().detail.find("7af5e399"), std::string::npos) << opened.error().detail;
}
TEST(Vault, the_index_depends_on_value_purpose_and_key) {
  const std::string index = vault().index("phone", "1");
  EXPECT_EQ(index.size(), 16U);
  EXPECT_EQ(index, vault().index("phone", "1"));
  EXPECT_NE(index, vault().index("phone", "2"));
  EXPECT_NE(index, vault().index("email", "1"));
  EXPECT_NE(index, vault(master_key(1)).index("phone", "1"));
}
TEST(Vault, without_randomness_nothing_is_sealed) {
  FailingRandom random;
  const auto sealed = Vault::make(master_key(), {}, random).value().seal("p", "r", Secret("s"));
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().code, ErrorCode::unavailable);
}

void expect_refused(Secret current, std::vector<Secret> older, const std::string& words) {
  const auto made = Vault::make(std::move(current), std::move(older), noise);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::invalid_request);
  EXPECT_NE(made.error().detail.find(words), std::string::npos) << made.error().detail;
}
TEST(Vault, a_missing_master_key_is_refused) { expect_refused(Secret(), {}, "0 bytes"); }
TEST(Vault, a_short_master_key_is_refused) { expect_refused(Secret(std::string(31, 'x')), {}, "31 bytes"); }
TEST(Vault, a_long_master_key_is_refused) { expect_refused(Secret(std::string(33, 'x')), {}, "33 bytes"); }
TEST(Vault, an_all_zero_master_key_is_refused) { expect_refused(Secret(std::string(32, '\0')), {}, "one byte repeated"); }
TEST(Vault, a_master_key_of_one_repeated_byte_is_refused) { expect_refused(Secret(std::string(32, 'x')), {}, "one byte repeated"); }
TEST(Vault, a_short_older_master_key_is_refused_and_named) { expect_refused(master_key(), {master_key(1), Secret("short")}, "older master key 2"); }

}  // namespace
}  // namespace kaimen::crypto

#include "base/id.h"

#include <gtest/gtest.h>

#include <set>

#include "random_sources.h"

namespace kaimen {
namespace {

TEST(Id, begins_with_its_milliseconds) {
  RepeatingRandom random(0xaa);
  EXPECT_EQ(Id::make(from_epoch_ms(0x0123456789ab), random).value().hex(), "0123456789abaaaaaaaaaaaaaaaaaaaa");
}
TEST(Id, later_ids_sort_later) {
  SystemRandom random;
  EXPECT_LT(Id::make(from_epoch_ms(1000), random).value(), Id::make(from_epoch_ms(1001), random).value());
}
TEST(Id, ids_of_one_moment_differ) {
  SystemRandom random;
  std::set<Id> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(Id::make(from_epoch_ms(1), random).value());
  EXPECT_EQ(seen.size(), 10'000U);
}
TEST(Id, without_randomness_there_is_none) {
  FailingRandom random;
  const auto id = Id::make(from_epoch_ms(1), random);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, ErrorCode::unavailable);
}
TEST(Id, reads_its_own_hex) {
  const Id id = Id::parse("0123456789abcdef0123456789abcdef").value();
  EXPECT_EQ(id.hex(), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(Id::from_raw(id.raw()), id);
}
TEST(Id, refuses_upper_case) { EXPECT_FALSE(Id::parse("0123456789ABCDEF0123456789ABCDEF")); }
TEST(Id, refuses_31_characters) { EXPECT_FALSE(Id::parse("0123456789abcdef0123456789abcde")); }
TEST(Id, refuses_34_characters) { EXPECT_FALSE(Id::parse("0123456789abcdef0123456789abcdef01")); }
TEST(Id, refuses_15_raw_bytes) { EXPECT_FALSE(Id::from_raw("123456789012345")); }
TEST(Id, knows_zero) {
  EXPECT_TRUE(Id{}.is_zero());
  EXPECT_FALSE(Id::parse("00000000000000000000000000000001")->is_zero());
}

}  // namespace
}  // namespace kaimen

#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

#include "random_sources.h"

namespace kaimen {
namespace {

TEST(Random, never_gives_the_same_bytes_twice) {
  SystemRandom random;
  std::set<std::array<uint8_t, 16>> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(random.bytes<16>().value());
  EXPECT_EQ(seen.size(), 10'000U);
}
TEST(Random, fills_every_byte_of_a_long_buffer) {
  SystemRandom random;
  std::vector<uint8_t> bytes(100'000, 0);
  ASSERT_TRUE(random.fill(bytes));
  // A run of 8 zeros among 100,000 random bytes has odds of one in 10^14.
  int zeros = 0, longest = 0;
  for (const uint8_t byte : bytes) longest = std::max(longest, zeros = byte == 0 ? zeros + 1 : 0);
  EXPECT_LT(longest, 8);
}
TEST(Random, a_source_that_fails_gives_no_bytes) {
  FailingRandom random;
  const auto bytes = random.bytes<16>();
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace kaimen

#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

namespace kaimen {
namespace {

TEST(Rfc3339, writes_seconds) { EXPECT_EQ(rfc3339(from_epoch_ms(1'700'000'000'000)), "2023-11-14T22:13:20Z"); }
TEST(Rfc3339, writes_milliseconds_where_there_are_some) { EXPECT_EQ(rfc3339(from_epoch_ms(1'700'000'000'007)), "2023-11-14T22:13:20.007Z"); }
TEST(Rfc3339, writes_times_before_1970) { EXPECT_EQ(rfc3339(from_epoch_ms(-1)), "1969-12-31T23:59:59.999Z"); }
TEST(Rfc3339, clamps_the_end_of_time) { EXPECT_EQ(rfc3339(from_epoch_ms(std::numeric_limits<int64_t>::max())), "9999-12-31T23:59:59.999Z"); }
TEST(Rfc3339, clamps_the_beginning_of_time) { EXPECT_EQ(rfc3339(from_epoch_ms(std::numeric_limits<int64_t>::min())), "0000-01-01T00:00:00Z"); }

TEST(Rfc3339, reads_what_it_writes) {
  for (const int64_t ms : {int64_t{0}, int64_t{1'700'000'000'123}, int64_t{951'782'400'000}, int64_t{-62'167'219'200'000}, int64_t{253'402'300'799'999}}) {
    EXPECT_EQ(parse_rfc3339(rfc3339(from_epoch_ms(ms))), from_epoch_ms(ms)) << ms;
  }
}
TEST(Rfc3339, reads_offsets) {
  EXPECT_EQ(parse_rfc3339("2023-11-15T06:13:20+08:00"), from_epoch_ms(1'700'000'000'000));
  EXPECT_EQ(parse_rfc3339("2023-11-14T17:43:20-04:30"), from_epoch_ms(1'700'000'000'000));
}
TEST(Rfc3339, reads_small_letters_and_long_fractions) {
  EXPECT_EQ(parse_rfc3339("2023-11-14t22:13:20.12399999999999z"), from_epoch_ms(1'700'000'000'123));
}
TEST(Rfc3339, refuses_a_day_that_is_not) { EXPECT_FALSE(parse_rfc3339("2023-02-29T00:00:00Z")); }
TEST(Rfc3339, refuses_month_13) { EXPECT_FALSE(parse_rfc3339("2023-13-01T00:00:00Z")); }
TEST(Rfc3339, refuses_hour_24) { EXPECT_FALSE(parse_rfc3339("2023-11-14T24:00:00Z")); }
TEST(Rfc3339, refuses_minute_60) { EXPECT_FALSE(parse_rfc3339("2023-11-14T22:60:00Z")); }
TEST(Rfc3339, refuses_a_time_without_zone) { EXPECT_FALSE(parse_rfc3339("2023-11-14T22:13:20")); }
TEST(Rfc3339, refuses_an_empty_fraction) { EXPECT_FALSE(parse_rfc3339("2023-11-14T22:13:20.Z")); }
TEST(Rfc3339, refuses_what_follows) { EXPECT_FALSE(parse_rfc3339("2023-11-14T22:13:20Z ")); }
TEST(Rfc3339, refuses_an_offset_of_24_hours) { EXPECT_FALSE(parse_rfc3339("2023-11-14T22:13:20+24:00")); }
TEST(Rfc3339, refuses_signs_in_numbers) { EXPECT_FALSE(parse_rfc3339("2023-11-14T+2:13:20Z")); }
TEST(Rfc3339, refuses_every_cut_of_a_time) {
  const std::string text = "2023-11-14T22:13:20.123+08:00";
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_rfc3339(text.substr(0, size))) << size;
}

TEST(Clock, tells_the_time_of_the_machine) {
  const Time before = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  const Time now = SystemClock{}.now();
  EXPECT_GE(now, before);
  EXPECT_LT(now, before + std::chrono::minutes(1));
}

}  // namespace
}  // namespace kaimen

// What is logged is one JSON object a line, whatever is in the values: a client must not be able to write lines of its own.
#include "base/log.h"

#include <gtest/gtest.h>

#include <functional>

namespace kaimen {
namespace {

std::string logged(log::Level level, const std::function<void()>& act) {
  testing::internal::CaptureStderr();
  log::start(level);
  act();
  log::stop();
  return testing::internal::GetCapturedStderr();
}
// The line without its time.
std::string line_of(std::string_view value) {
  const std::string text = logged(log::Level::debug, [&] { log::Line("event").field("v", value).emit(log::Level::info); });
  const size_t at = text.find(",\"event\"");
  return at == text.npos ? text : text.substr(at);
}

TEST(Log, a_line_is_one_json_object) {
  const std::string text = logged(log::Level::info, [] {
    log::Line("request").field("route", "/v1/login").field("status", 200).field("ms", 1.5).field("ok", true).field("n", int64_t{-5}).emit(log::Level::info);
  });
  EXPECT_EQ(text.substr(0, 9), "{\"ts\":\"20") << text;
  EXPECT_EQ(text.substr(text.find(",\"event\"")), ",\"event\":\"request\",\"route\":\"/v1/login\",\"status\":200,\"ms\":1.500,\"ok\":true,\"n\":-5}\n");
}
TEST(Log, a_newline_cannot_start_a_line) { EXPECT_EQ(line_of("a\nb\r"), ",\"event\":\"event\",\"v\":\"a\\u000ab\\u000d\"}\n"); }
TEST(Log, a_quote_cannot_end_a_value) { EXPECT_EQ(line_of("a\",\"admin\":\"b"), ",\"event\":\"event\",\"v\":\"a\\\",\\\"admin\\\":\\\"b\"}\n"); }
TEST(Log, a_backslash_is_doubled) { EXPECT_EQ(line_of("a\\"), ",\"event\":\"event\",\"v\":\"a\\\\\"}\n"); }
TEST(Log, control_characters_are_escaped) { EXPECT_EQ(line_of(std::string_view("\0\x1b\x7f", 3)), ",\"event\":\"event\",\"v\":\"\\u0000\\u001b\\u007f\"}\n"); }
TEST(Log, valid_utf8_stays) { EXPECT_EQ(line_of("\xe5\xa4\x96"), ",\"event\":\"event\",\"v\":\"\xe5\xa4\x96\"}\n"); }
TEST(Log, invalid_utf8_is_replaced) { EXPECT_EQ(line_of("a\xff"), ",\"event\":\"event\",\"v\":\"a\xef\xbf\xbd\"}\n"); }
TEST(Log, format_marks_in_values_mean_nothing) { EXPECT_EQ(line_of("{} %s %v"), ",\"event\":\"event\",\"v\":\"{} %s %v\"}\n"); }

TEST(Log, lines_below_the_level_are_not_written) {
  EXPECT_EQ(logged(log::Level::warn, [] { log::info("event", "message"); }), "");
}
TEST(Log, nothing_is_written_when_it_is_off) {
  EXPECT_EQ(logged(log::Level::off, [] { log::error("event", "message"); }), "");
}
TEST(Log, after_stop_lines_are_dropped) {
  testing::internal::CaptureStderr();
  log::error("event", "message");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}
TEST(Log, reads_the_names_of_its_levels) {
  log::Level level = log::Level::off;
  EXPECT_TRUE(log::parse_level("warn", level));
  EXPECT_EQ(level, log::Level::warn);
}
TEST(Log, refuses_other_names) {
  log::Level level = log::Level::info;
  EXPECT_FALSE(log::parse_level("WARN", level));
  EXPECT_EQ(level, log::Level::info);
}

}  // namespace
}  // namespace kaimen

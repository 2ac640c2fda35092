// JSON from outside: nothing invalid gets in, nothing valid is changed.
#include "http/json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace kaimen::http::test {
namespace {

bool parses(std::string_view text) { return parse_json(text).has_value(); }

TEST(ParseJson, takes_what_the_grammar_allows) {
  for (const auto* text : {"{}", "[]", "\"\"", "null", "true", " \t\r\n{\"a\":[1,-2,3.5,1e3,null,false]} \n", "\"\\u00e4\\ud83d\\ude00\\/\"", "-0", "18446744073709551615"}) {
    EXPECT_TRUE(parses(text)) << text;
  }
}
TEST(ParseJson, refuses_what_it_does_not) {
  for (const auto* text : {"", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "+1", ".5", "1.", "1e", "nul", "NaN", "Infinity", "-Infinity", "\"a", "\"\\x\"", "\"\t\"",
                           "// c\n1", "/* c */1", "\xef\xbb\xbf{}", "[1 2]", "{\"a\" 1}", "tru", "\"\\u12\""}) {
    EXPECT_FALSE(parses(text)) << text;
  }
}
TEST(ParseJson, refuses_bytes_behind_the_value) {
  for (const auto* text : {"{} x", "1 2", "{}{}", "null\x01"}) EXPECT_FALSE(parses(text)) << text;
  EXPECT_FALSE(parses(std::string_view("{}\0", 3)));
}
TEST(ParseJson, refuses_a_key_given_twice) {
  const auto result = parse_json(R"({"a":1,"b":{"c":1,"c":2}})");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::invalid_request);
  EXPECT_NE(result.error().detail.find("twice"), std::string::npos) << result.error().detail;
}
TEST(ParseJson, refuses_a_key_given_twice_in_another_spelling) { EXPECT_FALSE(parses(R"({"a":1,"\u0061":2})")); }
TEST(ParseJson, refuses_a_key_given_twice_with_the_same_value) { EXPECT_FALSE(parses(R"({"a":1,"b":2,"a":1})")); }
TEST(ParseJson, takes_one_key_in_several_objects) { EXPECT_TRUE(parses(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})")); }
TEST(ParseJson, takes_depth_up_to_the_limit) {
  EXPECT_TRUE(parses(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(parses(std::string(33, '[') + std::string(33, ']')));
  EXPECT_TRUE(parse_json("[[1]]", 2));
  EXPECT_FALSE(parse_json("[[[1]]]", 2));
}
TEST(ParseJson, refuses_a_hundred_thousand_brackets_at_once) {
  for (const auto* open : {"[", "{\"a\":"}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += open;
    const auto began = std::chrono::steady_clock::now();
    EXPECT_FALSE(parses(text));
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(50));
  }
}
TEST(ParseJson, refuses_invalid_utf8) {
  for (const auto* text : {"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{\"\xff\":1}"}) EXPECT_FALSE(parses(text)) << text;
}
TEST(ParseJson, refuses_lone_surrogates) {
  for (const auto* text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83d\ud83d")", R"("\ud83d\u0041")", R"({"\udc00":1})"}) EXPECT_FALSE(parses(text)) << text;
}
TEST(ParseJson, refuses_numbers_beyond_a_double) {
  EXPECT_FALSE(parses("1e999"));
  EXPECT_FALSE(parses("-1e999"));
  EXPECT_FALSE(parses("1e99999999999999999999"));
}
TEST(ParseJson, keeps_any_valid_string_byte_for_byte) {
  const std::string text = std::string("a\0b", 3) + "\x01\x1f\"\\/\x7f\xc2\x80\xe2\x80\xa8\xef\xbf\xbf\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf";
  const auto again = parse_json(to_text(json::value(json::string(text))));
  ASSERT_TRUE(again);
  EXPECT_EQ(std::string(again.value().as_string()), text);
}
TEST(ParseJson, says_where_it_broke) {
  const auto result = parse_json("{\"a\": nope}");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().detail.find("byte"), std::string::npos) << result.error().detail;
}

class ReadJson : public ::testing::Test {
 protected:
  json::object parse(std::string_view text) { return parse_json(text).value().as_object(); }
};

TEST_F(ReadJson, gives_typed_members) {
  const auto object = parse(R"({"s":"text","i":-5,"b":true,"o":{"x":1},"a":[1]})");
  Reader reader(object);
  EXPECT_EQ(reader.string({"s"}), "text");
  EXPECT_EQ(reader.integer({"i"}), -5);
  EXPECT_EQ(reader.boolean({"b"}), true);
  ASSERT_NE(reader.object({"o"}), nullptr);
  ASSERT_NE(reader.array({"a"}), nullptr);
  EXPECT_TRUE(reader.check());
  EXPECT_TRUE(reader.unknown().empty());
}
TEST_F(ReadJson, takes_null_for_absent) {
  const auto object = parse(R"({"s":null})");
  Reader reader(object);
  EXPECT_EQ(reader.string({"s"}), std::nullopt);
  EXPECT_EQ(reader.integer({"gone"}), std::nullopt);
  EXPECT_EQ(reader.object({"gone"}), nullptr);
  EXPECT_TRUE(reader.check());
}
TEST_F(ReadJson, refuses_each_wrong_type) {
  const auto object = parse(R"({"s":"1","f":1.0,"t":true,"a":[],"o":{}})");
  const auto refuses = [&](auto read) {
    Reader reader(object);
    read(reader);
    return reader.error().has_value();
  };
  EXPECT_TRUE(refuses([](Reader& r) { r.string({"t"}); }));
  EXPECT_TRUE(refuses([](Reader& r) { r.integer({"s"}); }));
  EXPECT_TRUE(refuses([](Reader& r) { r.integer({"f"}); }));
  EXPECT_TRUE(refuses([](Reader& r) { r.boolean({"s"}); }));
  EXPECT_TRUE(refuses([](Reader& r) { r.object({"a"}); }));
  EXPECT_TRUE(refuses([](Reader& r) { r.array({"o"}); }));
}
TEST_F(ReadJson, holds_integers_to_64_signed_bits) {
  const auto object = parse(R"({"max":9223372036854775807,"min":-9223372036854775808,"over":9223372036854775808,"under":-9223372036854775809,"huge":1e30})");
  Reader reader(object);
  EXPECT_EQ(reader.integer({"max"}), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(reader.integer({"min"}), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(reader.check());
  for (const auto* name : {"over", "under", "huge"}) {
    Reader other(object);
    EXPECT_EQ(other.integer({name}), std::nullopt);
    EXPECT_TRUE(other.error().has_value()) << name;
  }
}
TEST_F(ReadJson, takes_any_of_several_names) {
  const auto object = parse(R"({"nick_name":"x"})");
  Reader reader(object);
  EXPECT_EQ(reader.string({"nickname", "nick_name"}), "x");
  EXPECT_TRUE(reader.unknown().empty());
}
TEST_F(ReadJson, takes_two_names_with_equal_values) {
  const auto object = parse(R"({"nickname":"x","nick_name":"x"})");
  Reader reader(object);
  EXPECT_EQ(reader.string({"nickname", "nick_name"}), "x");
  EXPECT_TRUE(reader.check());
}
TEST_F(ReadJson, refuses_two_names_with_different_values) {
  const auto object = parse(R"({"nickname":"x","nick_name":"y"})");
  Reader reader(object);
  reader.string({"nickname", "nick_name"});
  EXPECT_TRUE(reader.error().has_value());
}
TEST_F(ReadJson, requires_what_is_required) {
  const auto object = parse("{}");
  Reader reader(object, "profile.");
  EXPECT_EQ(reader.require_string({"nickname", "nick_name"}), "");
  ASSERT_TRUE(reader.error().has_value());
  EXPECT_EQ(reader.error()->code, ErrorCode::invalid_request);
  EXPECT_EQ(reader.error()->detail, "profile.nickname is missing");
}
TEST_F(ReadJson, reports_the_first_problem) {
  const auto object = parse(R"({"a":1,"b":"x"})");
  Reader reader(object);
  reader.string({"a"});
  reader.integer({"b"});
  reader.fail("third");
  EXPECT_EQ(reader.check().error().detail, "a must be a string");
}
TEST_F(ReadJson, lists_what_nobody_asked_for) {
  const auto object = parse(R"({"a":1,"zz":2,"y":3})");
  Reader reader(object);
  reader.integer({"a"});
  EXPECT_EQ(reader.unknown(), (std::vector<std::string>{"zz", "y"}));
}

}  // namespace
}  // namespace kaimen::http::test

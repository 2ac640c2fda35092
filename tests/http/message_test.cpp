// Parameters, percent-encoding, headers, base URLs and addresses: values without a socket.
#include "http/message.h"

#include <gtest/gtest.h>

#include <set>

#include "http/client.h"
#include "http/client_text.h"
#include "http/networks.h"
#include "http/request_id.h"
#include "http/server.h"

namespace kaimen::http::test {
namespace {

TEST(Parameters, are_decoded_in_order) {
  Parameters parameters;
  ASSERT_TRUE(parse_parameters("a=1&b=x+y%20z&a=2&&flag&empty=&%E5%AD%97=%2B", parameters));
  const std::vector<std::pair<std::string, std::string>> expected{{"a", "1"}, {"b", "x y z"}, {"a", "2"}, {"flag", ""}, {"empty", ""}, {"\xe5\xad\x97", "+"}};
  EXPECT_EQ(parameters.items, expected);
  EXPECT_EQ(*parameters.find("a"), "1");
  EXPECT_EQ(parameters.find("c"), nullptr);
  EXPECT_TRUE(parameters.doubled("a"));
  EXPECT_FALSE(parameters.doubled("b"));
}
TEST(Parameters, keep_equals_signs_in_values) {
  Parameters parameters;
  ASSERT_TRUE(parse_parameters("a=b=c", parameters));
  EXPECT_EQ(*parameters.find("a"), "b=c");
}
TEST(Parameters, refuse_bad_escapes) {
  Parameters parameters;
  for (const auto* text : {"a=%", "a=%1", "a=%zz", "%g0=1", "a=%1%31"}) EXPECT_FALSE(parse_parameters(text, parameters)) << text;
}
TEST(Parameters, forget_what_they_held_before) {
  Parameters parameters;
  ASSERT_TRUE(parse_parameters("a=1", parameters));
  ASSERT_TRUE(parse_parameters("", parameters));
  EXPECT_TRUE(parameters.items.empty());
}
TEST(PercentEncoding, keeps_only_unreserved_characters) { EXPECT_EQ(url_encode("aZ09-._~ &=#%+/\xe5\r\n"), "aZ09-._~%20%26%3D%23%25%2B%2F%E5%0D%0A"); }
TEST(PercentEncoding, returns_what_went_in) {
  std::string all, back;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  ASSERT_TRUE(url_decode(url_encode(all), back));
  EXPECT_EQ(back, all);
}
TEST(PercentEncoding, leaves_plus_alone) {
  std::string out;
  ASSERT_TRUE(url_decode("a+b%2b", out));
  EXPECT_EQ(out, "a+b+");
}

TEST(Headers, are_found_in_any_case) {
  Request request;
  request.headers = {{"X-A", "1"}, {"x-a", "2"}, {"X-B", "3"}};
  ASSERT_NE(request.header("x-A"), nullptr);
  EXPECT_EQ(*request.header("x-A"), "1");
  EXPECT_EQ(request.header("X-C"), nullptr);
  EXPECT_EQ(request.count("X-A"), 2U);
}
TEST(Headers, differ_where_only_a_bit_does) {
  EXPECT_FALSE(name_is("X_A", "X-A"));
  EXPECT_FALSE(name_is("[", "{"));  // 0x5b and 0x7b: apart by the bit that tells a from A
  EXPECT_FALSE(name_is("@", "`"));
}
TEST(Headers, cannot_be_split_by_a_value) {
  Request request;
  Response response;
  response.set("X-A", "1\r\nX-Evil: 1\n\rY");
  std::string out;
  write_response(out, response, request, true);
  EXPECT_NE(out.find("X-A: 1  X-Evil: 1  Y\r\n"), out.npos) << out;
}
TEST(Headers, name_the_date_and_the_request) {
  Request request;
  request.request_id = "abc";
  std::string out;
  write_response(out, Response{}, request, true);
  EXPECT_NE(out.find("X-Request-Id: abc\r\n"), out.npos);
  EXPECT_NE(out.find(" GMT\r\n"), out.npos);
}
TEST(ReasonPhrase, is_the_standard_one) {
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(429), "Too Many Requests");
}

TEST(RequestIds, do_not_repeat) {
  SystemRandom random;
  RequestIds ids;
  ASSERT_TRUE(ids.seed(random));
  std::set<std::string> seen;
  std::string id;
  for (int i = 0; i < 100'000; ++i) {
    ids.next(id);
    ASSERT_EQ(id.size(), 32U);
    ASSERT_TRUE(seen.insert(id).second);
  }
}

TEST(BaseUrl, is_taken_apart) {
  const auto url = BaseUrl::parse("https://api.example.com/cgi/");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "api.example.com");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->prefix, "/cgi");
  EXPECT_FALSE(url->is_loopback());
}
TEST(BaseUrl, may_name_an_address_and_a_port) {
  const auto url = BaseUrl::parse("http://[::1]:8080");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->prefix, "");
  EXPECT_TRUE(url->is_loopback());
}
TEST(BaseUrl, may_name_a_unix_socket) {
  const auto url = BaseUrl::parse("http+unix:///run/a%20b.sock");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->unix_socket, "/run/a b.sock");
  EXPECT_EQ(url->host, "localhost");
  EXPECT_TRUE(url->is_loopback());
}
TEST(BaseUrl, refuses_what_is_no_base) {
  for (const auto* text : {"", "example.com", "ftp://a", "http://", "http://u:p@a", "http://a?x", "http://a#x", "http://a:0", "http://a:65536", "http://a b", "//a", "http+unix://", "http+unix://host/x", "http://a/%00\x01", "http://[::1", "http://[a]", "http://a:", "http://a:80x", "http://a\\b", "http+unix:///a%00b", "http://[fe80::1%eth0]"}) {
    EXPECT_FALSE(BaseUrl::parse(text)) << text;
  }
}
TEST(BaseUrl, takes_a_name_that_begins_like_an_address_for_a_name) {
  // Boost.URL 1.81 does not.
  EXPECT_EQ(BaseUrl::parse("http://127.0.0.1.example.com/p")->host, "127.0.0.1.example.com");
  EXPECT_EQ(BaseUrl::parse("http://127.0.0.1.example.com/p")->prefix, "/p");
}
TEST(BaseUrl, is_loopback_only_there) {
  EXPECT_TRUE(BaseUrl::parse("http://127.9.9.9")->is_loopback());
  EXPECT_TRUE(BaseUrl::parse("http://localhost")->is_loopback());
  EXPECT_FALSE(BaseUrl::parse("http://127.0.0.1.example.com")->is_loopback());
  EXPECT_FALSE(BaseUrl::parse("http://10.0.0.1")->is_loopback());
}

ClientRequest sound_request() {
  ClientRequest request;
  request.url = *BaseUrl::parse("http://host.test/base");
  return request;
}
TEST(RequestText, names_host_and_length) {
  auto request = sound_request();
  request.method = "POST";
  request.target = "/x?y";
  request.headers = {{"X-A", "1"}};
  request.body = "ab";
  EXPECT_EQ(check_request(request), std::nullopt);
  EXPECT_EQ(request_text(request), "POST /base/x?y HTTP/1.1\r\nHost: host.test\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nab");
}
TEST(RequestText, is_absolute_towards_a_proxy) {
  auto request = sound_request();
  request.proxy = "http://proxy.test:3128";
  EXPECT_TRUE(request_text(request).starts_with("GET http://host.test/base/ HTTP/1.1\r\nHost: host.test\r\n"));
}
TEST(RequestText, refuses_a_line_break_in_the_target) {
  auto request = sound_request();
  request.target = "/x HTTP/1.1\r\nX-Evil: 1";
  EXPECT_TRUE(check_request(request));
}
TEST(RequestText, refuses_a_line_break_in_a_header) {
  auto request = sound_request();
  request.headers = {{"X-A", "1\r\nX-Evil: 1"}};
  EXPECT_TRUE(check_request(request));
}
TEST(RequestText, refuses_a_second_framing) {
  auto request = sound_request();
  request.headers = {{"content-length", "5"}};
  EXPECT_TRUE(check_request(request));
}

bool has(const Networks& networks, const char* address) { return networks.contains(boost::asio::ip::make_address(address)); }

TEST(Networks, hold_addresses_and_blocks) {
  Networks networks;
  for (const auto* text : {"203.0.113.7", "10.0.0.0/9", "2001:db8::/33"}) ASSERT_TRUE(networks.add(text)) << text;
  for (const auto* inside : {"203.0.113.7", "10.127.255.255", "2001:db8:7fff::1", "::ffff:10.0.0.1"}) EXPECT_TRUE(has(networks, inside)) << inside;
  for (const auto* outside : {"203.0.113.6", "10.128.0.0", "11.0.0.0", "2001:db8:8000::", "::10.0.0.1"}) EXPECT_FALSE(has(networks, outside)) << outside;
}
TEST(Networks, refuse_what_is_none) {
  Networks networks;
  for (const auto* text : {"", "a", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0/8", "::/129", "10.0.0.1/-1"}) EXPECT_FALSE(networks.add(text)) << text;
}
TEST(Networks, hold_unix_peers_only_when_named) {
  Networks networks;
  Peer peer;
  peer.is_unix = true;
  EXPECT_FALSE(networks.contains(peer));
  ASSERT_TRUE(networks.add("unix"));
  EXPECT_TRUE(networks.contains(peer));
}

std::optional<std::string> client_of(std::vector<HeaderView> headers) {
  Networks networks;
  networks.add("10.0.0.0/8");
  Request request;
  request.headers = std::move(headers);
  return forwarded_for(request, networks);
}
TEST(ForwardedFor, is_the_rightmost_that_is_not_trusted) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "1.1.1.1, 2.2.2.2, 10.0.0.5"}}), "2.2.2.2");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "1.1.1.1"}, {"x-forwarded-for", "10.0.0.5"}}), "1.1.1.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "10.0.0.4,10.0.0.5"}}), "10.0.0.4");
}
TEST(ForwardedFor, may_carry_ports) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "2.2.2.2:4711"}}), "2.2.2.2");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "[2001:db8::1]:4711"}}), "2001:db8::1");
}
TEST(ForwardedFor, trusts_nothing_left_of_what_it_cannot_read) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "1.1.1.1, unknown, 10.0.0.5"}}), "10.0.0.5");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "unknown"}}), std::nullopt);
  EXPECT_EQ(client_of({}), std::nullopt);
}

}  // namespace
}  // namespace kaimen::http::test

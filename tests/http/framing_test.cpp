// Ambiguous framing (RFC 9112, section 11.2): each way in which two readers could disagree about where a request ends gets one refusal
// and a closed connection, over a real socket. The bytes behind it, which a smuggler would have read as a second request, get nothing.
#include "http/framing.h"
#include "tests/http/fixture.h"

namespace kaimen::http::test {
namespace {

struct Case {
  const char* name;
  std::string bytes;
  int status;
};
void PrintTo(const Case& bad, std::ostream* out) { *out << bad.name; }

class RefusesFraming : public ServerTest, public ::testing::WithParamInterface<Case> {};

TEST_P(RefusesFraming, once_and_closes) {
  start();
  RawConnection connection(address);
  connection.send(GetParam().bytes + "GET /now/smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer = connection.read_all(std::chrono::seconds(4));
  EXPECT_EQ(status_of(answer), GetParam().status) << answer;
  EXPECT_EQ(RawConnection::complete_answers(answer), 1U) << answer;
  EXPECT_NE(answer.find("Connection: close"), answer.npos);
  EXPECT_TRUE(connection.ended());
  EXPECT_EQ(server->counters().requests, 0U) << "the handler was called";
  EXPECT_EQ(server->counters().refused, 1U);
}

std::string post(const std::string& headers, const std::string& body = "") { return "POST /x HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body; }
std::string get(const std::string& headers) { return "GET /x HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n"; }
std::string chunked(const std::string& body) { return post("Transfer-Encoding: chunked\r\n", body); }
const std::string kNul(1, '\0');

const std::vector<Case> kLengths = {
    {"both_length_and_encoding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
    {"both_encoding_and_length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
    {"two_equal_lengths", post("Content-Length: 2\r\nContent-Length: 2\r\n", "ab"), 400},
    {"two_unequal_lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "ab"), 400},
    {"two_lengths_in_different_case", post("Content-Length: 2\r\ncontent-length: 2\r\n", "ab"), 400},
    {"length_list", post("Content-Length: 2, 2\r\n", "ab"), 400},
    {"length_with_plus", post("Content-Length: +2\r\n", "ab"), 400},
    {"length_with_minus", post("Content-Length: -2\r\n", "ab"), 400},
    {"length_with_inner_blank", post("Content-Length: 1 0\r\n", "ab"), 400},
    {"length_with_underscore", post("Content-Length: 1_0\r\n", "ab"), 400},
    {"length_in_hex", post("Content-Length: 0x2\r\n", "ab"), 400},
    {"length_with_fraction", post("Content-Length: 2.0\r\n", "ab"), 400},
    {"length_empty", post("Content-Length:\r\n", ""), 400},
    {"length_beyond_64_bits", post("Content-Length: 18446744073709551617\r\n", "a"), 400},
    {"encoding_gzip", post("Transfer-Encoding: gzip\r\n"), 400},
    {"encoding_identity", post("Transfer-Encoding: identity\r\nContent-Length: 0\r\n"), 400},
    {"encoding_gzip_then_chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
    {"encoding_chunked_twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
    {"encoding_given_twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
    {"encoding_with_vertical_tab", post("Transfer-Encoding: \x0b" "chunked\r\n", "0\r\n\r\n"), 400},
    {"encoding_with_parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400},
    {"encoding_quoted", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400},
    {"encoding_empty", post("Transfer-Encoding:\r\n"), 400},
    {"encoding_in_http_1_0", "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
};

const std::vector<Case> kLines = {
    {"folded_header", get("X-A: 1\r\n 2\r\n"), 400},
    {"folded_with_tab", get("X-A: 1\r\n\t2\r\n"), 400},
    {"first_header_folded", "GET /x HTTP/1.1\r\n X-A: 1\r\nHost: a\r\n\r\n", 400},
    {"bare_lf_after_header", get("X-A: 1\nX-B: 2\r\n"), 400},
    {"bare_lf_throughout", "GET /x HTTP/1.1\nHost: a\n\n", 400},
    {"bare_cr_in_header", get("X-A: 1\rX-B: 2\r\n"), 400},
    {"doubled_cr", get("X-A: 1\r\r\n"), 400},
    {"nul_in_value", get("X-A: 1" + kNul + "2\r\n"), 400},
    {"nul_in_name", get("X-" + kNul + "A: 1\r\n"), 400},
    {"control_character_in_value", get("X-A: \x01\r\n"), 400},
    {"delete_in_value", get("X-A: \x7f\r\n"), 400},
    {"blank_before_colon", get("X-A : 1\r\n"), 400},
    {"tab_before_colon", get("X-A\t: 1\r\n"), 400},
    {"length_with_blank_before_colon", post("Content-Length : 2\r\n", "ab"), 400},
    {"no_header_name", get(": 1\r\n"), 400},
    {"no_colon", get("X-A\r\n"), 400},
    {"name_in_quotes", get("\"X-A\": 1\r\n"), 400},
    {"name_beyond_ascii", get("X-\xc3\xa4: 1\r\n"), 400},
};

const std::vector<Case> kRequestLines = {
    {"no_host", "GET /x HTTP/1.1\r\nX-A: 1\r\n\r\n", 400},
    {"two_hosts", get("Host: a\r\n"), 400},
    {"two_hosts_in_http_1_0", "GET /x HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"host_with_path", "GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"host_with_user", "GET /x HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
    {"host_with_blank", "GET /x HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"absolute_target", "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"authority_target", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"asterisk_target", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"target_beyond_ascii", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"target_with_control_character", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"target_with_tab", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"target_with_blank", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no_target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"two_blanks_before_target", "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"two_blanks_before_version", "GET /x  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"blank_after_version", "GET /x HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {"method_no_token", "G(T /x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"blank_before_method", " GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"empty_line_first", "\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no_version", "GET /x\r\nHost: a\r\n\r\n", 400},
    {"version_in_lower_case", "GET /x http/1.1\r\nHost: a\r\n\r\n", 400},
    {"version_with_two_digits", "GET /x HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"version_0_9", "GET /x HTTP/0.9\r\nHost: a\r\n\r\n", 505},
    {"version_1_2", "GET /x HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"version_2_0", "PRI /x HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"a_tls_hello", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
    {"unknown_expectation", post("Expect: 200-ok\r\nContent-Length: 0\r\n"), 417},
};

const std::vector<Case> kChunks = {
    {"chunk_size_overflows", chunked("FFFFFFFFFFFFFFFFF\r\n"), 400},
    {"chunk_size_signed", chunked("-1\r\nab\r\n0\r\n\r\n"), 400},
    {"chunk_size_with_plus", chunked("+2\r\nab\r\n0\r\n\r\n"), 400},
    {"chunk_size_with_prefix", chunked("0x2\r\nab\r\n0\r\n\r\n"), 400},
    {"chunk_size_empty", chunked("\r\nab\r\n0\r\n\r\n"), 400},
    {"chunk_size_after_blank", chunked(" 2\r\nab\r\n0\r\n\r\n"), 400},
    {"chunk_longer_than_said", chunked("2\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk_ends_with_bare_lf", chunked("2\nab\n0\n\n\r\n"), 400},
    {"chunk_data_ends_with_bare_lf", chunked("2\r\nab\n0\r\n\r\n"), 400},
    {"chunk_extension_malformed", chunked("2;\x01\r\nab\r\n0\r\n\r\n"), 400},
    {"length_in_trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
    {"encoding_in_trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
};

const auto kName = [](const ::testing::TestParamInfo<Case>& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(lengths, RefusesFraming, ::testing::ValuesIn(kLengths), kName);
INSTANTIATE_TEST_SUITE_P(lines, RefusesFraming, ::testing::ValuesIn(kLines), kName);
INSTANTIATE_TEST_SUITE_P(request_lines, RefusesFraming, ::testing::ValuesIn(kRequestLines), kName);
INSTANTIATE_TEST_SUITE_P(chunks, RefusesFraming, ::testing::ValuesIn(kChunks), kName);

// Behind the scanner stands Beast's parser, which refuses much of this too; the scanner must not need it.
class ScannerRefuses : public ::testing::TestWithParam<Case> {};

TEST_P(ScannerRefuses, by_itself) {
  const auto limits = ServerLimits::defaults();
  HeadScanner scanner({limits.request_line_bytes, limits.header_bytes, limits.header_count});
  EXPECT_FALSE(scanner.scan(GetParam().bytes));
  EXPECT_EQ(scanner.refusal().status, GetParam().status) << scanner.refusal().why;
}
INSTANTIATE_TEST_SUITE_P(lengths, ScannerRefuses, ::testing::ValuesIn(kLengths), kName);
INSTANTIATE_TEST_SUITE_P(lines, ScannerRefuses, ::testing::ValuesIn(kLines), kName);
INSTANTIATE_TEST_SUITE_P(request_lines, ScannerRefuses, ::testing::ValuesIn(kRequestLines), kName);

// The other side of the table: what is unusual and still has one meaning is served.
class AcceptsFraming : public ServerTest, public ::testing::WithParamInterface<Case> {};

TEST_P(AcceptsFraming, and_the_request_behind_it) {
  start();
  RawConnection connection(address);
  connection.send(GetParam().bytes + "GET /now/second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto answer = connection.read_all(std::chrono::seconds(4));
  EXPECT_EQ(status_of(answer), GetParam().status) << answer;
  EXPECT_TRUE(answer.ends_with("now /now/second")) << answer;
}

const std::vector<Case> kSound = {
    {"length_with_blanks_around", post("Content-Length: \t 2 \t\r\n", "ab"), 200},
    {"length_with_leading_zeros", post("Content-Length: 002\r\n", "ab"), 200},
    {"chunks", chunked("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), 200},
    {"chunks_with_extension_and_trailer", chunked("2;a=b;c=\"d\"\r\nab\r\n0\r\nX-T: 1\r\n\r\n"), 200},
    {"chunked_in_capitals", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), 200},
    {"header_without_blank", get("X-A:1\r\n"), 200},
    {"header_without_value", get("X-A:\r\n"), 200},
    {"header_value_beyond_ascii", get("X-A: \xe5\xad\x97\r\n"), 200},
    {"host_with_port_and_v6", "GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200},
    {"method_unheard_of", "BREW /x HTTP/1.1\r\nHost: a\r\n\r\n", 200},
};
INSTANTIATE_TEST_SUITE_P(sound, AcceptsFraming, ::testing::ValuesIn(kSound), kName);

}  // namespace
}  // namespace kaimen::http::test

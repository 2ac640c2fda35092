// Requests whose body nobody reads: answered with the head, and whatever stands behind that head is never a request of its own.
#include "tests/http/fixture.h"

namespace kaimen::http::test {
namespace {

using namespace std::chrono_literals;

const std::string kSmuggled = "GET /now/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kNext = "GET /now/next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

std::string unread(const std::string& headers, const std::string& body = "", const std::string& path = "/now/unread") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

class LeavesBodies : public ServerTest {
 protected:
  LeavesBodies() { options.limits.body_time = Millis{20'000}; }
  /// Sends the bytes and expects the one answer of the unread route, as the connection's last, long before anything times out.
  void expect_one_answer(const std::string& bytes, const std::string& path = "/now/unread") {
    RawConnection connection(address);
    connection.send(bytes);
    const auto answer = connection.read_all(5s);
    EXPECT_TRUE(connection.ended()) << "the connection stays open";
    EXPECT_EQ(status_of(answer), 200) << answer;
    EXPECT_EQ(RawConnection::complete_answers(answer), 1U) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), answer.npos) << answer;
    EXPECT_EQ(handler.seen().target, path);
    EXPECT_EQ(handler.seen().body, "");
    EXPECT_EQ(answer.find("smuggled"), answer.npos);
    EXPECT_EQ(answer.find("100 Continue"), answer.npos);
  }
};

TEST_F(LeavesBodies, that_are_announced_and_do_not_come) {
  start();
  expect_one_answer(unread("Content-Length: 5\r\n"));
}
TEST_F(LeavesBodies, that_come_in_part) {
  start();
  expect_one_answer(unread("Content-Length: 5\r\n", "ab"));
}
TEST_F(LeavesBodies, of_a_handler_that_takes_its_time) {
  start();
  expect_one_answer(unread("Content-Length: 5\r\n", "ab", "/unread"), "/unread");
}
TEST_F(LeavesBodies, that_begin_like_a_request) {
  start();
  expect_one_answer(unread("Content-Length: 500\r\n", kSmuggled));
}
TEST_F(LeavesBodies, that_are_chunked_and_do_not_come) {
  start();
  expect_one_answer(unread("Transfer-Encoding: chunked\r\n"));
}
TEST_F(LeavesBodies, that_are_chunked_with_a_request_behind_them) {
  start();
  expect_one_answer(unread("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n" + kSmuggled));
}
TEST_F(LeavesBodies, that_are_chunked_and_malformed) {
  start();
  expect_one_answer(unread("Transfer-Encoding: chunked\r\n", "zz\r\n" + kSmuggled));
}
TEST_F(LeavesBodies, that_wait_to_be_asked_for) {
  start();
  expect_one_answer(unread("Content-Length: 5\r\nExpect: 100-continue\r\n"));
  expect_one_answer(unread("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"));
}
TEST_F(LeavesBodies, that_are_longer_than_any_limit) {
  start();
  expect_one_answer(unread("Content-Length: 18446744073709551615\r\n", kSmuggled));
}
// Closing with bytes unread would reset the connection, and the answer could be lost.
TEST_F(LeavesBodies, of_a_peer_that_sends_all_before_it_reads) {
  start();
  for (int i = 0; i < 20; ++i) expect_one_answer(unread("Content-Length: 70000\r\n", std::string(70'000, 'b')));
}
TEST_F(LeavesBodies, of_a_peer_that_goes_on_sending_after_the_answer) {
  start();
  RawConnection connection(address);
  connection.send(unread("Content-Length: 500\r\n"));
  EXPECT_EQ(status_of(connection.read_answers(1)), 200);
  connection.send(kSmuggled + kSmuggled);
  EXPECT_EQ(connection.read_all(), "") << "what was body is answered";
  EXPECT_EQ(server->counters().requests, 1U);
}
TEST_F(LeavesBodies, behind_a_request_that_was_answered) {
  start();
  RawConnection connection(address);
  connection.send("GET /now/first HTTP/1.1\r\nHost: a\r\n\r\n" + unread("Content-Length: 50\r\n", kSmuggled));
  const auto answers = connection.read_all();
  EXPECT_TRUE(connection.ended());
  EXPECT_EQ(RawConnection::complete_answers(answers), 2U) << answers;
  EXPECT_TRUE(answers.ends_with("now /now/unread")) << answers;
}

using TakesWholeBodies = ServerTest;

// The next request begins where the body ends, as everybody counts it.
TEST_F(TakesWholeBodies, and_keeps_the_connection) {
  start();
  for (const std::string path : {"/now/unread", "/unread"}) {
    const auto answers = exchange(unread("Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n", kSmuggled, path) + kNext);
    EXPECT_EQ(RawConnection::complete_answers(answers), 2U) << answers;
    EXPECT_TRUE(answers.ends_with("now /now/next")) << answers;
    EXPECT_EQ(answers.find("now /now/smuggled"), answers.npos) << answers;
  }
}
TEST_F(TakesWholeBodies, of_no_length) {
  start();
  const auto answers = exchange(unread("Content-Length: 0\r\n") + unread("") + kNext);
  EXPECT_EQ(RawConnection::complete_answers(answers), 3U) << answers;
}

}  // namespace
}  // namespace kaimen::http::test

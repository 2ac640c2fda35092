// Several requests on one connection: order, what keeps the connection, and that nothing depends on how bytes are cut into packets.
#include "tests/http/fixture.h"

namespace kaimen::http::test {
namespace {

using namespace std::chrono_literals;
using Pipelines = ServerTest;

std::string get(const std::string& target, const std::string& headers = "") { return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n"; }

std::vector<std::string> bodies(std::string_view answers) {
  std::vector<std::string> found;
  while (!answers.empty()) {
    const size_t head_end = answers.find("\r\n\r\n");
    if (head_end == answers.npos) break;
    size_t length = 0;
    if (const size_t at = answers.substr(0, head_end).find("Content-Length: "); at != answers.npos) length = std::stoul(std::string(answers.substr(at + 16)));
    found.emplace_back(answers.substr(head_end + 4, length));
    answers.remove_prefix(std::min(answers.size(), head_end + 4 + length));
  }
  return found;
}

TEST_F(Pipelines, answers_stand_in_the_order_of_requests) {
  start();
  const auto answers = exchange(get("/now/1") + get("/slow") + get("/now/2") + get("/task") + get("/now/3") + get("/now/4", "Connection: close\r\n"));
  EXPECT_EQ(bodies(answers), (std::vector<std::string>{"now /now/1", "GET /slow []", "now /now/2", "GET /task []", "now /now/3", "now /now/4"}));
}

TEST_F(Pipelines, an_answer_at_once_does_not_wait_for_the_handler_behind_it) {
  start();
  RawConnection connection(address);
  connection.send(get("/now/1") + get("/slow"));
  EXPECT_EQ(bodies(connection.read_answers(1, 100ms)), std::vector<std::string>{"now /now/1"});
}

TEST_F(Pipelines, a_thousand_requests_that_never_wait_need_no_deep_stack) {
  start();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += get("/task");
  EXPECT_EQ(bodies(exchange(requests + get("/now", "Connection: close\r\n"))).size(), 1001U);
}

TEST_F(Pipelines, large_answers_arrive_whole) {
  start();
  const auto answers = exchange(get("/big") + get("/now/1") + get("/big", "Connection: close\r\n"));
  const auto found = bodies(answers);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].size(), 4U * 1024 * 1024);
  EXPECT_EQ(found[1], "now /now/1");
  EXPECT_EQ(found[2].size(), 4U * 1024 * 1024);
}

TEST_F(Pipelines, nothing_behind_connection_close_is_answered) {
  start();
  EXPECT_EQ(bodies(exchange(get("/now/1", "Connection: close\r\n") + get("/now/2"))), std::vector<std::string>{"now /now/1"});
}

TEST_F(Pipelines, every_cut_of_a_stream_gives_the_same_answers) {
  start();
  const std::string stream = get("/now/1") + "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\nab\r\n\r\ne" +
                             "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n" + get("/task") +
                             get("/now/2", "Connection: close\r\n");
  const std::vector<std::string> expected{"now /now/1", "POST /a [ab\r\n\r\ne]", "POST /b [abcde]", "GET /task []", "now /now/2"};
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    RawConnection connection(address);
    ASSERT_TRUE(connection.send(stream.substr(0, cut)));
    std::this_thread::sleep_for(1ms);  // so that the two parts are read apart
    connection.send(stream.substr(cut));
    ASSERT_EQ(bodies(connection.read_all()), expected) << "cut at " << cut;
  }
}

TEST_F(Pipelines, a_stream_sent_byte_by_byte_gives_the_same_answers) {
  start();
  const std::string stream = get("/now/1") + "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
                             "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab";
  RawConnection connection(address);
  const int on = 1;
  ASSERT_EQ(::setsockopt(connection.descriptor(), IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on), 0);
  for (const char& byte : stream) {
    connection.send({&byte, 1});
    std::this_thread::sleep_for(200us);
  }
  EXPECT_EQ(bodies(connection.read_all()), (std::vector<std::string>{"now /now/1", "POST /b [abc]", "POST /a [ab]"}));
}

// Beast 1.81 asserts that it never sees a last chunk cut behind "0 CRLF" when no chunk came before; a client that did so ended the server.
TEST_F(Pipelines, an_empty_chunked_body_may_be_cut_anywhere) {
  start();
  const std::string head = "POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", body = "0\r\n\r\n";
  RawConnection connection(address);
  connection.send(head);
  for (const char& byte : body) {
    std::this_thread::sleep_for(5ms);
    connection.send({&byte, 1});
  }
  EXPECT_EQ(bodies(connection.read_all()), std::vector<std::string>{"POST /b []"});
}

using KeepsConnections = ServerTest;

TEST_F(KeepsConnections, http_1_1_stays) {
  start();
  RawConnection connection(address);
  connection.send(get("/now"));
  const auto answer = connection.read_answers(1);
  EXPECT_EQ(answer.find("Connection:"), answer.npos) << answer;
  connection.send(get("/now"));
  EXPECT_EQ(status_of(connection.read_answers(1)), 200);
}
TEST_F(KeepsConnections, http_1_0_closes) {
  start();
  const auto answer = exchange("GET /task HTTP/1.0\r\n\r\nGET /task HTTP/1.0\r\n\r\n");
  EXPECT_EQ(bodies(answer), std::vector<std::string>{"GET /task []"});
  EXPECT_NE(answer.find("Connection: close"), answer.npos);
}
TEST_F(KeepsConnections, http_1_0_stays_when_asked_and_is_told) {
  start();
  RawConnection connection(address);
  connection.send("GET /task HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(connection.read_answers(1).find("Connection: keep-alive"), std::string::npos);
  connection.send("GET /task HTTP/1.0\r\n\r\n");
  EXPECT_EQ(bodies(connection.read_all()), std::vector<std::string>{"GET /task []"});
}
// A ready-made answer has no room for the header that would tell an HTTP/1.0 client to stay: it would wait for the end.
TEST_F(KeepsConnections, http_1_0_closes_after_an_answer_at_once) {
  start();
  const auto answer = exchange("GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("Connection: close"), answer.npos) << answer;
}
TEST_F(KeepsConnections, close_wins_over_keep_alive) {
  start();
  EXPECT_NE(exchange(get("/now", "Connection: keep-alive, close\r\n")).find("Connection: close"), std::string::npos);
}
TEST_F(KeepsConnections, a_half_closed_client_is_answered) {
  start();
  RawConnection connection(address);
  connection.send(get("/slow"));
  connection.finish_sending();
  EXPECT_EQ(status_of(connection.read_all()), 200);
}

using OmitsBodies = ServerTest;

TEST_F(OmitsBodies, for_head_with_the_length_it_would_have) {
  start();
  const auto answer = exchange("HEAD /task HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 13\r\n"), answer.npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}
TEST_F(OmitsBodies, for_204_without_a_length) {
  start();
  const auto answer = exchange(get("/empty", "Connection: close\r\n"));
  EXPECT_EQ(status_of(answer), 204);
  EXPECT_EQ(answer.find("Content-Length"), answer.npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

using Continues = ServerTest;
const std::string kExpects = "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n";

TEST_F(Continues, when_the_body_is_acceptable) {
  start();
  RawConnection connection(address);
  connection.send(kExpects + "Content-Length: 2\r\n\r\n");
  EXPECT_EQ(connection.read_answers(1), "HTTP/1.1 100 Continue\r\n\r\n");
  connection.send("ab");
  EXPECT_EQ(bodies(connection.read_all()), std::vector<std::string>{"POST /x [ab]"});
}
TEST_F(Continues, not_when_the_body_is_too_large) {
  start();
  EXPECT_EQ(status_of(exchange(kExpects + "Content-Length: 99999999\r\n\r\n")), 413);
}
TEST_F(Continues, not_when_the_body_is_already_there) {
  start();
  EXPECT_EQ(status_of(exchange(kExpects + "Content-Length: 2\r\n\r\nab")), 200);
}
TEST_F(Continues, for_chunked_bodies_too) {
  start();
  RawConnection connection(address);
  connection.send(kExpects + "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(status_of(connection.read_answers(1)), 100);
  connection.send("2\r\nab\r\n0\r\n\r\n");
  EXPECT_EQ(bodies(connection.read_all()), std::vector<std::string>{"POST /x [ab]"});
}

}  // namespace
}  // namespace kaimen::http::test

// What the client makes of peers that do not behave. A login code can be spent by a request that seems lost, so each case also says
// whether a byte may have been sent, and that nothing was sent twice.
#include <filesystem>

#include "tests/http/scripted_peer.h"

namespace kaimen::http::test {
namespace {

using namespace std::chrono_literals;
using Line = ScriptedPeer::Line;

constexpr const char* kFine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers every request on every connection with the same bytes, then closes or not.
ScriptedPeer::Script always(std::string bytes, bool close_after = false) {
  return [bytes = std::move(bytes), close_after](const Line& line, int) {
    while (!line.read_request().empty()) {
      line.send(bytes);
      if (close_after) return;
    }
  };
}
std::string answer_to(const std::string& bytes, bool close_after = false) {
  ScriptedPeer peer(always(bytes, close_after));
  Client client;
  auto request = request_to(peer.url(), 500ms);
  request.max_body_bytes = 100;
  return told(run_here(client.send(std::move(request))));
}

TEST(ClientReads, answers_with_a_length) { EXPECT_EQ(answer_to(kFine), "200 ok"); }
TEST(ClientReads, chunked_answers) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"), "200 ok"); }
TEST(ClientReads, answers_that_end_with_the_connection) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\n\r\nok", true), "200 ok"); }
TEST(ClientReads, answers_without_a_body) { EXPECT_EQ(answer_to("HTTP/1.1 204 No Content\r\n\r\n"), "204 "); }
TEST(ClientReads, the_answer_behind_interim_ones) { EXPECT_EQ(answer_to(std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") + kFine), "200 ok"); }
TEST(ClientReads, errors_with_their_body) { EXPECT_EQ(answer_to("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"), "503 busy"); }
TEST(ClientReads, no_endless_interim_answers) {
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(answer_to(interim + kFine), "malformed");
}
TEST(ClientReads, no_garbage) { EXPECT_EQ(answer_to("\x01\x02garbage\r\n\r\n", true), "malformed"); }
TEST(ClientReads, no_other_protocol) { EXPECT_EQ(answer_to("SSH-2.0-OpenSSH_9.2\r\n", true), "malformed"); }
TEST(ClientReads, no_two_lengths) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), "malformed"); }
TEST(ClientReads, no_length_beside_chunks) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "malformed"); }
TEST(ClientReads, no_body_over_the_limit) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x')), "too_large"); }
TEST(ClientReads, no_chunks_over_the_limit) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n"), "too_large"); }
TEST(ClientReads, no_unbounded_body_over_the_limit) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'), true), "too_large"); }
TEST(ClientReads, no_headers_over_the_limit) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nX-A: " + std::string(200'000, 'x') + "\r\n\r\n"), "too_large"); }
TEST(ClientReads, no_half_body) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", true), "cut"); }
TEST(ClientReads, no_half_chunks) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", true), "cut"); }
TEST(ClientReads, no_half_head) { EXPECT_EQ(answer_to("HTTP/1.1 200 OK\r\nContent-Le", true), "cut"); }
TEST(ClientReads, headers_in_any_case) {
  ScriptedPeer peer(always("HTTP/1.1 200 OK\r\nx-thing:  a b \r\nX-Thing: c\r\nContent-Length: 0\r\n\r\n"));
  Client client;
  const auto result = run_here(client.send(request_to(peer.url())));
  ASSERT_TRUE(result);
  ASSERT_NE(result.value().header("X-THING"), nullptr);
  EXPECT_EQ(*result.value().header("X-THING"), "a b");
  EXPECT_EQ(result.value().header("X-Other"), nullptr);
}
TEST(ClientReads, no_body_after_head) {
  ScriptedPeer peer(always("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"));
  Client client;
  auto request = request_to(peer.url());
  request.method = "HEAD";
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "200 ");
}

TEST(ClientKeeps, one_connection_for_requests_in_a_row) {
  ScriptedPeer peer(always(kFine));
  Client client;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok");
  EXPECT_EQ(peer.accepted(), 1);
}
TEST(ClientKeeps, no_connection_that_the_peer_closes) {
  ScriptedPeer peer(always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"));
  Client client;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok");
  EXPECT_EQ(peer.accepted(), 2);
}
TEST(ClientKeeps, no_connection_that_the_peer_closed_without_a_word) {
  ScriptedPeer peer(always(kFine, true));
  Client client;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok") << i;
    std::this_thread::sleep_for(30ms);
  }
  EXPECT_EQ(peer.accepted(), 3);
}
TEST(ClientKeeps, no_connection_with_bytes_nobody_asked_for) {
  ScriptedPeer peer([](const Line& line, int index) {
    line.read_request();
    line.send(kFine);
    std::this_thread::sleep_for(20ms);
    if (index == 0) line.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    line.wait_for_end();
  });
  Client client;
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok");
  std::this_thread::sleep_for(60ms);
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok") << "not the answer planted for it";
}
TEST(ClientKeeps, no_connection_longer_than_its_idle_time) {
  ScriptedPeer peer(always(kFine));
  Client client({.idle_time = 50ms, .allow_private = {}});
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok");
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok");
  EXPECT_EQ(peer.accepted(), 2);
}
TEST(ClientKeeps, no_more_exchanges_under_way_than_it_may) {
  ScriptedPeer peer([](const Line& line, int) {
    line.read_request();
    std::this_thread::sleep_for(100ms);
    line.send(kFine);
  });
  Client client({.exchanges_per_host = 2, .allow_private = {}});
  LocalLoop loop;
  std::vector<std::string> told_all;
  for (int i = 0; i < 3; ++i) {
    spawn<ClientResult>(client.send(request_to(peer.url())), [&](const ClientResult& result) {
      told_all.push_back(told(result));
      if (told_all.size() == 3) loop.stop();
    });
  }
  loop.run();
  EXPECT_EQ(told_all, (std::vector<std::string>{"too_many", "200 ok", "200 ok"}));
}

TEST(ClientTellsApart, a_refused_connection_as_not_sent) {
  uint16_t port = 0;
  { port = ScriptedPeer(always(kFine)).port(); }
  Client client;
  EXPECT_EQ(told(run_here(client.send(request_to("http://127.0.0.1:" + std::to_string(port))))), "not_sent");
}
TEST(ClientTellsApart, an_unknown_name_as_not_sent) {
  Client client;
  EXPECT_EQ(told(run_here(client.send(request_to("http://name.invalid")))), "not_sent");
}
TEST(ClientTellsApart, a_request_it_cannot_send_as_not_sent) {
  Client client;
  auto request = request_to("http://127.0.0.1:1");
  request.target = "/a b";
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "not_sent");
}
// A full backlog drops the handshake: the connection neither comes about nor fails.
TEST(ClientTellsApart, a_connection_that_does_not_come_about_as_not_sent_in_time) {
  const int deaf = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(deaf, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(deaf, 0), 0);
  ASSERT_EQ(::getsockname(deaf, reinterpret_cast<sockaddr*>(&at), &size), 0);
  std::vector<int> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&at), size);
  }
  Client client;
  auto request = request_to("http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)), 5s);
  request.connect_timeout = 200ms;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "not_sent");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  for (const int filler : fillers) ::close(filler);
  ::close(deaf);
}
TEST(ClientTellsApart, silence_after_the_request_as_timed_out) {
  ScriptedPeer peer([](const Line& line, int) { line.wait_for_end(); });
  Client client;
  const auto began = std::chrono::steady_clock::now();
  const auto result = run_here(client.send(request_to(peer.url(), 200ms)));
  EXPECT_EQ(told(result), "timed_out");
  EXPECT_GE(result.error().elapsed, 150ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_EQ(peer.accepted(), 1);
}
TEST(ClientTellsApart, a_slow_drip_as_timed_out) {
  ScriptedPeer peer([](const Line& line, int) {
    line.read_request();
    for (const char& byte : std::string("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n") + std::string(1000, 'x')) {
      if (!line.send({&byte, 1})) return;
      std::this_thread::sleep_for(10ms);
    }
  });
  Client client;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url(), 300ms)))), "timed_out");
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
}
TEST(ClientTellsApart, an_end_without_an_answer_as_cut_and_sends_nothing_twice) {
  std::atomic<int> requests{0};
  ScriptedPeer peer([&](const Line& line, int) {
    if (!line.read_request().empty()) ++requests;
  });
  Client client;
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "cut");
  EXPECT_EQ(requests, 1);
}
TEST(ClientTellsApart, an_end_on_a_kept_connection_as_cut_and_sends_nothing_twice) {
  std::atomic<int> requests{0};
  ScriptedPeer peer([&](const Line& line, int) {
    line.read_request();
    line.send(kFine);
    if (!line.read_request().empty()) ++requests;  // and goes, without an answer
  });
  Client client;
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "200 ok");
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "cut");
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(peer.accepted(), 1);
}
TEST(ClientTellsApart, naming_the_host_and_never_the_target) {
  ScriptedPeer peer([](const Line& line, int) { line.read_request(); });
  Client client;
  auto request = request_to(peer.url());
  request.target = "/sns/jscode2session?secret=canary";
  const auto result = run_here(client.send(std::move(request)));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().detail.find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(result.error().detail.find("canary"), std::string::npos);
}

ScriptedPeer::Script redirecting(std::string location, std::atomic<int>& followed) {
  return [location = std::move(location), &followed](const Line& line, int) {
    for (std::string request; !(request = line.read_request()).empty();) {
      if (request.starts_with("GET /new?x=1 ")) {
        ++followed;
        line.send(kFine);
      } else {
        line.send("HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n");
      }
    }
  };
}
TEST(ClientRedirects, are_not_followed) {
  std::atomic<int> followed{0};
  ScriptedPeer peer(redirecting("/new?x=1", followed));
  Client client;
  EXPECT_EQ(told(run_here(client.send(request_to(peer.url())))), "302 ");
  EXPECT_EQ(followed, 0);
}
TEST(ClientRedirects, are_followed_when_asked) {
  std::atomic<int> followed{0};
  ScriptedPeer peer(redirecting("/new?x=1#part", followed));
  Client client;
  auto request = request_to(peer.url() + "/prefix");
  request.max_redirects = 1;
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "200 ok");
}
TEST(ClientRedirects, are_followed_so_often_and_no_more) {
  std::atomic<int> followed{0};
  ScriptedPeer peer(redirecting("/again", followed));
  Client client;
  auto request = request_to(peer.url());
  request.max_redirects = 3;
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "302 ");
}
TEST(ClientRedirects, to_another_host_are_not_followed) {
  std::atomic<int> followed{0};
  ScriptedPeer other(redirecting("/x", followed));
  ScriptedPeer peer(redirecting(other.url() + "/new?x=1", followed));
  Client client;
  auto request = request_to(peer.url());
  request.max_redirects = 3;
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "302 ");
  EXPECT_EQ(other.accepted(), 0);
}
TEST(ClientRedirects, of_a_post_are_not_followed) {
  std::atomic<int> followed{0};
  ScriptedPeer peer(redirecting("/new?x=1", followed));
  Client client;
  auto request = request_to(peer.url());
  request.method = "POST";
  request.max_redirects = 3;
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "302 ");
}

TEST(ClientProxies, plain_requests_in_absolute_form) {
  std::string seen;
  ScriptedPeer proxy([&](const Line& line, int) {
    seen = line.read_request();
    line.send(kFine);
  });
  Client client;
  auto request = request_to("http://name.invalid:8080/base");
  request.target = "/x";
  request.proxy = proxy.url();
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "200 ok");
  proxy.finish();
  EXPECT_TRUE(seen.starts_with("GET http://name.invalid:8080/base/x HTTP/1.1\r\nHost: name.invalid:8080\r\n")) << seen;
}
TEST(ClientProxies, nothing_when_the_proxy_refuses_the_tunnel) {
  std::string seen;
  ScriptedPeer proxy([&](const Line& line, int) {
    seen = line.read_request();
    line.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    seen += line.read_request();
  });
  Client client;
  auto request = request_to("https://name.invalid");
  request.target = "/canary";
  request.proxy = proxy.url();
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "not_sent");
  proxy.finish();
  EXPECT_TRUE(seen.starts_with("CONNECT name.invalid:443 HTTP/1.1\r\n")) << seen;
  EXPECT_EQ(seen.find("canary"), seen.npos);
}

class ClientMeetsServer : public ServerTest {};

TEST_F(ClientMeetsServer, over_a_unix_socket) {
  const std::string path = "/tmp/kaimen-http-client-" + std::to_string(::getpid()) + ".sock";
  options.listeners[0].address.clear();
  options.listeners[0].unix_socket = path;
  start();
  Client client;
  auto request = request_to("http+unix://" + path);
  request.target = "/now/x";
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "200 now /now/x");
}
TEST_F(ClientMeetsServer, with_bodies_both_ways) {
  start();
  Client client;
  auto request = request_to("http://" + address);
  request.method = "PUT";
  request.target = "/large";
  request.body.assign(900'000, 'b');
  request.headers = {{"Content-Type", "text/plain"}};
  EXPECT_EQ(told(run_here(client.send(std::move(request)))), "200 PUT /large [" + std::string(900'000, 'b') + "]");
}

// On a server's loop the client keeps its connections there, and the task goes on on that loop.
class Forwarding : public EchoHandler {
 public:
  explicit Forwarding(std::string url) : url_(std::move(url)) {}
  Task<Response> handle(const Request&) override {
    Loop* const before = &Loop::current();
    auto exchange = client.send(request_to(url_));
    const ClientResult result = co_await std::move(exchange);
    Response response;
    response.body = told(result) + (before == &Loop::current() ? " same loop" : " another loop");
    co_return response;
  }
  Client client;

 private:
  const std::string url_;
};
TEST(ClientOnServerLoop, uses_that_loop_and_may_be_destroyed_in_any_order) {
  ScriptedPeer peer(always(kFine));
  for (const bool client_first : {false, true}) {
    SystemRandom random;
    ServerOptions options;
    options.listeners.push_back({});
    options.listeners[0].address = "127.0.0.1:0";
    auto handler = std::make_unique<Forwarding>(peer.url());
    auto server = std::make_unique<Server>(options, *handler, random);
    ASSERT_TRUE(server->start());
    for (int i = 0; i < 3; ++i) {
      RawConnection connection(server->bound_address(0));
      connection.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_TRUE(connection.read_all().ends_with("200 ok same loop"));
    }
    server->drain();
    if (client_first) handler.reset();
    server.reset();
  }
  EXPECT_EQ(peer.accepted(), 2) << "one kept connection for each server";
}

}  // namespace
}  // namespace kaimen::http::test

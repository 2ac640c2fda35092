// What the server adds to requests, how it starts, and how it ends.
#include <sys/stat.h>

#include <filesystem>

#include "tests/http/fixture.h"

namespace kaimen::http::test {
namespace {

using namespace std::chrono_literals;

std::string get(const std::string& target, const std::string& headers = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + headers + "\r\n";
}

using DescribesRequests = ServerTest;

TEST_F(DescribesRequests, with_target_peer_and_a_fresh_id) {
  start();
  const auto answer = exchange(get("/now/x?y=1"));
  const auto first = handler.seen();
  EXPECT_EQ(first.target, "/now/x?y=1");
  EXPECT_EQ(first.client_ip, "127.0.0.1");
  EXPECT_EQ(first.listener, 0);
  EXPECT_FALSE(first.https);
  EXPECT_EQ(first.request_id.size(), 32U);
  EXPECT_NE(answer.find("X-Request-Id: " + first.request_id + "\r\n"), answer.npos);
  exchange(get("/now"));
  EXPECT_NE(handler.seen().request_id, first.request_id);
}
TEST_F(DescribesRequests, believing_no_stranger) {
  start();
  exchange(get("/now", "X-Request-Id: mine\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_NE(handler.seen().request_id, "mine");
  EXPECT_EQ(handler.seen().client_ip, "127.0.0.1");
  EXPECT_FALSE(handler.seen().https);
}
TEST_F(DescribesRequests, believing_a_trusted_proxy) {
  options.trusted_proxies = {"127.0.0.0/8"};
  start();
  exchange(get("/now", "X-Request-Id: mine-1._\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_EQ(handler.seen().request_id, "mine-1._");
  EXPECT_EQ(handler.seen().client_ip, "203.0.113.9");
  EXPECT_TRUE(handler.seen().https);
}
TEST_F(DescribesRequests, believing_no_strange_request_id) {
  options.trusted_proxies = {"127.0.0.1"};
  start();
  for (const auto& id : {std::string("a b"), std::string("a\"b"), std::string(65, 'a'), std::string()}) {
    exchange(get("/now", "X-Request-Id: " + id + "\r\n"));
    EXPECT_EQ(handler.seen().request_id.size(), 32U) << id;
  }
}
TEST_F(DescribesRequests, without_what_the_last_one_was_told) {
  options.trusted_proxies = {"127.0.0.1"};
  start();
  RawConnection connection(address);
  connection.send("GET /now HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n");
  connection.read_answers(1);
  connection.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
  connection.read_answers(1);
  EXPECT_EQ(handler.seen().client_ip, "127.0.0.1");
  EXPECT_FALSE(handler.seen().https);
}

using SurvivesHandlers = ServerTest;

TEST_F(SurvivesHandlers, that_throw_in_a_task) {
  start();
  RawConnection connection(address);
  connection.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto answers = connection.read_all();
  EXPECT_EQ(status_of(answers), 500);
  EXPECT_EQ(answers.find("on purpose"), answers.npos) << "the exception's text is not for the client";
  EXPECT_TRUE(answers.ends_with("now /now"));
}
TEST_F(SurvivesHandlers, that_throw_at_once) {
  start();
  RawConnection connection(address);
  connection.send("GET /now/throw HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto answers = connection.read_all();
  EXPECT_EQ(status_of(answers), 500);
  EXPECT_TRUE(answers.ends_with("now /now"));
}
TEST_F(SurvivesHandlers, whose_peer_goes_away) {
  start();
  {
    RawConnection connection(address);
    connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(50ms);
  }
  for (int i = 0; i < 100 && handler.slow_finished == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(handler.slow_finished, 1) << "what was begun is finished";
  EXPECT_EQ(status_of(exchange(get("/now"))), 200);
}

using Drains = ServerTest;

TEST_F(Drains, finishing_what_is_under_way) {
  start();
  RawConnection busy(address), idle(address), fresh(address);
  idle.send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
  idle.read_answers(1);
  busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  std::string answer;
  std::thread reader([&] { answer = busy.read_all(); });
  const auto began = std::chrono::steady_clock::now();
  server->drain();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 2500ms);
  reader.join();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("Connection: close"), answer.npos);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended());
  EXPECT_EQ(fresh.read_all(), "");
  EXPECT_TRUE(fresh.ended());
  EXPECT_FALSE(RawConnection(address).connected());
}
TEST_F(Drains, answering_who_connected_just_before) {
  start();
  std::vector<std::unique_ptr<RawConnection>> connections;
  for (int i = 0; i < 100; ++i) {
    connections.push_back(std::make_unique<RawConnection>(address));
    connections.back()->send("GET /now HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  server->drain();
  for (auto& connection : connections) ASSERT_EQ(status_of(connection->read_all()), 200);
}
TEST_F(Drains, waiting_no_longer_than_it_may) {
  options.limits.drain_time = 100ms;
  start();
  RawConnection stuck(address);
  stuck.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  std::this_thread::sleep_for(50ms);
  const auto began = std::chrono::steady_clock::now();
  server->drain();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_EQ(stuck.read_all(), "");
}
TEST_F(Drains, leaving_alone_the_loop_that_a_handler_still_waits_on) {
  options.limits.drain_time = 20ms;
  start();
  RawConnection connection(address);
  connection.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(50ms);
  server->drain();
  server.reset();
  EXPECT_EQ(connection.read_all(), "");
  EXPECT_TRUE(connection.ended());
  std::this_thread::sleep_for(300ms);  // the handler's answer arrives at a loop that is still there, and never runs
  EXPECT_EQ(handler.slow_finished, 0);
}

class ListensOnUnix : public ServerTest {
 protected:
  ListensOnUnix() {
    options.listeners[0].address.clear();
    options.listeners[0].unix_socket = path;
  }
  ~ListensOnUnix() override { std::filesystem::remove(path); }
  const std::string path = "/tmp/kaimen-http-test-" + std::to_string(::getpid()) + ".sock";
};

TEST_F(ListensOnUnix, knowing_who_is_there) {
  start();
  EXPECT_EQ(status_of(exchange(get("/now"))), 200);
  EXPECT_TRUE(handler.seen().is_unix);
  EXPECT_EQ(handler.seen().uid, ::getuid());
  EXPECT_EQ(handler.seen().client_ip, "");
  EXPECT_EQ(server->bound_address(0), path);
}
TEST_F(ListensOnUnix, with_the_mode_asked_for) {
  options.listeners[0].unix_mode = 0640;
  start();
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640U);
}
TEST_F(ListensOnUnix, on_every_loop) {
  options.threads = 3;
  start();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(status_of(exchange(get("/now"))), 200);
}
TEST_F(ListensOnUnix, replacing_a_stale_file) {
  {
    RawConnection none("/nowhere");
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, path.data(), path.size());
    const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    ::close(dead);
  }
  ASSERT_TRUE(std::filesystem::exists(path));
  start();
  EXPECT_EQ(status_of(exchange(get("/now"))), 200);
}
TEST_F(ListensOnUnix, not_where_another_server_lives) {
  start();
  Server second(options, handler, random);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().detail.find(path), std::string::npos);
  EXPECT_EQ(status_of(exchange(get("/now"))), 200) << "the first one is unharmed";
}
TEST_F(ListensOnUnix, not_where_a_file_is) {
  { std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "w"), std::fclose); }
  Server other(options, handler, random);
  EXPECT_FALSE(other.start());
  EXPECT_TRUE(std::filesystem::exists(path));
}
TEST_F(ListensOnUnix, removing_its_file_at_the_end) {
  start();
  server->drain();
  EXPECT_FALSE(std::filesystem::exists(path));
}

using Starts = ServerTest;

TEST_F(Starts, several_loops_that_share_a_port) {
  options.threads = 3;
  start();
  EXPECT_EQ(server->loop_count(), 3U);
  for (int i = 0; i < 30; ++i) ASSERT_EQ(status_of(exchange(get("/now"))), 200);
  EXPECT_EQ(server->counters().requests, 30U);
}
TEST_F(Starts, several_listeners_and_tells_them_apart) {
  options.listeners.push_back(options.listeners[0]);
  start();
  RawConnection second(server->bound_address(1));
  second.send(get("/now"));
  EXPECT_EQ(status_of(second.read_all()), 200);
  EXPECT_EQ(handler.seen().listener, 1);
}
TEST_F(Starts, on_ipv6) {
  options.listeners[0].address = "[::1]:0";
  start();
  EXPECT_TRUE(address.starts_with("[::1]:")) << address;
  Client client;
  ClientRequest request;
  request.url = *BaseUrl::parse("http://" + address);
  request.target = "/now";
  request.deadline = deadline_in(2s);
  EXPECT_TRUE(run_here(client.send(request)));
  EXPECT_EQ(handler.seen().client_ip, "::1");
}
TEST_F(Starts, not_on_a_port_in_use) {
  for (const int threads : {1, 2}) {
    options.threads = threads;
    options.listeners[0].address = "127.0.0.1:0";
    Server first(options, handler, random);
    ASSERT_TRUE(first.start());
    options.listeners[0].address = first.bound_address(0);
    Server second(options, handler, random);
    const auto started = second.start();
    ASSERT_FALSE(started) << threads;
    EXPECT_EQ(started.error().code, ErrorCode::unavailable);
    EXPECT_NE(started.error().detail.find(options.listeners[0].address), std::string::npos);
  }
}
TEST_F(Starts, leaving_nothing_behind_when_one_listener_fails) {
  options.listeners.push_back({});
  options.listeners[1].address = "no address";
  {
    Server broken(options, handler, random);
    ASSERT_FALSE(broken.start());
    address = broken.bound_address(0);
    EXPECT_FALSE(RawConnection(address).connected());
  }
}
TEST_F(Starts, not_with_a_proxy_that_is_no_address) {
  options.trusted_proxies = {"proxy.example.com"};
  Server broken(options, handler, random);
  EXPECT_FALSE(broken.start());
}
TEST_F(Starts, not_without_randomness) {
  struct NoRandom : Random {
    Result<> fill(std::span<uint8_t>) override { return make_error(ErrorCode::unavailable, "none"); }
  } none;
  Server broken(options, handler, none);
  EXPECT_FALSE(broken.start());
}

}  // namespace
}  // namespace kaimen::http::test

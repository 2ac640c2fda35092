// A real server with a small handler, and sockets to talk to it byte by byte: most of what matters here is below what a client offers.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "http/client.h"
#include "http/server.h"

namespace kaimen::http::test {

/// A blocking TCP or unix connection that sends and receives raw bytes.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address) {
    if (address.starts_with('/')) {
      fd_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      std::memcpy(to.sun_path, address.data(), address.size());
      connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    } else {
      fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
  }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  ~RawConnection() { close(); }

  bool connected() const { return connected_; }
  int descriptor() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool send(std::string_view bytes) const { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
  void finish_sending() const { ::shutdown(fd_, SHUT_WR); }

  /// What arrives until the peer ends the connection, or `most` passes.
  std::string read_all(std::chrono::milliseconds most = std::chrono::seconds(5)) {
    std::string text;
    const auto end = std::chrono::steady_clock::now() + most;
    ended_ = false;
    while (read_some(text, end)) {
    }
    return text;
  }
  /// What arrives until it contains `count` complete heads with their (length-given) bodies, the peer ends, or `most` passes.
  std::string read_answers(size_t count, std::chrono::milliseconds most = std::chrono::seconds(5)) {
    std::string text;
    const auto end = std::chrono::steady_clock::now() + most;
    while (complete_answers(text) < count && read_some(text, end)) {
    }
    return text;
  }
  /// Whether the peer ended the connection, as seen by the last read.
  bool ended() const { return ended_; }

  static size_t complete_answers(std::string_view text) {
    size_t count = 0;
    while (!text.empty()) {
      const size_t head_end = text.find("\r\n\r\n");
      if (head_end == text.npos) break;
      const auto head = text.substr(0, head_end);
      size_t length = 0;
      if (const size_t at = head.find("Content-Length: "); at != head.npos) length = std::stoul(std::string(head.substr(at + 16)));
      if (text.size() < head_end + 4 + length) break;
      text.remove_prefix(head_end + 4 + length);
      ++count;
    }
    return count;
  }

 private:
  bool read_some(std::string& text, std::chrono::steady_clock::time_point end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd state{fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&state, 1, static_cast<int>(left)) <= 0) return false;
    char bytes[4096];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    text.append(bytes, static_cast<size_t>(got));
    return true;
  }
  int fd_ = -1;
  bool connected_ = false;
  bool ended_ = false;
};

/// The status of the first answer in `text`; 0 if there is none.
inline int status_of(std::string_view text) { return text.starts_with("HTTP/1.1 ") && text.size() > 12 ? std::stoi(std::string(text.substr(9, 3))) : 0; }

/// Answers /now/… at once and all else as a task: both with what they were asked.
class EchoHandler : public Handler {
 public:
  std::optional<size_t> body_limit(const Request& head, size_t default_limit) const override {
    if (head.path.starts_with("/now/unread") || head.path == "/unread") return std::nullopt;
    return head.path == "/large" ? 1024 * 1024 : default_limit;
  }

  bool answer_now(const Request& request, bool keep_alive, std::string& out) override {
    remember(request);
    if (request.path == "/now/throw") throw std::runtime_error("on purpose");
    if (!request.path.starts_with("/now")) return false;
    Response response;
    response.body = "now " + std::string(request.target);
    write_response(out, response, request, keep_alive);
    return true;
  }

  Task<Response> handle(const Request& request) override {
    if (request.path == "/throw") throw std::runtime_error("on purpose");
    if (request.path == "/slow") {
      Wait<int> pause([](Wait<int>::Done done) {
        std::thread([done = std::move(done)] {
          std::this_thread::sleep_for(std::chrono::milliseconds(200));
          done(0);
        }).detach();
      });
      co_await pause;
      ++slow_finished;
    }
    Response response;
    response.body = std::string(request.method) + " " + std::string(request.target) + " [" + std::string(request.body) + "]";
    if (request.path == "/big") {
      response.body.assign(4 * 1024 * 1024, 'b');
      response.held = held;
    }
    if (request.path == "/empty") response.status = 204;
    co_return response;
  }

  Response refuse(int status, std::string_view why, std::string_view) override {
    Response response;
    response.status = status;
    response.body = std::string(why);
    return response;
  }

  /// A copy of what the handler saw last.
  struct Seen {
    std::string request_id, client_ip, method, target, body;
    bool https = false, is_unix = false, tls = false;
    uint32_t uid = 0;
    int listener = -1;
  };
  Seen seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  std::atomic<int> slow_finished{0};
  const std::shared_ptr<const int> held = std::make_shared<const int>(0);  ///< By answers to /big.

 private:
  void remember(const Request& request) {
    std::lock_guard lock(mutex_);
    seen_ = {request.request_id,         request.client_ip,         std::string(request.method), std::string(request.target), std::string(request.body), request.https,
             request.peer->is_unix, request.peer->tls, request.peer->uid,           request.listener};
  }
  mutable std::mutex mutex_;
  Seen seen_;
};

/// A running server over an EchoHandler. Change `options` before start().
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options.listeners.push_back({});
    options.listeners[0].name = "test";
    options.listeners[0].address = "127.0.0.1:0";
    options.limits.drain_time = Millis{3000};
  }
  // Handlers that still wait must not outlive what they refer to.
  ~ServerTest() override {
    if (server) server->drain();
  }
  void start() {
    server = std::make_unique<Server>(options, handler, random);
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().detail;
    address = server->bound_address(0);
  }
  /// Sends bytes on a connection of their own and returns all that is answered until the server ends it.
  std::string exchange(std::string_view bytes) const {
    RawConnection connection(address);
    connection.send(bytes);
    return connection.read_all();
  }

  ServerOptions options;
  EchoHandler handler;
  SystemRandom random;
  std::unique_ptr<Server> server;
  std::string address;
};

}  // namespace kaimen::http::test

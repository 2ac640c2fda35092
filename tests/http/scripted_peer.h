// A server that does exactly what a test says, connection by connection: the lying, dripping and dying peers that a client meets.
#pragma once

#include <functional>
#include <list>

#include "tests/http/fixture.h"

namespace kaimen::http::test {

class ScriptedPeer {
 public:
  /// One accepted connection, in blocking mode.
  struct Line {
    int fd;
    /// Reads until the head and its length-given body are complete, or the client ends. Empty at the end.
    std::string read_request() const {
      std::string text;
      char bytes[4096];
      while (RawConnection::complete_answers(text) == 0) {
        const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0) return {};
        text.append(bytes, static_cast<size_t>(got));
      }
      return text;
    }
    bool send(std::string_view bytes) const { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()); }
    /// Until the client ends the connection (or the test does).
    void wait_for_end() const {
      char byte;
      while (::recv(fd, &byte, 1, 0) > 0) {
      }
    }
  };
  using Script = std::function<void(const Line&, int index)>;

  explicit ScriptedPeer(Script script) : script_(std::move(script)), fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(fd_, 64), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~ScriptedPeer() { finish(); }
  /// Ends every connection and waits for its script: what scripts wrote may be read afterwards.
  void finish() {
    if (!acceptor_.joinable()) return;
    ::shutdown(fd_, SHUT_RDWR);
    acceptor_.join();
    {
      std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    ::close(fd_);
  }

  std::string url(const std::string& scheme = "http", const std::string& host = "127.0.0.1") const { return scheme + "://" + host + ":" + std::to_string(port_); }
  uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  void accept() {
    for (;;) {
      const int fd = ::accept(fd_, nullptr, nullptr);
      if (fd < 0) return;
      const int index = accepted_++;
      {
        std::lock_guard lock(mutex_);
        open_.push_back(fd);
      }
      threads_.emplace_back([this, fd, index] {
        script_(Line{fd}, index);
        std::lock_guard lock(mutex_);
        open_.remove(fd);
        ::close(fd);
      });
    }
  }
  const Script script_;
  const int fd_;
  uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

inline ClientRequest request_to(const std::string& url, Millis time = Millis{2000}) {
  ClientRequest request;
  request.url = *BaseUrl::parse(url);
  request.deadline = deadline_in(time);
  return request;
}

inline const char* name_of(ClientError::Kind kind) {
  switch (kind) {
    case ClientError::Kind::not_sent: return "not_sent";
    case ClientError::Kind::too_many: return "too_many";
    case ClientError::Kind::timed_out: return "timed_out";
    case ClientError::Kind::cut: return "cut";
    case ClientError::Kind::malformed: return "malformed";
    case ClientError::Kind::too_large: return "too_large";
    case ClientError::Kind::not_allowed: return "not_allowed";
  }
  return "?";
}
/// "200 body", or the kind of error.
inline std::string told(const ClientResult& result) {
  return result ? std::to_string(result.value().status) + " " + result.value().body : name_of(result.error().kind);
}

}  // namespace kaimen::http::test

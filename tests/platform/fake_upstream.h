// An upstream that does what it is told, byte for byte, over real TCP: answers, lies, drips, cuts, hangs. Plain sockets and one thread a
// connection, so that nothing of what is under test helps to send it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace kaimen::tests {

/// What is done with one request.
struct Behaviour {
  std::string bytes;                   ///< Sent as they are; nothing more follows them unless the client asks again.
  std::chrono::milliseconds drip{0};   ///< Between single bytes; 0: all at once.
  bool hang = false;                   ///< After the bytes the connection stays open and silent.
  bool close = false;                  ///< After the bytes the connection is closed.
};

struct SeenRequest {
  std::string head, body;
  /// The request line's target.
  std::string target() const {
    const size_t from = head.find(' ') + 1;
    return head.substr(from, head.find(' ', from) - from);
  }
};

inline std::string http_answer(const std::string& body, const std::string& type = "text/plain", const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Bound to a free port of 127.0.0.1 and listening, or (for refused connections) bound and closed again.
inline int listen_on_loopback(uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 64) != 0) std::abort();
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}
inline uint16_t refused_port() {
  uint16_t port = 0;
  close(listen_on_loopback(port));
  return port;
}

class FakeUpstream {
 public:
  using Script = std::function<Behaviour(const SeenRequest&)>;

  explicit FakeUpstream(Script script = {}) : script_(std::move(script)) {
    listener_ = listen_on_loopback(port_);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~FakeUpstream() {
    stopping_ = true;
    acceptor_.join();
    for (auto& each : connections_) each.join();
    close(listener_);
  }
  FakeUpstream(const FakeUpstream&) = delete;
  FakeUpstream& operator=(const FakeUpstream&) = delete;

  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void play(Script script) {
    std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  void play(Behaviour behaviour) {
    play([behaviour](const SeenRequest&) { return behaviour; });
  }
  void answer(const std::string& body) { play(Behaviour{http_answer(body)}); }
  std::vector<SeenRequest> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  int accepted() const { return accepted_; }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd ready{listener_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted_;
      connections_.emplace_back([this, fd] {
        serve(fd);
        close(fd);
      });
    }
  }

  // Appends what arrives; false at the end of the connection or of the test.
  bool receive(int fd, std::string& buffer) const {
    while (!stopping_) {
      pollfd ready{fd, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      char bytes[4096];
      const ssize_t count = recv(fd, bytes, sizeof bytes, 0);
      if (count <= 0) return false;
      buffer.append(bytes, static_cast<size_t>(count));
      return true;
    }
    return false;
  }

  static size_t length_of(const std::string& head) {
    for (const char* name : {"Content-Length:", "content-length:"}) {
      const size_t at = head.find(name);
      if (at != std::string::npos) return std::stoul(head.substr(at + 15));
    }
    return 0;
  }

  void serve(int fd) {
    std::string buffer;
    for (;;) {
      size_t end;
      while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
        if (!receive(fd, buffer)) return;
      }
      SeenRequest request{buffer.substr(0, end + 4), {}};
      const size_t length = length_of(request.head);
      while (buffer.size() < end + 4 + length) {
        if (!receive(fd, buffer)) return;
      }
      request.body = buffer.substr(end + 4, length);
      buffer.erase(0, end + 4 + length);
      Behaviour behaviour;
      {
        std::lock_guard lock(mutex_);
        seen_.push_back(request);
        if (script_) behaviour = script_(request);
      }
      if (!send_all(fd, behaviour)) return;
      if (behaviour.hang) {
        while (receive(fd, buffer)) {
        }
        return;
      }
      if (behaviour.close) return;
    }
  }

  bool send_all(int fd, const Behaviour& behaviour) const {
    const size_t piece = behaviour.drip.count() > 0 ? 1 : behaviour.bytes.size();
    for (size_t at = 0; at < behaviour.bytes.size(); ) {
      if (stopping_) return false;
      const ssize_t sent = send(fd, behaviour.bytes.data() + at, std::min(piece, behaviour.bytes.size() - at), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += static_cast<size_t>(sent);
      if (behaviour.drip.count() > 0) std::this_thread::sleep_for(behaviour.drip);
    }
    return true;
  }

  mutable std::mutex mutex_;
  Script script_;
  std::vector<SeenRequest> seen_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  int listener_ = -1;
  uint16_t port_ = 0;
  std::vector<std::thread> connections_;  // of the acceptor's thread until it has ended
  std::thread acceptor_;
};

}  // namespace kaimen::tests

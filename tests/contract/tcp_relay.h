// A line to a server on loopback that a test can let hang, break, or cut when given bytes come by.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace kaimen::contract {

class TcpRelay {
 public:
  /// Relays to this port of 127.0.0.1.
  explicit TcpRelay(uint16_t to) : to_(to), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0) {
      throw std::runtime_error("cannot listen");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TcpRelay() { stop(); }
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  /// From now on bytes are taken and kept, in both directions; connections are still accepted.
  void hang() { hanging_ = true; }
  /// Cuts the line when `bytes` come by on the way to the server, which gets them first if `delivered`.
  void cut_at(std::string bytes, bool delivered) {
    std::lock_guard lock(mutex_);
    cut_at_ = std::move(bytes);
    cut_delivered_ = delivered;
  }
  /// Cuts every line and refuses new ones.
  void stop() {
    if (stopping_.exchange(true)) return;
    acceptor_.join();
    ::close(listener_);
    for (auto& line : lines_) line.join();
  }

 private:
  static sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static bool readable(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, 20) > 0;
  }

  void accept_all() {
    while (!stopping_) {
      if (!readable(listener_)) continue;
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = loopback(to_);
      if (client < 0 || ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(client);
        ::close(server);
        continue;
      }
      ++connections_;
      lines_.emplace_back([this, client, server] {
        while (!stopping_ && pass(client, server)) continue;
        ::close(client);
        ::close(server);
      });
    }
  }
  /// False when the line is to be cut.
  bool pass(int client, int server) {
    pollfd wait[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (::poll(wait, 2, 20) <= 0) return true;
    for (const bool to_server : {true, false}) {
      if (wait[to_server ? 0 : 1].revents == 0) continue;
      char bytes[16384];
      const auto size = ::recv(to_server ? client : server, bytes, sizeof bytes, 0);
      if (size <= 0) return false;
      if (hanging_) continue;
      const std::string_view text(bytes, static_cast<size_t>(size));
      bool cut = false, deliver = true;
      if (to_server) {
        std::lock_guard lock(mutex_);
        cut = !cut_at_.empty() && text.find(cut_at_) != std::string_view::npos;
        deliver = !cut || cut_delivered_;
      }
      if (deliver && ::send(to_server ? server : client, bytes, text.size(), MSG_NOSIGNAL) != size) return false;
      if (cut) {
        // The answer shows that the server is done with it.
        if (deliver && readable_within_seconds(server)) static_cast<void>(::recv(server, bytes, sizeof bytes, 0));
        return false;
      }
    }
    return true;
  }
  static bool readable_within_seconds(int fd) {
    for (int i = 0; i < 250; ++i) {
      if (readable(fd)) return true;
    }
    return false;
  }

  const uint16_t to_;
  const int listener_;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> hanging_{false}, stopping_{false};
  std::mutex mutex_;
  std::string cut_at_;
  bool cut_delivered_ = false;
  std::thread acceptor_;
  std::vector<std::thread> lines_;  // the acceptor's, until it ends
};

}  // namespace kaimen::contract

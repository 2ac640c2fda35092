// What the driver's threads share: the tickets that were handed out, the history that is written, the WeChat that answers the nodes.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "line.h"

namespace kaimen::failover {

/// The clock of Python's time.monotonic(), so that the faults' times can be laid beside the history's.
inline int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Ticket {
  uint32_t session = 0, number = 0;  ///< Numbers of the driver's own, counted from 1.
  std::string token, session_id;
};
using TicketPtr = std::shared_ptr<const Ticket>;

/// One operation a line: kind, node, session, ticket, start and end in microseconds, status, reason. Kinds: L login, R renewal (ticket: the
/// new one, 0 if there is none), O logout, C check, X check of a forged ticket. Reason W: another session's name came back.
class History {
 public:
  explicit History(const std::string& path) : file_(std::fopen(path.c_str(), "w")) {
    if (!file_) throw std::runtime_error("cannot write " + path);
    std::setvbuf(file_, nullptr, _IOFBF, 1 << 20);
  }
  ~History() { std::fclose(file_); }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void write(char kind, size_t node, uint32_t session, uint32_t ticket, int64_t start, int64_t end, int status, const std::string& reason) {
    std::lock_guard lock(mutex_);
    std::fprintf(file_, "%c %zu %u %u %lld %lld %d %s\n", kind, node, session, ticket, static_cast<long long>(start),
                 static_cast<long long>(end), status, reason.empty() ? "-" : reason.c_str());
    ++count;
  }
  std::atomic<uint64_t> count{0};

 private:
  std::mutex mutex_;
  std::FILE* const file_;
};

/// Tickets for others to check: those handed out last and those whose logout was asked for last.
class Board {
 public:
  void add(TicketPtr ticket, bool ended) {
    std::lock_guard lock(mutex_);
    auto& ring = ended ? ended_ : issued_;
    if (ring.size() < kMost[ended]) ring.push_back(std::move(ticket));
    else ring[last_[ended]++ % kMost[ended]] = std::move(ticket);
  }
  TicketPtr any(bool ended, uint64_t random) {
    std::lock_guard lock(mutex_);
    const auto& ring = ended ? ended_ : issued_;
    return ring.empty() ? nullptr : ring[random % ring.size()];
  }

 private:
  static constexpr std::array<size_t, 2> kMost{300, 2000};  // few issued ones, of which most still live
  std::mutex mutex_;
  std::vector<TicketPtr> issued_, ended_;
  std::array<size_t, 2> last_{};
};

/// Answers GET /sns/jscode2session; the code names the user. A code that is asked for twice is counted: it must not happen, and WeChat
/// would refuse.
class Upstream {
 public:
  explicit Upstream(uint16_t port) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 512) != 0) {
      throw std::runtime_error("the upstream's port is taken");
    }
    std::thread([this] {
      for (int socket; (socket = ::accept(listener_, nullptr, nullptr)) >= 0;) std::thread([this, socket] { serve(socket); }).detach();
    }).detach();
  }
  std::atomic<uint64_t> calls{0}, repeated{0};

 private:
  void serve(int socket) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::string in;
    char chunk[8192];
    for (ssize_t got; (got = ::recv(socket, chunk, sizeof chunk, 0)) > 0;) {
      in.append(chunk, static_cast<size_t>(got));
      for (size_t end; (end = in.find("\r\n\r\n")) != std::string::npos; in.erase(0, end + 4)) {
        const std::string body = answer(in.substr(0, in.find("\r\n")));
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ";
        const std::string text = head + std::to_string(body.size()) + "\r\n\r\n" + body;
        if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) <= 0) break;
      }
    }
    ::close(socket);
  }
  std::string answer(const std::string& line) {
    const size_t at = line.find("js_code=");
    if (at == std::string::npos) return "{\"errcode\":0}";
    const std::string code = line.substr(at + 8, line.find_first_of("& ", at) - at - 8);
    ++calls;
    {
      std::lock_guard lock(mutex_);
      if (!seen_.insert(code).second) {
        ++repeated;
        return "{\"errcode\":40163,\"errmsg\":\"code been used\"}";
      }
    }
    return "{\"openid\":\"o" + code.substr(0, code.find('.')) + "\",\"session_key\":\"tiihtNczf5v6AKRyjwEUhQ==\"}";
  }

  const int listener_;
  std::mutex mutex_;
  std::unordered_set<std::string> seen_;
};

}  // namespace kaimen::failover

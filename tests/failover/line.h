// A kept HTTP/1.1 connection that may break at any moment: requests are sent one or several at once, and each answer, or its absence, is
// told.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kaimen::failover {

/// status 0: sent, perhaps in part, and no whole answer came. -1: nothing was sent, for nobody took the connection.
struct Answer {
  int status = -1;
  std::string head, body;

  /// The value of a header given in lower case.
  std::string header(std::string_view name) const {
    std::string low;
    for (const char c : head) low += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const size_t at = low.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const size_t begin = at + name.size() + 4, end = head.find("\r\n", begin);
    return head.substr(begin, (end == std::string::npos ? head.size() : end) - begin);
  }
  /// The text after "key":" of a flat search in the body; what is looked for stands there once, or first.
  std::string text(std::string_view key) const {
    const std::string mark = "\"" + std::string(key) + "\":\"";
    const size_t at = body.find(mark);
    if (at == std::string::npos) return {};
    return body.substr(at + mark.size(), body.find('"', at + mark.size()) - at - mark.size());
  }
};

class Line {
 public:
  /// "http://127.0.0.1:8080".
  Line(const std::string& url, int timeout_seconds) : timeout_{timeout_seconds, 0} {
    const size_t begin = url.find("://") + 3, colon = url.rfind(':');
    address_.sin_family = AF_INET;
    address_.sin_port = htons(static_cast<uint16_t>(std::atoi(url.c_str() + colon + 1)));
    if (::inet_pton(AF_INET, url.substr(begin, colon - begin).c_str(), &address_.sin_addr) != 1) {
      throw std::runtime_error("no address: " + url);
    }
  }
  Line(Line&& other) noexcept
      : address_(other.address_), timeout_(other.timeout_), socket_(std::exchange(other.socket_, -1)), left_(std::move(other.left_)) {}
  Line& operator=(Line&&) = delete;
  ~Line() { close(); }

  /// `count` requests in one text. On a connection kept from before that turns out to be closed, requests that `may_repeat` are sent once
  /// more.
  std::vector<Answer> call(const std::string& requests, size_t count, bool may_repeat) {
    const bool kept = is_open();
    auto answers = exchange(requests, count);
    if (kept && may_repeat && answers[0].status <= 0) answers = exchange(requests, count);
    return answers;
  }
  Answer call(const std::string& request, bool may_repeat) { return std::move(call(request, 1, may_repeat)[0]); }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    left_.clear();
  }

 private:
  /// Open, and the peer has not closed it meanwhile.
  bool is_open() {
    char byte;
    if (socket_ >= 0 && ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) close();
    return socket_ >= 0;
  }
  bool connect() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout_, sizeof timeout_);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout_, sizeof timeout_);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0) return true;
    close();
    return false;
  }
  std::vector<Answer> exchange(const std::string& requests, size_t count) {
    std::vector<Answer> answers(count);
    if (!is_open() && !connect()) return answers;
    for (auto& answer : answers) answer.status = 0;
    for (size_t sent = 0; sent < requests.size();) {
      const ssize_t done = ::send(socket_, requests.data() + sent, requests.size() - sent, MSG_NOSIGNAL);
      if (done <= 0) {
        close();
        return answers;
      }
      sent += static_cast<size_t>(done);
    }
    for (auto& answer : answers) {
      if (!read(answer)) {
        answer = Answer{0, {}, {}};
        close();
        break;
      }
      if (answer.header("connection") == "close") {
        close();
        break;
      }
    }
    return answers;
  }
  bool fill() {
    char chunk[16384];
    const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
    if (got > 0) left_.append(chunk, static_cast<size_t>(got));
    return got > 0;
  }
  bool read(Answer& answer) {
    size_t end;
    while ((end = left_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return false;
    }
    answer.head = left_.substr(0, end);
    left_.erase(0, end + 4);
    if (answer.head.size() < 12) return false;
    answer.status = std::atoi(answer.head.c_str() + 9);
    const std::string length = answer.header("content-length");
    const size_t size = length.empty() ? 0 : static_cast<size_t>(std::atoll(length.c_str()));
    while (left_.size() < size) {
      if (!fill()) return false;
    }
    answer.body = left_.substr(0, size);
    left_.erase(0, size);
    return true;
  }

  sockaddr_in address_{};
  timeval timeout_;
  int socket_ = -1;
  std::string left_;
};

}  // namespace kaimen::failover

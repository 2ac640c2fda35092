// A WeChat for load tests: answers GET /sns/jscode2session at once, after a delay or never, in the clear or over TLS, on kept connections.
// Who logs in follows from the code: its last sixteen characters are a number. Without --users it is the user, so everybody is new; with
// --users N it names one of N, and consecutive numbers name users far apart (neighbours in a B-tree would flatter a large store).
//   upstream --listen 127.0.0.1:PORT [--delay MS] [--hang] [--users N] [--tls CERTIFICATE KEY]
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <csignal>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sockets.h"

namespace {

using namespace kaimen::bench;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string listen, certificate, key;
  std::chrono::milliseconds delay{0};
  bool hang = false;
  uint64_t users = 0;

  Options(int count, char** texts) {
    for (int i = 1; i < count; ++i) {
      const std::string name = texts[i];
      if (name == "--hang") hang = true;
      else if (name == "--listen" && i + 1 < count) listen = texts[++i];
      else if (name == "--delay" && i + 1 < count) delay = std::chrono::milliseconds(std::stol(texts[++i]));
      else if (name == "--users" && i + 1 < count) users = std::stoull(texts[++i]);
      else if (name == "--tls" && i + 2 < count) certificate = texts[++i], key = texts[++i];
      else fail("unknown argument " + name);
    }
  }
};

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

struct Connection {
  uint64_t id = 0;
  int descriptor = -1;
  std::unique_ptr<SSL, FreeSsl> ssl;
  std::string in;
};

class Upstream {
 public:
  explicit Upstream(const Options& options) : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)), listener_(listen_on(Address(options.listen))) {
    if (!options.certificate.empty()) {
      tls_.reset(SSL_CTX_new(TLS_server_method()));
      if (SSL_CTX_use_certificate_chain_file(tls_.get(), options.certificate.c_str()) != 1 ||
          SSL_CTX_use_PrivateKey_file(tls_.get(), options.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        fail("certificate or key");
      }
    }
    watch(listener_, 0);
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 256> events;
      const int ready = ::epoll_wait(epoll_, events.data(), events.size(), wait_ms());
      for (int i = 0; i < ready; ++i) {
        const uint64_t id = events[static_cast<size_t>(i)].data.u64;
        if (id == 0) accept_all();
        else if (const auto found = connections_.find(id); found != connections_.end()) read(found->second);
      }
      answer_due();
    }
  }

 private:
  struct Due {
    Clock::time_point at;
    uint64_t connection;
    std::string answer;
  };

  void watch(int descriptor, uint64_t id) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
  }

  int wait_ms() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.front().at - Clock::now());
    return left.count() < 0 ? 0 : static_cast<int>(left.count());
  }

  void accept_all() {
    for (;;) {
      const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0) return;
      no_delay(descriptor);
      Connection connection;
      connection.id = ++last_id_;
      connection.descriptor = descriptor;
      if (tls_) {
        connection.ssl.reset(SSL_new(tls_.get()));
        SSL_set_fd(connection.ssl.get(), descriptor);
        SSL_set_accept_state(connection.ssl.get());
      }
      connections_.emplace(last_id_, std::move(connection));
      watch(descriptor, last_id_);
    }
  }

  void close(Connection& connection) {
    ::close(connection.descriptor);
    connections_.erase(connection.id);
  }

  // Until nothing is left: what TLS has already decrypted wakes no epoll.
  void read(Connection& connection) {
    std::array<char, 8192> buffer;
    for (;;) {
      ssize_t got = 0;
      bool later = false;
      if (connection.ssl) {
        ERR_clear_error();
        got = SSL_read(connection.ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
        const int error = SSL_get_error(connection.ssl.get(), static_cast<int>(got));
        later = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
      } else {
        got = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
        later = got < 0 && errno == EAGAIN;
      }
      if (later) return;
      if (got <= 0) return close(connection);
      connection.in.append(buffer.data(), static_cast<size_t>(got));
      const size_t end = connection.in.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const std::string answer = answer_to(connection.in);
      connection.in.erase(0, end + 4);
      if (options_.hang) continue;
      if (options_.delay.count() == 0) write(connection, answer);
      else due_.push_back({Clock::now() + options_.delay, connection.id, answer});
    }
  }

  void answer_due() {
    while (!due_.empty() && due_.front().at <= Clock::now()) {
      if (const auto found = connections_.find(due_.front().connection); found != connections_.end()) write(found->second, due_.front().answer);
      due_.pop_front();
    }
  }

  static void write(Connection& connection, const std::string& answer) {
    // A few hundred bytes to a peer that waits for them: they fit, or the peer sees a cut line.
    if (connection.ssl) SSL_write(connection.ssl.get(), answer.data(), static_cast<int>(answer.size()));
    else ::send(connection.descriptor, answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  std::string answer_to(std::string_view request) const {
    const size_t at = request.find("js_code=");
    const std::string_view code = at == request.npos ? "" : request.substr(at + 8, request.find_first_of("& ", at) - at - 8);
    const std::string number(code.size() < 16 ? std::string_view("0") : code.substr(code.size() - 16));
    uint64_t who = std::strtoull(number.c_str(), nullptr, 16);
    if (options_.users != 0) who = (who * 0x9e3779b97f4a7c15 >> 20) % options_.users;
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(who));
    // The forms are WeChat's: an openid of 28 characters, a session_key of 16 bytes in base64, JSON called text/plain.
    const std::string body = std::string("{\"session_key\":\"") + digits + "AAAAAA==\",\"openid\":\"oBench_upstr_" + std::string(digits).substr(1) + "\"}";
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  const Options& options_;
  const int epoll_, listener_;
  std::unique_ptr<SSL_CTX, FreeSsl> tls_;
  std::unordered_map<uint64_t, Connection> connections_;
  uint64_t last_id_ = 0;
  std::deque<Due> due_;
};

}  // namespace

int main(int count, char** texts) {
  std::signal(SIGPIPE, SIG_IGN);
  const Options options(count, texts);
  Upstream upstream(options);
  upstream.run();
}

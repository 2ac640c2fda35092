// Kaimen's own HTTP server answering every request with the same text, at once: what a check costs beyond it is the check.
//   constant 127.0.0.1:PORT [/unix/socket]
#include <csignal>
#include <iostream>

#include "base/random.h"
#include "http/server.h"

namespace {

using namespace kaimen;

class ConstantHandler final : public http::Handler {
 public:
  std::optional<size_t> body_limit(const http::Request&, size_t default_limit) const override { return default_limit; }
  bool answer_now(const http::Request&, bool keep_alive, std::string& out) override {
    out += keep_alive ? answer_ : last_answer_;
    return true;
  }
  Task<http::Response> handle(const http::Request&) override { co_return http::Response{}; }
  http::Response refuse(int status, std::string_view, std::string_view) override {
    http::Response response;
    response.status = status;
    return response;
  }

 private:
  const std::string head_ =
      "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nX-Kaimen-User: 0123456789abcdef0123456789abcdef\r\n"
      "X-Kaimen-App: wxbench0000000001\r\nX-Kaimen-Registered: true\r\n";
  const std::string answer_ = head_ + "\r\n", last_answer_ = head_ + "Connection: close\r\n\r\n";
};

}  // namespace

int main(int count, char** texts) {
  if (count < 2) return 2;
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigaddset(&end, SIGINT);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  http::ServerOptions options;
  http::Listener tcp;
  tcp.name = "tcp";
  tcp.address = texts[1];
  options.listeners.push_back(tcp);
  if (count > 2) {
    http::Listener local;
    local.name = "unix";
    local.unix_socket = texts[2];
    options.listeners.push_back(local);
  }
  ConstantHandler handler;
  SystemRandom random;
  http::Server server(std::move(options), handler, random);
  if (const auto started = server.start(); !started) {
    std::cerr << "error: " << started.error().detail << '\n';
    return 1;
  }
  int signal = 0;
  sigwait(&end, &signal);
  server.drain();
}

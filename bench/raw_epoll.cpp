// The limit: a server that reads what comes, parses nothing and writes the same answer. Whatever speaks HTTP costs at least this.
//   raw_epoll 127.0.0.1:PORT|unix:/path
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "sockets.h"

int main(int count, char** texts) {
  using namespace kaimen::bench;
  std::signal(SIGPIPE, SIG_IGN);
  if (count != 2) fail("usage: raw_epoll ADDRESS");
  constexpr std::string_view kAnswer =
      "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\nX-Kaimen-User: 0123456789abcdef0123456789abcdef\r\n"
      "X-Kaimen-App: wxbench0000000001\r\nX-Kaimen-Registered: true\r\n\r\n";
  const int listener = listen_on(Address(texts[1]));
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = listener;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted);
  std::array<epoll_event, 256> events;
  std::array<char, 8192> buffer;
  for (;;) {
    const int ready = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int descriptor = events[static_cast<size_t>(i)].data.fd;
      if (descriptor == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) continue;
        no_delay(accepted);
        wanted.data.fd = accepted;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &wanted);
        continue;
      }
      const ssize_t got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0 || ::send(descriptor, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) ::close(descriptor);
    }
  }
}

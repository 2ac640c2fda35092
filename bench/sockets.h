// Addresses as the benchmarks name them: "127.0.0.1:8081" or "unix:/path". Loopback only; what fails ends the program.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace kaimen::bench {

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "error: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  bool is_unix = false;

  explicit Address(const std::string& text) {
    if (text.starts_with("unix:")) {
      is_unix = true;
      auto& un = reinterpret_cast<sockaddr_un&>(storage);
      un.sun_family = AF_UNIX;
      if (text.size() - 5 >= sizeof un.sun_path) fail("too long: " + text);
      std::memcpy(un.sun_path, text.data() + 5, text.size() - 5);
      size = sizeof un;
    } else {
      auto& in = reinterpret_cast<sockaddr_in&>(storage);
      const size_t colon = text.rfind(':');
      in.sin_family = AF_INET;
      in.sin_port = htons(static_cast<uint16_t>(std::atoi(text.c_str() + colon + 1)));
      if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &in.sin_addr) != 1) fail("no address: " + text);
      size = sizeof in;
    }
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

inline void set_nonblocking(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

inline void no_delay(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused on unix sockets, which have no such delay
}

inline int connect_to(const Address& address) {
  const int descriptor = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || ::connect(descriptor, address.get(), address.size) != 0) fail("connect");
  set_nonblocking(descriptor);
  no_delay(descriptor);
  return descriptor;
}

inline int listen_on(const Address& address) {
  const int descriptor = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (descriptor < 0 || ::bind(descriptor, address.get(), address.size) != 0 || ::listen(descriptor, 4096) != 0) fail("listen");
  return descriptor;
}

inline void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) fail("pin");
}

}  // namespace kaimen::bench

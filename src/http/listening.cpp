#include "http/listening.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace kaimen::http {

namespace ip = boost::asio::ip;

namespace {

Error failed(const std::string& address, std::string_view act) {
  return make_error(ErrorCode::unavailable, "cannot listen at " + address + ": " + std::string(act) + ": " + std::strerror(errno));
}

std::optional<ip::tcp::endpoint> parse_endpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto digits = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) return std::nullopt;
  const bool bracketed = host.starts_with('[');
  if (bracketed) host = host.substr(1, host.size() - 2);
  uint16_t port = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || bad != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(host), error);
  if (error || address.is_v6() != bracketed) return std::nullopt;
  return ip::tcp::endpoint(address, port);
}

int new_socket(int family) { return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

bool set_option(int descriptor, int option) {
  const int on = 1;
  return ::setsockopt(descriptor, SOL_SOCKET, option, &on, sizeof on) == 0;
}

Result<Listening> listen_tcp(const std::string& address, size_t loops) {
  auto endpoint = parse_endpoint(address);
  if (!endpoint) return make_error(ErrorCode::unavailable, "cannot listen at " + address + ": not an IP address and port");
  Listening listening;
  const int family = endpoint->address().is_v6() ? AF_INET6 : AF_INET;
  const bool shared = loops > 1;
  if (shared && endpoint->port() != 0) {
    // With SO_REUSEPORT a second server of the same user would silently get a share of the connections: first ask without it.
    Listening probe;
    probe.descriptors.push_back(new_socket(family));
    set_option(probe.descriptors[0], SO_REUSEADDR);
    if (::bind(probe.descriptors[0], endpoint->data(), socklen_t(endpoint->size())) != 0) return failed(address, "bind");
  }
  for (size_t i = 0; i < loops; ++i) {
    const int descriptor = new_socket(family);
    if (descriptor < 0) return failed(address, "socket");
    listening.descriptors.push_back(descriptor);
    if (!set_option(descriptor, SO_REUSEADDR) || (shared && !set_option(descriptor, SO_REUSEPORT))) return failed(address, "setsockopt");
    if (::bind(descriptor, endpoint->data(), socklen_t(endpoint->size())) != 0) return failed(address, "bind");
    if (::listen(descriptor, kBacklog) != 0) return failed(address, "listen");
    // Port 0: the others take the port that the first was given.
    auto size = socklen_t(endpoint->capacity());
    if (::getsockname(descriptor, endpoint->data(), &size) != 0) return failed(address, "getsockname");
  }
  const auto host = endpoint->address().to_string();
  listening.bound = (family == AF_INET6 ? "[" + host + "]" : host) + ":" + std::to_string(endpoint->port());
  return listening;
}

// A server that was killed leaves its file behind; nobody answers there.
Result<> remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return ok();
  if (!S_ISSOCK(info.st_mode)) return make_error(ErrorCode::unavailable, "cannot listen at " + path + ": a file that is no socket is there");
  const int probe = new_socket(AF_UNIX);
  const int connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int cause = errno;
  ::close(probe);
  if (connected == 0 || cause != ECONNREFUSED) return make_error(ErrorCode::unavailable, "cannot listen at " + path + ": another server does");
  if (::unlink(path.c_str()) != 0) return failed(path, "unlink");
  return ok();
}

Result<Listening> listen_unix(const std::string& path, unsigned mode, size_t loops) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return make_error(ErrorCode::unavailable, "cannot listen at " + path + ": the path is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  TRY(remove_stale(path, address));
  Listening listening;
  listening.bound = path;
  const int descriptor = new_socket(AF_UNIX);
  if (descriptor < 0) return failed(path, "socket");
  listening.descriptors.push_back(descriptor);
  // The file takes the descriptor's mode, so it is never wider than it shall be, not even before chmod.
  if (::fchmod(descriptor, mode & 0600) != 0) return failed(path, "fchmod");
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failed(path, "bind");
  if (::chmod(path.c_str(), mode) != 0) return failed(path, "chmod");
  if (::listen(descriptor, kBacklog) != 0) return failed(path, "listen");
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return failed(path, "stat");
  listening.file = {info.st_dev, info.st_ino};
  while (listening.descriptors.size() < loops) {
    const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return failed(path, "dup");
    listening.descriptors.push_back(copy);
  }
  return listening;
}

}  // namespace

Listening::~Listening() {
  for (const int descriptor : descriptors) ::close(descriptor);
}

Result<Listening> listen_at(const Listener& listener, size_t loops) {
  if (!listener.unix_socket.empty()) return listen_unix(listener.unix_socket, listener.unix_mode, loops);
  return listen_tcp(listener.address, loops);
}

void remove_socket_file(const std::string& path, const std::pair<uint64_t, uint64_t>& file) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && file == std::pair<uint64_t, uint64_t>(info.st_dev, info.st_ino)) ::unlink(path.c_str());
}

}  // namespace kaimen::http

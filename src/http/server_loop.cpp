#include "http/server_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "http/listening.h"
#include "http/stream_connection.h"

namespace kaimen::http {

namespace {

constexpr int kAcceptsAtOnce = 64;  // then other events of this loop get their turn
constexpr Millis kAcceptPause{100};  // when descriptors or memory ran out

Peer describe_peer(int descriptor, const sockaddr_storage& address, bool is_unix, bool tls) {
  Peer peer;
  peer.tls = tls;
  peer.is_unix = is_unix;
  if (is_unix) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    // Without credentials the peer is nobody, never root.
    peer.uid = ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.uid : static_cast<uint32_t>(-1);
    return peer;
  }
  asio::ip::address ip;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ip = asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  } else {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    ip = unmapped(asio::ip::address_v6(bytes));
  }
  peer.address = ip.to_string();
  peer.loopback = ip.is_loopback();
  return peer;
}

}  // namespace

ServerLoop::ServerLoop(Handler& handler, const ServerLimits& limits, const Networks& trusted)
    : context_{handler, limits, trusted},
      // Deadlines are exact to a tick: a quarter of the shortest, so that small limits are held too.
      tick_(std::clamp(std::min({limits.header_time, limits.body_time, limits.idle_time, limits.write_time}) / 4, Millis{10}, Millis{250})) {}

ServerLoop::~ServerLoop() { stop(); }

void ServerLoop::stop() {
  thread_.stop();
  acceptors_.clear();
  for (auto next = context_.connections.begin(); next != context_.connections.end();) (next++)->close();
}

void ServerLoop::add_acceptor(int descriptor, int listener, bool is_unix, ServerTls* tls) {
  acceptors_.push_back(std::make_unique<Acceptor>(
      Acceptor{asio::posix::basic_stream_descriptor<Executor>(thread_.context(), descriptor), Timer(thread_.context()), listener, is_unix, tls}));
}

Result<> ServerLoop::start(Random& random) {
  TRY(context_.ids.seed(random));
  thread_.every(tick_, [this] { tick(); });
  for (auto& acceptor : acceptors_) wait(*acceptor);
  thread_.start();
  return ok();
}

void ServerLoop::wait(Acceptor& acceptor) {
  acceptor.descriptor.async_wait(asio::posix::descriptor_base::wait_read, [this, &acceptor](boost::system::error_code error) {
    if (!error && acceptor.descriptor.is_open() && accept(acceptor, kAcceptsAtOnce)) wait(acceptor);
  });
}

bool ServerLoop::accept(Acceptor& acceptor, int most) {
  for (int i = 0; i < most; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int descriptor =
        ::accept4(acceptor.descriptor.native_handle(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      acceptor.starved = false;
      add(acceptor, descriptor, address);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) continue;  // that connection failed; others wait
    // The connection stays in the backlog and the descriptor readable: without a pause this would spin.
    if (!std::exchange(acceptor.starved, true)) log::Line("accept_paused").field("message", std::strerror(errno)).emit(log::Level::error);
    acceptor.pause.expires_after(kAcceptPause);
    acceptor.pause.async_wait([this, &acceptor](boost::system::error_code error) {
      if (!error && acceptor.descriptor.is_open() && accept(acceptor, kAcceptsAtOnce)) wait(acceptor);
    });
    return false;
  }
  return true;
}

void ServerLoop::add(Acceptor& acceptor, int descriptor, const sockaddr_storage& address) {
  if (context_.open.get() >= context_.limits.connections_per_loop) return refuse_surplus(descriptor);
  boost::system::error_code error;
  Socket socket(thread_.context());
  socket.assign(asio::generic::stream_protocol(address.ss_family, 0), descriptor, error);
  if (error) {
    ::close(descriptor);
    return;
  }
  socket.non_blocking(true, error);
  if (!acceptor.is_unix) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Peer peer = describe_peer(descriptor, address, acceptor.is_unix, acceptor.tls != nullptr);
  boost::intrusive_ptr<Connection> connection;
  if (acceptor.tls) {
    connection = new StreamConnection<TlsStream>(context_, std::move(peer), acceptor.listener, std::move(socket), acceptor.tls->context());
  } else {
    connection = new StreamConnection<Socket>(context_, std::move(peer), acceptor.listener, std::move(socket));
  }
  connection->begin();
}

void ServerLoop::refuse_surplus(int descriptor) {
  Request nobody;
  context_.ids.next(nobody.request_id);
  std::string answer;
  write_response(answer, context_.handler.refuse(503, "too many connections", nobody.request_id), nobody, false);
  // Best effort: over TLS these bytes mean nothing, and the peer sees the end all the same.
  [[maybe_unused]] const auto sent = ::send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(descriptor, SHUT_WR);
  ::close(descriptor);
  context_.refused.add(1);
}

void ServerLoop::tick() {
  context_.now = std::chrono::steady_clock::now();
  for (auto next = context_.connections.begin(); next != context_.connections.end();) (next++)->sweep();
}

void ServerLoop::drain() {
  for (auto& acceptor : acceptors_) {
    // What the kernel has already accepted for us would be reset with the listening socket.
    accept(*acceptor, kBacklog);
    boost::system::error_code ignored;
    acceptor->pause.cancel();
    acceptor->descriptor.close(ignored);
  }
  context_.now = std::chrono::steady_clock::now();
  context_.draining = true;
  for (auto next = context_.connections.begin(); next != context_.connections.end();) (next++)->drain();
  drained_.store(true);
}

}  // namespace kaimen::http

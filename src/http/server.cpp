#include "http/server.h"

#include <thread>

#include "base/limits.h"
#include "base/log.h"
#include "http/listening.h"
#include "http/server_loop.h"

namespace kaimen::http {

namespace {
constexpr Millis kTlsReload{2'000};
constexpr Millis kDrainPoll{5};
}  // namespace

ServerLimits ServerLimits::defaults() {
  return {limits::kRequestLineBytes, limits::kHeaderBytes, limits::kHeaderCount, limits::kBodyBytes, limits::kConnectionsPerLoop,
          limits::kHeaderTime,       limits::kBodyTime,    limits::kIdleTime,    limits::kWriteTime, limits::kDrainTime};
}

struct Server::Impl {
  struct Bound {
    std::string address;
    std::pair<uint64_t, uint64_t> file;
    std::unique_ptr<ServerTls> tls;
  };

  Impl(ServerOptions given, Handler& its_handler, Random& its_random) : options(std::move(given)), handler(its_handler), random(its_random) {}
  ~Impl();

  Result<> start();
  Result<> bind(size_t index);
  bool drain();
  void stop();

  const ServerOptions options;
  Handler& handler;
  Random& random;
  Networks trusted;
  std::vector<Bound> bound;
  std::vector<std::unique_ptr<ServerLoop>> loops;
  bool stopped = false;
};

Server::Impl::~Impl() {
  stop();
  for (auto& loop : loops) {
    if (loop->context().working.get() == 0) continue;
    // Whoever such a handler waits for will still post to its loop: the loop, stopped, outlives the server instead of being destroyed.
    log::warn("handlers_abandoned", "the server ended before some handlers did");
    static auto* const abandoned = new std::vector<std::unique_ptr<ServerLoop>>;  // never destroyed, on purpose
    abandoned->push_back(std::move(loop));
  }
}

Result<> Server::Impl::bind(size_t index) {
  const Listener& listener = options.listeners[index];
  auto& entry = bound.emplace_back();
  if (listener.tls) {
    entry.tls = std::make_unique<ServerTls>(*listener.tls);
    TRY(entry.tls->load());
  }
  TRY(auto listening, listen_at(listener, loops.size()));
  entry.address = listening.bound;
  entry.file = listening.file;
  const auto descriptors = listening.release();
  for (size_t i = 0; i < loops.size(); ++i) {
    loops[i]->add_acceptor(descriptors[i], static_cast<int>(index), !listener.unix_socket.empty(), entry.tls.get());
  }
  return ok();
}

Result<> Server::Impl::start() {
  for (const auto& text : options.trusted_proxies) {
    if (!trusted.add(text)) return make_error(ErrorCode::unavailable, "trusted_proxies: " + text + " is no address or block");
  }
  for (int i = 0; i < options.threads; ++i) loops.push_back(std::make_unique<ServerLoop>(handler, options.limits, trusted));
  for (size_t i = 0; i < options.listeners.size(); ++i) {
    if (auto done = bind(i); !done) {
      stop();
      return done;
    }
  }
  for (auto& entry : bound) {
    if (entry.tls) loops[0]->thread().every(kTlsReload, [tls = entry.tls.get()] { tls->reload_if_changed(); });
  }
  for (auto& loop : loops) {
    if (auto done = loop->start(random); !done) {
      stop();
      return done;
    }
  }
  return ok();
}

bool Server::Impl::drain() {
  if (stopped) return true;
  for (auto& loop : loops) loop->thread().post([&loop] { loop->drain(); });
  const auto deadline = deadline_in(options.limits.drain_time);
  auto busy = [&] {
    for (const auto& loop : loops) {
      if (!loop->is_drained()) return true;
    }
    return false;
  };
  while (busy() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(kDrainPoll);
  const bool all_ended = !busy();
  stop();
  return all_ended;
}

void Server::Impl::stop() {
  if (std::exchange(stopped, true)) return;
  for (auto& loop : loops) loop->stop();
  for (size_t i = 0; i < bound.size(); ++i) {
    if (!options.listeners[i].unix_socket.empty()) remove_socket_file(options.listeners[i].unix_socket, bound[i].file);
  }
}

Server::Server(ServerOptions options, Handler& handler, Random& random) : impl_(std::make_unique<Impl>(std::move(options), handler, random)) {}
Server::~Server() = default;

Result<> Server::start() { return impl_->start(); }
bool Server::drain() { return impl_->drain(); }
std::string Server::bound_address(size_t listener) const { return impl_->bound.at(listener).address; }
size_t Server::loop_count() const { return impl_->loops.size(); }
Loop& Server::loop(size_t index) { return impl_->loops.at(index)->thread(); }

Server::Counters Server::counters() const {
  Counters sum{};
  for (const auto& loop : impl_->loops) {
    const auto& context = loop->context();
    sum.connections_open += context.open.get();
    sum.connections_accepted += context.accepted.get();
    sum.requests += context.requests.get();
    sum.refused += context.refused.get();
  }
  return sum;
}

}  // namespace kaimen::http

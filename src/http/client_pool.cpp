#include "http/client_pool.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <tuple>

#include "http/client_text.h"
#include "http/reach.h"

// g++ 12 takes Asio's recycling allocator of coroutine frames for a mismatched pair.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace kaimen::http {

namespace beast = boost::beast;
using Code = boost::system::error_code;
using Kind = ClientError::Kind;
using Endpoint = asio::generic::stream_protocol::endpoint;

namespace {

constexpr size_t kResponseHeaderBytes = 64 * 1024;
constexpr size_t kBufferBytes = 2 * kResponseHeaderBytes;
constexpr int kInterimAnswers = 8;  // 1xx before the answer

// Errors as values, on a typed executor.
constexpr auto awaited = asio::as_tuple(asio::use_awaitable_t<Executor>());

Kind kind_of(const Code& error) {
  namespace http = beast::http;
  if (error == http::error::body_limit || error == http::error::header_limit || error == http::error::buffer_overflow) return Kind::too_large;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return Kind::cut;
  return error.category() == http::make_error_code(http::error::bad_version).category() ? Kind::malformed : Kind::cut;
}

bool is_address(const std::string& host) {
  Code error;
  asio::ip::make_address(host, error);
  return !error;
}

}  // namespace

void ClientPool::Line::close() {
  Code ignored;
  socket().close(ignored);
}

bool ClientPool::Line::is_quiet() {
  if (!socket().is_open() || buffer.size() > 0) return false;
  pollfd state{socket().native_handle(), POLLIN | POLLRDHUP, 0};
  return ::poll(&state, 1, 0) == 0;  // an end, a reset, or bytes nobody asked for
}

ClientError ClientPool::Exchange::error(Kind kind, std::string_view what) const {
  const auto elapsed = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - started);
  return {kind, (request.url.unix_socket.empty() ? request.url.host : request.url.unix_socket) + ": " + std::string(what), elapsed};
}

ClientPool::ClientPool(LoopThread& loop, const ClientOptions& options, std::shared_ptr<asio::ssl::context> tls)
    : loop_(loop), options_(options), tls_(std::move(tls)) {
  for (const auto& block : options_.allow_private) allowed_.add(block);
}

void ClientPool::start(ClientRequest request, Done done) {
  std::string key = pool_key(request);
  auto exchange = std::make_shared<Exchange>(loop_.context(), std::move(request));
  if (const auto problem = check_request(exchange->request)) return done(exchange->error(Kind::not_sent, *problem));
  auto& host = hosts_[key];
  if (host.under_way >= options_.exchanges_per_host) return done(exchange->error(Kind::too_many, "too many exchanges are under way"));
  ++host.under_way;
  asio::co_spawn(loop_.executor(), drive(std::move(exchange), std::move(key), std::move(done)), asio::detached);
}

ClientPool::Awaitable<void> ClientPool::drive(ExchangePtr exchange, std::string key, Done done) {
  const auto self = shared_from_this();  // the client may go while its exchanges are under way
  ClientResult result = co_await run(exchange, key);
  exchange->timer.cancel();
  exchange->interrupt = nullptr;
  --hosts_[key].under_way;
  drop_aged();
  done(std::move(result));
}

void ClientPool::arm(const ExchangePtr& exchange, TimePoint when) {
  exchange->expired = false;
  exchange->timer.expires_at(when);
  exchange->timer.async_wait([exchange, when](Code error) {
    if (error || exchange->timer.expiry() != when) return;
    exchange->expired = true;
    if (exchange->interrupt) exchange->interrupt();
  });
}

ClientPool::LinePtr ClientPool::take_kept(const std::string& key) {
  auto& kept = hosts_[key].kept;
  while (!kept.empty()) {
    LinePtr line = std::move(kept.back());
    kept.pop_back();
    if (std::chrono::steady_clock::now() - line->kept_since < options_.idle_time && line->is_quiet()) return line;
    line->close();
  }
  return nullptr;
}

void ClientPool::keep(const std::string& key, LinePtr line) {
  auto& kept = hosts_[key].kept;
  if (kept.size() >= options_.idle_per_host) return line->close();
  line->kept_since = std::chrono::steady_clock::now();
  kept.push_back(std::move(line));
}

// The last used connection is taken first, so that after a burst the surplus ages at the front.
void ClientPool::drop_aged() {
  const auto oldest = std::chrono::steady_clock::now() - options_.idle_time;
  for (auto at = hosts_.begin(); at != hosts_.end();) {
    auto& host = at->second;
    while (!host.kept.empty() && host.kept.front()->kept_since < oldest) {
      host.kept.front()->close();
      host.kept.pop_front();
    }
    at = host.kept.empty() && host.under_way == 0 ? hosts_.erase(at) : std::next(at);
  }
}

ClientPool::Awaitable<ClientResult> ClientPool::run(ExchangePtr exchange, std::string key) {
  const ClientRequest& request = exchange->request;
  const std::string text = request_text(request);
  for (bool retried = false;; retried = true) {
    LinePtr line = retried ? nullptr : take_kept(key);
    const bool was_kept = line != nullptr;
    if (!line) {
      line = std::make_shared<Line>(loop_.context());
      line->buffer.max_size(kBufferBytes);
      arm(exchange, std::min(request.deadline, std::chrono::steady_clock::now() + request.connect_timeout));
      Step connected = co_await connect(exchange, line);
      if (!connected) {
        line->close();
        co_return connected.error();
      }
    }
    exchange->interrupt = [line] { line->close(); };
    arm(exchange, request.deadline);

    const auto bytes = asio::buffer(text);
    std::tuple<Code, size_t> wrote;
    if (line->tls) {
      wrote = co_await asio::async_write(*line->tls, bytes, awaited);
    } else {
      wrote = co_await asio::async_write(line->plain, bytes, awaited);
    }
    if (const Code error = std::get<0>(wrote); error) {
      line->close();
      // TLS does not tell how much of a record left.
      const bool untouched = std::get<1>(wrote) == 0 && !line->tls;
      if (untouched && was_kept && !retried && !exchange->expired) continue;
      const Kind kind = untouched ? Kind::not_sent : exchange->expired ? Kind::timed_out : Kind::cut;
      co_return exchange->error(kind, "writing: " + (exchange->expired ? std::string("deadline passed") : error.message()));
    }

    bool reusable = false;
    std::optional<ClientResult> result;
    if (line->tls) {
      ClientResult answer = co_await receive(exchange, line, *line->tls, reusable);
      result.emplace(std::move(answer));
    } else {
      ClientResult answer = co_await receive(exchange, line, line->plain, reusable);
      result.emplace(std::move(answer));
    }
    if (reusable && !exchange->expired) keep(key, line);
    else line->close();
    co_return std::move(*result);
  }
}

template <class Stream>
ClientPool::Awaitable<ClientResult> ClientPool::receive(ExchangePtr exchange, LinePtr line, Stream& stream, bool& reusable) {
  for (int interim = 0; interim <= kInterimAnswers; ++interim) {
    beast::http::response_parser<beast::http::string_body> parser;
    parser.header_limit(kResponseHeaderBytes);
    parser.body_limit(exchange->request.max_body_bytes);
    if (exchange->request.method == "HEAD") parser.skip(true);
    const std::tuple<Code, size_t> got = co_await beast::http::async_read(stream, line->buffer, parser, awaited);
    if (const Code error = std::get<0>(got); error) {
      if (exchange->expired) co_return exchange->error(Kind::timed_out, "the deadline passed before the answer was complete");
      co_return exchange->error(kind_of(error), "reading: " + error.message());
    }
    auto& message = parser.get();
    if (message.result_int() / 100 == 1 && message.result_int() != 101) continue;
    ClientResponse response;
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message) response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    response.body = std::move(message.body());
    response.elapsed = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - exchange->started);
    reusable = parser.keep_alive() && line->buffer.size() == 0 && response.status != 101;
    co_return response;
  }
  co_return exchange->error(Kind::malformed, "too many interim answers");
}

ClientPool::Awaitable<ClientPool::Step> ClientPool::connect(ExchangePtr exchange, LinePtr line) {
  const ClientRequest& request = exchange->request;
  std::vector<Endpoint> endpoints;
  std::optional<BaseUrl> proxy;
  if (!request.proxy.empty()) proxy = BaseUrl::parse(request.proxy);
  if (!request.url.unix_socket.empty()) {
    endpoints.emplace_back(asio::local::stream_protocol::endpoint(request.url.unix_socket));
  } else {
    const BaseUrl& next = proxy ? *proxy : request.url;
    Step resolved = co_await resolve(exchange, next.host, next.port, endpoints);
    if (!resolved) co_return resolved;
  }
  if (options_.only_public) {
    std::erase_if(endpoints, [this](const Endpoint& endpoint) { return !is_open(endpoint); });
    if (endpoints.empty()) co_return exchange->error(Kind::not_allowed, "the address is not public, and outbound.allow_private does not have it");
  }
  const TimePoint whole = exchange->timer.expiry();
  Step connected = co_await connect_to(exchange, line, endpoints);
  if (!connected) co_return connected;
  arm(exchange, whole);
  exchange->interrupt = [line] { line->close(); };
  if (proxy && request.url.tls) {
    Step tunnelled = co_await tunnel(exchange, line);
    if (!tunnelled) co_return tunnelled;
  }
  if (request.url.tls) {
    Step secured = co_await secure(exchange, line);
    if (!secured) co_return secured;
  }
  co_return BOOST_OUTCOME_V2_NAMESPACE::success();
}

bool ClientPool::is_open(const Endpoint& endpoint) const {
  asio::ip::tcp::endpoint address;
  if ((endpoint.protocol().family() != AF_INET && endpoint.protocol().family() != AF_INET6) || endpoint.size() > address.capacity()) return false;
  std::memcpy(address.data(), endpoint.data(), endpoint.size());
  return may_reach(address.address(), allowed_);
}

ClientPool::Awaitable<ClientPool::Step> ClientPool::resolve(ExchangePtr exchange, std::string host, uint16_t port, std::vector<Endpoint>& out) {
  using asio::ip::tcp;
  using Resolver = asio::ip::basic_resolver<tcp, Executor>;
  Code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) {
    out.emplace_back(tcp::endpoint(address, port));
    co_return BOOST_OUTCOME_V2_NAMESPACE::success();
  }
  // getaddrinfo cannot be interrupted: on expiry the exchange leaves it behind.
  struct Lookup {
    explicit Lookup(asio::io_context& context) : resolver(context), done(context, TimePoint::max()) {}
    Resolver resolver;
    Timer done;
    bool finished = false;
    Code error;
    Resolver::results_type results;
  };
  const auto lookup = std::make_shared<Lookup>(loop_.context());
  auto finish = [lookup](Code lookup_error, Resolver::results_type results) {
    lookup->finished = true;
    lookup->error = lookup_error;
    lookup->results = std::move(results);
    lookup->done.cancel();
  };
  lookup->resolver.async_resolve(host, std::to_string(port), asio::ip::resolver_base::numeric_service, std::move(finish));
  exchange->interrupt = [lookup] { lookup->done.cancel(); };
  co_await lookup->done.async_wait(awaited);
  if (!lookup->finished) co_return exchange->error(Kind::not_sent, "finding the name took too long");
  if (lookup->error) co_return exchange->error(Kind::not_sent, "the name is not found: " + lookup->error.message());
  for (const auto& entry : lookup->results) out.emplace_back(entry.endpoint());
  co_return BOOST_OUTCOME_V2_NAMESPACE::success();
}

// Each address gets an equal share of the time that is left, so that one that swallows packets does not take it all.
ClientPool::Awaitable<ClientPool::Step> ClientPool::connect_to(ExchangePtr exchange, LinePtr line, std::vector<Endpoint> endpoints) {
  const TimePoint whole = exchange->timer.expiry();
  std::string why = "no address";
  exchange->interrupt = [line] { line->close(); };
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= whole) break;
    arm(exchange, now + (whole - now) / static_cast<int64_t>(endpoints.size() - i));
    const std::tuple<Code> connected = co_await line->plain.async_connect(endpoints[i], awaited);
    Code error = std::get<0>(connected);
    if (!error && !exchange->expired) {
      // Small requests, each awaited: never wait for more to send.
      if (endpoints[i].protocol().family() != AF_UNIX) line->plain.set_option(asio::ip::tcp::no_delay(true), error);
      co_return BOOST_OUTCOME_V2_NAMESPACE::success();
    }
    why = exchange->expired ? "connecting took too long" : error.message();
    line->close();
  }
  co_return exchange->error(Kind::not_sent, why);
}

ClientPool::Awaitable<ClientPool::Step> ClientPool::tunnel(ExchangePtr exchange, LinePtr line) {
  const std::string text = connect_text(exchange->request);
  const std::tuple<Code, size_t> wrote = co_await asio::async_write(line->plain, asio::buffer(text), awaited);
  if (std::get<0>(wrote)) co_return exchange->error(Kind::not_sent, "proxy: " + std::get<0>(wrote).message());
  beast::http::response_parser<beast::http::empty_body> parser;
  parser.skip(true);
  const std::tuple<Code, size_t> got = co_await beast::http::async_read_header(line->plain, line->buffer, parser, awaited);
  if (std::get<0>(got)) co_return exchange->error(Kind::not_sent, "proxy: " + std::get<0>(got).message());
  const unsigned status = parser.get().result_int();
  if (status / 100 != 2) co_return exchange->error(Kind::not_sent, "the proxy answered " + std::to_string(status));
  if (line->buffer.size() > 0) co_return exchange->error(Kind::not_sent, "the proxy sent bytes before the tunnel");
  co_return BOOST_OUTCOME_V2_NAMESPACE::success();
}

ClientPool::Awaitable<ClientPool::Step> ClientPool::secure(ExchangePtr exchange, LinePtr line) {
  const std::string& host = exchange->request.url.host;
  line->tls.emplace(std::move(line->plain), *tls_);
  Code error;
  line->tls->set_verify_callback(asio::ssl::host_name_verification(host), error);
  if (!error && !is_address(host) && !SSL_set_tlsext_host_name(line->tls->native_handle(), host.c_str())) error = asio::error::invalid_argument;
  if (error) co_return exchange->error(Kind::not_sent, "TLS: " + error.message());
  const std::tuple<Code> shaken = co_await line->tls->async_handshake(asio::ssl::stream_base::client, awaited);
  if (exchange->expired) co_return exchange->error(Kind::not_sent, "TLS took too long");
  if (std::get<0>(shaken)) co_return exchange->error(Kind::not_sent, "TLS: " + std::get<0>(shaken).message());
  co_return BOOST_OUTCOME_V2_NAMESPACE::success();
}

}  // namespace kaimen::http

// A client's connections on one loop, and the exchanges over them. All on the loop's thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "http/client.h"
#include "http/loop_thread.h"
#include "http/networks.h"

namespace kaimen::http {

class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  using Done = std::function<void(ClientResult)>;

  ClientPool(LoopThread& loop, const ClientOptions& options, std::shared_ptr<asio::ssl::context> tls);
  /// Begins one exchange; `done` is called once.
  void start(ClientRequest request, Done done);

 private:
  template <class T>
  using Awaitable = asio::awaitable<T, Executor>;
  using TlsStream = asio::ssl::stream<Socket>;
  using TimePoint = std::chrono::steady_clock::time_point;
  using Step = BOOST_OUTCOME_V2_NAMESPACE::basic_result<void, ClientError, BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

  /// One connection: plain, or TLS over it.
  struct Line {
    explicit Line(asio::io_context& context) : plain(context) {}
    Socket& socket() { return tls ? tls->next_layer() : plain; }
    void close();
    bool is_quiet();  ///< open, and nothing to read: a kept connection that may still be used
    Socket plain;
    std::optional<TlsStream> tls;
    boost::beast::flat_buffer buffer;
    TimePoint kept_since{};
  };
  using LinePtr = std::shared_ptr<Line>;

  struct Host {
    std::deque<LinePtr> kept;  // the longest kept first
    size_t under_way = 0;
  };

  /// One exchange under way. `interrupt` ends what it waits for when its timer fires.
  struct Exchange {
    Exchange(asio::io_context& context, ClientRequest its_request) : request(std::move(its_request)), timer(context) {}
    ClientError error(ClientError::Kind kind, std::string_view what) const;
    ClientRequest request;
    Timer timer;
    std::function<void()> interrupt;
    bool expired = false;
    TimePoint started = std::chrono::steady_clock::now();
  };
  using ExchangePtr = std::shared_ptr<Exchange>;

  Awaitable<void> drive(ExchangePtr exchange, std::string key, Done done);
  Awaitable<ClientResult> run(ExchangePtr exchange, std::string key);
  Awaitable<Step> connect(ExchangePtr exchange, LinePtr line);
  Awaitable<Step> connect_to(ExchangePtr exchange, LinePtr line, std::vector<asio::generic::stream_protocol::endpoint> endpoints);
  Awaitable<Step> resolve(ExchangePtr exchange, std::string host, uint16_t port, std::vector<asio::generic::stream_protocol::endpoint>& out);
  Awaitable<Step> tunnel(ExchangePtr exchange, LinePtr line);
  Awaitable<Step> secure(ExchangePtr exchange, LinePtr line);
  template <class Stream>
  Awaitable<ClientResult> receive(ExchangePtr exchange, LinePtr line, Stream& stream, bool& reusable);

  bool is_open(const asio::generic::stream_protocol::endpoint& endpoint) const;
  void arm(const ExchangePtr& exchange, TimePoint when);
  LinePtr take_kept(const std::string& key);
  void keep(const std::string& key, LinePtr line);
  void drop_aged();

  LoopThread& loop_;
  const ClientOptions options_;
  Networks allowed_;
  const std::shared_ptr<asio::ssl::context> tls_;
  std::unordered_map<std::string, Host> hosts_;
};

}  // namespace kaimen::http

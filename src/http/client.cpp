#include "http/client.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/url/parse.hpp>
#include <mutex>

#include "base/log.h"
#include "http/client_pool.h"
#include "http/message.h"

namespace kaimen::http {

namespace {

std::shared_ptr<asio::ssl::context> verifying_context() {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  boost::system::error_code error;
  context->set_verify_mode(asio::ssl::verify_peer, error);
  // Without roots every handshake fails, which is the safe side.
  if (context->set_default_verify_paths(error); error) log::error("tls_roots", error.message());
  return context;
}

// Where a redirect leads, if that is the same scheme, host and port; the whole target, prefix included.
std::optional<std::string> redirected_target(const BaseUrl& from, std::string location) {
  location = location.substr(0, location.find('#'));
  if (location.starts_with('/') && !location.starts_with("//")) return location;
  const auto to = boost::urls::parse_uri(location);
  if (!to || to->has_userinfo()) return std::nullopt;
  const uint16_t port = to->has_port() ? to->port_number() : to->scheme() == "https" ? 443 : 80;
  const std::string_view scheme = from.tls ? "https" : "http";
  if (std::string_view(to->scheme().data(), to->scheme().size()) != scheme || to->host_address() != from.host || port != from.port) return std::nullopt;
  std::string target(to->encoded_target());
  if (!target.starts_with('/')) target.insert(0, "/");
  return target;
}

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }

}  // namespace

const std::string* ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (name_is(key, name)) return &value;
  }
  return nullptr;
}

struct Client::Impl {
  explicit Impl(ClientOptions given) : options(given) {}

  // The loop of this thread if it can carry connections, else our own.
  LoopThread& loop() {
    if (auto* current = dynamic_cast<LoopThread*>(&Loop::current())) return *current;
    std::lock_guard lock(mutex);
    if (!own_loop) {
      own_loop = std::make_unique<LoopThread>();
      own_loop->start();
    }
    return *own_loop;
  }

  void start(LoopThread& loop, const ClientRequest& request, ClientPool::Done done) {
    if (Loop::current_or_null() == &loop) return pool(loop).start(request, std::move(done));
    loop.post([this, &loop, request, done = std::move(done)] { pool(loop).start(request, done); });
  }

  // On the loop's thread. The pool belongs to the loop and ends with it, however client and server are taken down.
  ClientPool& pool(LoopThread& loop) {
    auto& slot = loop.attachment(id);
    if (!slot) slot = std::make_shared<ClientPool>(loop, options, tls);
    return *std::static_pointer_cast<ClientPool>(slot);
  }

  static uint64_t next_id() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }

  const ClientOptions options;
  const uint64_t id = next_id();
  const std::shared_ptr<asio::ssl::context> tls = verifying_context();
  std::mutex mutex;
  std::unique_ptr<LoopThread> own_loop;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(options)) {}
Client::~Client() = default;

Task<ClientResult> Client::send(ClientRequest request) {
  LoopThread& loop = impl_->loop();
  for (int redirects = 0;; ++redirects) {
    std::function<void(ClientPool::Done)> start = [this, &loop, &request](ClientPool::Done done) { impl_->start(loop, request, std::move(done)); };
    Wait<ClientResult> exchange(std::move(start));
    ClientResult result = co_await exchange;
    if (!result || !is_redirect(result.value().status) || redirects >= request.max_redirects || request.method != "GET") co_return result;
    const std::string* location = result.value().header("Location");
    auto target = location ? redirected_target(request.url, *location) : std::nullopt;
    if (!target) co_return result;
    request.url.prefix.clear();
    request.target = std::move(*target);
  }
}

}  // namespace kaimen::http

#include "http/client.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
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
std::optional<std::string> redirected_target(const BaseUrl& from, std::string_view location) {
  location = location.substr(0, location.find('#'));
  if (location.starts_with('/') && !location.starts_with("//")) return std::string(location);
  const size_t scheme_end = location.find("://");
  if (scheme_end == location.npos) return std::nullopt;
  const size_t target = std::min(location.find_first_of("/?", scheme_end + 3), location.size());
  const auto to = BaseUrl::parse(location.substr(0, target));
  if (!to || to->tls != from.tls || to->host != from.host || to->port != from.port || !from.unix_socket.empty()) return std::nullopt;
  const std::string text(location.substr(target));
  return text.starts_with('/') ? text : "/" + text;
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

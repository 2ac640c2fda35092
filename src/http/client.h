// HTTP/1.1 client: kept connections per loop and host, TLS verified against the system's roots (SSL_CERT_FILE is honoured) with at
// least TLS 1.2 and no way to turn that off, one deadline for a whole exchange, a limit on the answer's size. It never retries a request
// of which a byte may have been sent, and follows no redirect unless asked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace kaimen::http {

/// "https://host[:port][/prefix]" or http:// likewise, or "http+unix:///path/to.sock" (the host is then "localhost").
struct BaseUrl {
  bool tls = false;
  std::string host;         ///< Without brackets.
  uint16_t port = 0;
  std::string prefix;       ///< Path in front of every target; no trailing '/'.
  std::string unix_socket;  ///< Set instead of host and port.
  bool is_loopback() const;  ///< host is "localhost", in 127.0.0.0/8 or ::1, or a unix socket.

  static std::optional<BaseUrl> parse(std::string_view url);
};

struct ClientRequest {
  BaseUrl url;
  std::string method = "GET";
  std::string target = "/";  ///< Appended to url.prefix; already encoded.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Deadline deadline{};
  Millis connect_timeout{1000};
  size_t max_body_bytes = 1024 * 1024;
  int max_redirects = 0;      ///< Same scheme and host only, GET only.
  std::string proxy;          ///< "http://host:port": CONNECT for https. Empty: none.
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Millis elapsed{0};
  const std::string* header(std::string_view name) const;  ///< First of that name, any case.
};

/// Why there is no answer.
struct ClientError {
  enum class Kind : uint8_t {
    not_sent,      ///< Name not found, refused, TLS refused, connect timed out: no byte of the request left.
    too_many,      ///< ClientOptions::exchanges_per_host are under way: no byte left.
    timed_out,     ///< The deadline passed after bytes may have been sent.
    cut,           ///< The connection ended before the answer was complete.
    malformed,     ///< Not HTTP.
    too_large,     ///< Headers or body over the limit.
    not_allowed,   ///< Every address of the host is shut (ClientOptions::only_public): no byte left.
  };
  Kind kind;
  std::string detail;  ///< For the log: host and cause; never the target (it holds secrets).
  Millis elapsed{0};
};

using ClientResult = BOOST_OUTCOME_V2_NAMESPACE::basic_result<ClientResponse, ClientError, BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

struct ClientOptions {
  size_t idle_per_host = 64;       ///< Kept open per loop and host.
  size_t exchanges_per_host = 512;  ///< Under way per loop and host; more are too_many at once.
  Millis idle_time{50'000};
  bool only_public = false;                ///< Connect to public addresses only, and to those of `allow_private` (http/reach.h).
  std::vector<std::string> allow_private;  ///< Addresses or CIDR blocks.
};

/// Runs on the event loop that calls it (see http::Server): each loop has its own connections. On a LocalLoop (tests, command-line verbs)
/// it runs a private event loop thread instead.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// One exchange. A kept connection that the peer closed before a byte of this request was answered is replaced by a new one only if no
  /// byte of the request was written.
  Task<ClientResult> send(ClientRequest request);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kaimen::http

// HTTP/1.1 server: one event loop a thread, each with its own acceptors (SO_REUSEPORT). It knows nothing of logins.
//
// Framing is strict before it is parsed (RFC 9112): conflicting or repeated lengths, obs-fold, bare CR or LF, NUL, blanks before a
// colon and the like are answered with 400 and the connection is closed, so that no proxy in front can disagree about where a request
// ends. Limits and deadlines are those of base/limits.h unless given. A handler answers at once, or as a Task.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "http/message.h"

namespace kaimen::http {

struct TlsFiles {
  std::string certificate_file;  ///< PEM, full chain.
  std::string key_file;          ///< PEM.
};

struct Listener {
  std::string name;          ///< For logs: "public", "private", …
  std::string address;       ///< "127.0.0.1:8081", "[::1]:0"; port 0: any free one. Empty when unix_socket is set.
  std::string unix_socket;   ///< Path; a stale socket file is replaced, a live one is an error.
  unsigned unix_mode = 0660;
  std::optional<TlsFiles> tls;  ///< Read again when a file changes (checked every few seconds); a bad new file keeps the old one.
};

struct ServerLimits {
  size_t request_line_bytes, header_bytes, header_count, body_bytes, connections_per_loop;
  Millis header_time, body_time, idle_time, write_time, drain_time;
  static ServerLimits defaults();  ///< Those of base/limits.h.
};

struct ServerOptions {
  std::vector<Listener> listeners;
  int threads = 1;
  ServerLimits limits = ServerLimits::defaults();
  std::vector<std::string> trusted_proxies;  ///< Addresses or CIDR blocks whose X-Forwarded-For/-Proto and X-Request-Id are believed. "unix": unix-socket peers.
};

/// What the application does with requests. Called on loop threads, concurrently.
class Handler {
 public:
  virtual ~Handler() = default;

  /// The largest body this request may have, decided when a head that announces one is complete (the avatar route takes more than the
  /// others). The request has no body yet. nullopt: nobody reads it, so it is not waited for. The request then comes with what has arrived of
  /// it whole, or without; in the latter case the connection ends with the answer, and nothing behind the head is ever taken for a request.
  virtual std::optional<size_t> body_limit(const Request& head, size_t default_limit) const = 0;

  /// Answers at once, without waiting for anything: appends one complete HTTP/1.1 response to `out` and returns true; or returns false
  /// and has handle() called. `keep_alive` says whether the answer must carry "Connection: close". This is the check path.
  virtual bool answer_now(const Request& request, bool keep_alive, std::string& out) = 0;

  /// Answers in its own time. The request stays valid until the returned task is done. An exception that leaves it is answered with 500.
  virtual Task<Response> handle(const Request& request) = 0;

  /// The answer to a request that could not be read: 400, 408, 413, 431, 414, 501, 505, 503 (too many connections). `request_id` is what
  /// the answer's X-Request-Id will say.
  virtual Response refuse(int status, std::string_view why, std::string_view request_id) = 0;
};

/// Appends a complete response with Content-Length, Date, X-Request-Id and, unless keep_alive, "Connection: close". A body is left out for
/// HEAD, 204 and 304.
void write_response(std::string& out, const Response& response, const Request& request, bool keep_alive);

class Server {
 public:
  /// Neither listens nor starts threads yet. `handler` and `random` must outlive the server.
  Server(ServerOptions options, Handler& handler, Random& random);
  ~Server();  ///< Stops at once if drain() was not called.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds every listener and starts the loops. Error: unavailable, naming the address and the cause; nothing is left listening then.
  Result<> start();

  /// "127.0.0.1:43127" of the listener with that index, after start(); the path for a unix socket.
  std::string bound_address(size_t listener) const;

  /// Stops accepting, lets requests under way finish (answers carry "Connection: close"), closes idle connections, and returns when all
  /// is closed or drain_time is over; false: then requests were still under way. Removes its unix-socket files. From any thread but a loop's.
  bool drain();

  /// The event loops, for what runs on them besides requests (the client's pools, timers). Valid after start().
  size_t loop_count() const;
  Loop& loop(size_t index);

  struct Counters {
    uint64_t connections_open, connections_accepted, requests, refused;
  };
  Counters counters() const;  ///< Summed over loops; approximate while they run.

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kaimen::http

// The HTTP contract (docs/api.md) over the rules: one route table, wire types, the error table. Requests come in through http::Handler;
// which listener they came from decides which routes exist for them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "check/state_writer.h"
#include "core/services.h"
#include "http/server.h"

namespace kaimen::api {

/// What a listener of the server serves, by its index in http::ServerOptions::listeners.
enum class Surface : uint8_t {
  public_,   ///< Client API.
  private_,  ///< Checks, admin API, metrics. On loopback and unix sockets checks need no key.
  admin,     ///< The admin socket in the data directory: a peer with our uid is an admin without a key.
};

struct ApiOptions {
  std::vector<Surface> surfaces;            ///< Parallel to the server's listeners.
  std::vector<std::string> ticket_headers;  ///< session.ticket_headers: further header names that may carry a ticket.
  std::vector<std::string> plaintext_from;  ///< private.plaintext_from: addresses or CIDR blocks whose checks may come without TLS (a key is still needed).
  std::string public_url;                   ///< public.url; empty: unknown.
  std::function<std::string()> own_url;     ///< Where there is no public.url: the address of the public listener, in dev mode. May be empty.
  std::string root_files;                   ///< public.root_files: a directory whose .txt files the public listener serves at its root; empty: none.
  std::string version;
  bool dev = false;                         ///< X-Kaimen-Ignored lists request fields nobody read.
  bool log_requests = true;
  std::function<http::Server::Counters()> server_counters;  ///< For /metrics; may be empty.
  std::function<check::StateFill()> check_file;             ///< For /metrics; empty: this node keeps no state file.

  /// The address that clients use, without a slash at its end: who JWTs are from. Empty: nobody has said.
  std::string issuer() const {
    std::string url = public_url.empty() && own_url ? own_url() : public_url;
    while (url.ends_with('/')) url.pop_back();
    return url;
  }
};

class Api final : public http::Handler {
 public:
  Api(core::Services& services, ApiOptions options);
  ~Api() override;

  std::optional<size_t> body_limit(const http::Request& head, size_t default_limit) const override;
  bool answer_now(const http::Request& request, bool keep_alive, std::string& out) override;
  Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, std::string_view why, std::string_view request_id) override;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// The OpenAPI 3.1 document served at /openapi.json, made from the route table.
std::string openapi_document(const std::string& version);

}  // namespace kaimen::api

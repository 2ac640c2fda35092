// A phone in the browser, for development: pages under /playground on dev mode's private listener that run the real client SDK against the
// sandbox, and show beside it what happens. Only `kaimen serve --dev` with its sandbox wires it.
//
// It answers nobody but a browser on this machine: the peer is loopback, the Host is loopback by name or number (a foreign name that was
// pointed here has its own), and whatever does more than fetch a page comes from one of these pages (Origin). For all others the paths do
// not exist.
#pragma once

#include <functional>
#include <string>

#include "core/services.h"
#include "http/client.h"
#include "http/server.h"

namespace kaimen::playground {

struct PlaygroundOptions {
  int listener = 0;                       ///< Index of the private listener in the server's list.
  std::string app_id;                     ///< Whose mini program the phone runs.
  std::string sandbox_url;
  std::function<std::string()> public_url;  ///< Asked when the server runs.
};

/// In front of the API: answers its own paths, hands everything else on.
class Playground final : public http::Handler {
 public:
  /// `api` and `services` must outlive it.
  Playground(http::Handler& api, core::Services& services, PlaygroundOptions options);

  std::optional<size_t> body_limit(const http::Request& head, size_t default_limit) const override { return api_.body_limit(head, default_limit); }
  bool answer_now(const http::Request& request, bool keep_alive, std::string& out) override;
  Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, std::string_view why, std::string_view request_id) override { return api_.refuse(status, why, request_id); }

 private:
  bool is_mine(const http::Request& request) const;
  /// What the phone sends, over a real connection to the public listener or to the sandbox: {to, method, path, headers?, body?} →
  /// {status, headers, body, elapsed_ms} or {failure}.
  Task<http::Response> wire(const http::Request& request);
  /// What is held of the holder of a ticket: {ticket} → {ticket, user, identities, sessions, session_keys}.
  Task<http::Response> look(const http::Request& request);
  /// {max_per_user}: sets the app's limit of sessions per user; null takes the default again. → {max_per_user, was}: what was set before.
  Task<http::Response> limit(const http::Request& request);

  http::Handler& api_;
  core::Services& services_;
  const PlaygroundOptions options_;
  http::Client client_;
};

}  // namespace kaimen::playground

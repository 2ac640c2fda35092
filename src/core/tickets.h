// Makes the two tokens a client holds: the ticket, which is checked, and the renew token, which is not accepted by any check.
//
// Renew token: "kmr1." base64url( key id 4 | nonce 12 | AES-256-GCM( session id 16 | app number 4 | generation 4 ) | tag 16 ), additional
// data = "kmr1." | key id; integers big-endian. Held by clients for months; do not change under this prefix.
// Prefetch token: the same under "kmp1.", without a generation. Held by WeChat, which brings it when it fetches data ahead for the client.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/ticket_keys.h"

namespace kaimen::core {

struct Issued {
  std::string token;
  Seconds expires_in{0};
  std::string renew_token;
};

struct OpenedRenewToken {
  Id session;
  uint32_t app = 0;
  uint32_t generation = 0;
};

class Tickets {
 public:
  Tickets(const TicketKeys& keys, Random& random) : keys_(keys), random_(random) {}

  /// Seals a ticket and a renew token for the session at its present generation. Errors: unavailable (no randomness, no key yet).
  Result<Issued> issue(const App& app, const Session& session, const User& user, Time now);
  /// nullopt: not a renew token of ours.
  std::optional<OpenedRenewToken> open_renew(std::string_view text) const;
  /// A token for GET /v1/prefetch, which names the session and is good for nothing else. Errors: as of issue().
  Result<std::string> prefetch_token(const Id& session, uint32_t app);
  struct Prefetch {
    Id session;
    uint32_t app = 0;
  };
  std::optional<Prefetch> open_prefetch(std::string_view text) const;

 private:
  Result<std::string> seal(std::string_view prefix, std::string_view body);
  /// The body of a token with this prefix; nullopt: it is not one of ours.
  std::optional<std::string> open(std::string_view prefix, std::string_view text) const;

  const TicketKeys& keys_;
  Random& random_;
};

}  // namespace kaimen::core

// The check: is this ticket good, and whose is it? One AEAD open and one look-up in memory. It fails closed: whatever is unknown is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "check/judge.h"
#include "check/revocations.h"
#include "check/ticket.h"

namespace kaimen::check {

struct RingKey {
  Key key;
  bool retired = false;              ///< Leaked or withdrawn: its tickets answer `renew`.
  std::vector<uint32_t> apps{};      ///< Scope: app numbers, sorted; empty: all apps.
  uint64_t seals_from_ms = 0;        ///< Checks do not look at it.
};

/// The ticket keys a node knows. Immutable once published.
class KeyRing {
 public:
  KeyRing() = default;
  explicit KeyRing(std::vector<RingKey> keys) : keys_(std::move(keys)) {}
  const RingKey* find(uint32_t key_id) const noexcept;
  const std::vector<RingKey>& keys() const { return keys_; }

 private:
  std::vector<RingKey> keys_;
};

/// What a check needs to know of an app.
struct AppState {
  std::string app_id;               ///< The platform's appid.
  std::string project;              ///< The project's name.
  bool disabled = false;
  uint64_t revoked_before_ms = 0;   ///< Tickets issued up to 10 s after this are refused (`revoked`); 0: none.
  uint32_t life_cap_s = 86400;      ///< Tickets with a longer life are refused (`malformed`).
  bool wafer = false;               ///< X-WX-Skey may carry its tickets. Checks do not look at it.
};

/// Apps by number; immutable once published.
using AppStates = std::unordered_map<uint32_t, AppState>;

struct Verdict {
  Reason reason = Reason::malformed;  ///< none: the ticket is good and claims are set.
  const AppState* app = nullptr;      ///< Set where the ticket could be opened and its app is known.
};

/// malformed where the text has not a ticket's form, its key is unknown or did not seal it; else what judge() says (judge.h).
/// `now_ms` is the node's time. Where the ticket could be opened, out.claims is set whatever the verdict: logout takes an expired one.
Verdict check_ticket(std::string_view text, const KeyRing& keys, const AppStates& apps, const Revocations& revocations, uint64_t now_ms, Opened& out);

}  // namespace kaimen::check

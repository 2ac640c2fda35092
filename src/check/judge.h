// What a check concludes from what a ticket says and what is known of its key, its app and its session. Pure, and the only place where the
// order of reasons stands: the node (check.h) and other processes (state_reader.h) come here with their findings.
#pragma once

#include "check/ticket.h"

namespace kaimen::check {

/// Tickets issued up to this much after an app's revoked_before are refused with the older ones: a node's clock may be ahead of the database's
/// when it seals. Whoever seals a ticket for a session made since then dates it behind that line (core/tickets).
inline constexpr uint64_t kRevokedBeforeMarginMs = 10'000;

struct Findings {
  bool in_scope = false;             ///< The ticket's app is one that its key is for.
  bool key_retired = false;
  bool app_known = false;            ///< What follows of the app says nothing otherwise.
  bool app_disabled = false;
  uint64_t revoked_before_ms = 0;    ///< 0: none.
  uint32_t life_cap_s = 0;
  Reason revocation = Reason::none;  ///< Of the ticket's session and generation.
};

/// In this order: malformed (scope, issued more than 60 s ahead, life above the cap), what ended it (revocation other than renew, app gone →
/// deleted, app disabled, app revoked), expired (now ≥ issued + life), renew (generation replaced, key retired).
Reason judge(const Claims& claims, const Findings& found, uint64_t now_ms) noexcept;

}  // namespace kaimen::check

// The order of the reasons is the contract (a client reacts to the reason, and support reads it): what is not a good ticket, then what ended
// it, then its age. Times come out of tickets and rows, so differences are taken only where they cannot wrap.
#include "check/judge.h"

namespace kaimen::check {

namespace {

constexpr uint64_t kSkewMs = 60'000;

bool later_by_more_than(uint64_t time, uint64_t than, uint64_t margin) { return time > than && time - than > margin; }

}  // namespace

Reason judge(const Claims& claims, const Findings& found, uint64_t now_ms) noexcept {
  if (!found.in_scope) return Reason::malformed;
  if (later_by_more_than(claims.issued_ms, now_ms, kSkewMs)) return Reason::malformed;
  if (claims.life_s == 0 || (found.app_known && claims.life_s > found.life_cap_s)) return Reason::malformed;

  if (found.revocation != Reason::none && found.revocation != Reason::renew) return found.revocation;
  if (!found.app_known) return Reason::deleted;
  if (found.app_disabled) return Reason::disabled;
  if (found.revoked_before_ms != 0 && !later_by_more_than(claims.issued_ms, found.revoked_before_ms, kRevokedBeforeMarginMs)) return Reason::revoked;

  if (now_ms >= claims.expires_ms()) return Reason::expired;
  return found.revocation == Reason::renew || found.key_retired ? Reason::renew : Reason::none;
}

}  // namespace kaimen::check

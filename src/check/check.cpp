// The order of the reasons is the contract (a client reacts to the reason, and support reads it): what is not a good ticket, then what ended
// it, then its age. Times come out of tickets and rows, so differences are taken only where they cannot wrap.
#include "check/check.h"

#include <algorithm>

namespace kaimen::check {

namespace {

constexpr uint64_t kSkewMs = 60'000;

bool in_scope(const RingKey& key, uint32_t app) { return key.apps.empty() || std::binary_search(key.apps.begin(), key.apps.end(), app); }

bool later_by_more_than(uint64_t time, uint64_t than, uint64_t margin) { return time > than && time - than > margin; }

Reason judge(const Claims& claims, const RingKey& key, const AppState* app, const Revocations& revocations, uint64_t now_ms) {
  if (!in_scope(key, claims.app)) return Reason::malformed;
  if (later_by_more_than(claims.issued_ms, now_ms, kSkewMs)) return Reason::malformed;
  if (claims.life_s == 0 || (app && claims.life_s > app->life_cap_s)) return Reason::malformed;

  const Reason revocation = revocations.find(claims.session, claims.generation);
  if (revocation != Reason::none && revocation != Reason::renew) return revocation;
  if (!app) return Reason::deleted;
  if (app->disabled) return Reason::disabled;
  if (app->revoked_before_ms != 0 && !later_by_more_than(claims.issued_ms, app->revoked_before_ms, kRevokedBeforeMarginMs)) {
    return Reason::revoked;
  }

  if (now_ms >= claims.expires_ms()) return Reason::expired;
  return revocation == Reason::renew || key.retired ? Reason::renew : Reason::none;
}

}  // namespace

const RingKey* KeyRing::find(uint32_t key_id) const noexcept {
  // A handful: one key a day, dropped hours after its last ticket.
  for (const RingKey& key : keys_) {
    if (key.key.id == key_id) return &key;
  }
  return nullptr;
}

Verdict check_ticket(std::string_view text, const KeyRing& keys, const AppStates& apps, const Revocations& revocations, uint64_t now_ms,
                     Opened& out) {
  uint32_t key_id = 0;
  const RingKey* const key = ticket_key_id(text, key_id) ? keys.find(key_id) : nullptr;
  if (!key) {
    out.claims = Claims{};  // whoever forgets to look at the verdict finds nobody here
    return {};
  }
  if (!open_ticket(key->key, text, out)) return {};

  const auto found = apps.find(out.claims.app);
  const AppState* const app = found == apps.end() ? nullptr : &found->second;
  return {judge(out.claims, *key, app, revocations, now_ms), app};
}

}  // namespace kaimen::check

#include "check/check.h"

#include <algorithm>

#include "check/judge.h"

namespace kaimen::check {

namespace {

Findings findings(const Claims& claims, const RingKey& key, const AppState* app, const Revocations& revocations) {
  Findings found;
  found.in_scope = key.apps.empty() || std::binary_search(key.apps.begin(), key.apps.end(), claims.app);
  found.key_retired = key.retired;
  found.revocation = revocations.find(claims.session, claims.generation);
  if (app) {
    found.app_known = true;
    found.app_disabled = app->disabled;
    found.revoked_before_ms = app->revoked_before_ms;
    found.life_cap_s = app->life_cap_s;
  }
  return found;
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
  return {judge(out.claims, findings(out.claims, *key, app, revocations), now_ms), app};
}

}  // namespace kaimen::check

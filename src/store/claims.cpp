#include "store/claims.h"

#include <chrono>

namespace kaimen::store {

namespace {
constexpr auto kClaimLife = std::chrono::minutes(10);
}

const Claims::Claim* Claims::find(uint32_t app, const std::string& code_hash) {
  const Time now = clock_.now();
  expire(open_, now);
  expire(settled_, now);
  const auto found = claims_.find(key_of(app, code_hash));
  return found == claims_.end() ? nullptr : &found->second.claim;
}

Result<> Claims::add(uint32_t app, const std::string& code_hash, const Id& owner) {
  if (claims_.size() >= kClaims) {
    // A flood of wrong codes leaves settled claims behind; they may go early. Open ones may not: somebody could take them over.
    if (settled_.empty()) return make_error(ErrorCode::unavailable, "too many logins at a time");
    erase(std::string(settled_.front()));
  }
  const std::string key = key_of(app, code_hash);
  undo_.push_back({key, std::nullopt});
  put(key, Claim{owner, clock_.now(), std::nullopt});
  return ok();
}

bool Claims::holds(uint32_t app, const std::string& code_hash, const Id& owner) {
  const Claim* claim = find(app, code_hash);
  return claim && claim->owner == owner && !claim->settled;
}

void Claims::settle(uint32_t app, const std::string& code_hash, const Id& owner, std::optional<ErrorCode> error) {
  if (!holds(app, code_hash, owner)) return;
  const std::string key = key_of(app, code_hash);
  Claim claim = claims_.at(key).claim;
  undo_.push_back({key, claim});
  erase(key);
  if (!error) return;
  claim.settled = error;
  put(key, claim);
}

void Claims::roll_back() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) {
    erase(undo->key);
    if (undo->before) put(undo->key, *undo->before);
  }
  undo_.clear();
}

void Claims::put(const std::string& key, const Claim& claim) {
  Ages& ages = claim.settled ? settled_ : open_;
  claims_.insert_or_assign(key, Held{claim, ages.insert(ages.end(), key)});
}

void Claims::erase(const std::string& key) {
  const auto found = claims_.find(key);
  if (found == claims_.end()) return;
  (found->second.claim.settled ? settled_ : open_).erase(found->second.place);
  claims_.erase(found);
}

void Claims::expire(Ages& ages, Time now) {
  while (!ages.empty()) {
    const std::string key = ages.front();
    if (now - claims_.at(key).claim.since < kClaimLife) break;
    erase(key);
  }
}

}  // namespace kaimen::store

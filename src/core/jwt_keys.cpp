#include "core/jwt_keys.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/ticket_keys.h"

namespace kaimen::core {

namespace {

using namespace std::chrono_literals;
constexpr auto kEvery = 30 * 24h;      // a new key
constexpr auto kBeforehand = 48h;      // shown for this long before it signs

bool is_signing_key(const TicketKeyRow& row) { return row.kind == KeyKind::jwt && !row.retired; }

}  // namespace

Task<Result<>> JwtKeys::maintain(bool drop_done) {
  const Time now = live_.clock.now();
  auto listed = co_await store_.list_ticket_keys();
  CO_TRY(auto rows, std::move(listed));

  std::vector<Time> starts;
  for (const auto& row : rows) {
    if (is_signing_key(row)) starts.push_back(row.seals_from);
  }
  std::sort(starts.begin(), starts.end());
  if (starts.empty() || starts.front() > now) {  // nothing signs now: the first start, or all were retired
    auto made = co_await make(now, now);
    CO_TRY(std::move(made));
    starts.insert(starts.begin(), now);
  }
  // A start further ahead than a key is ever made was chosen while the clock was wrong.
  const Time latest = *std::prev(std::upper_bound(starts.begin(), starts.end(), now + kEvery));
  if (latest + kEvery - kBeforehand <= now) {
    auto made = co_await make(now, std::max<Time>(now + kBeforehand, latest + kEvery));
    CO_TRY(std::move(made));
  }

  std::vector<uint32_t> done;
  for (const auto& row : rows) {
    if (!drop_done || row.kind != KeyKind::jwt) continue;
    const auto next = std::upper_bound(starts.begin(), starts.end(), row.seals_from);
    if (next != starts.end() && *next + kJwtLife + limits::kAfterTicketEnd < now) done.push_back(row.id);
  }
  if (!done.empty()) {
    auto dropped = co_await store_.drop_ticket_keys(std::move(done));
    CO_TRY(std::move(dropped));
  }
  auto loaded = co_await load();
  co_return loaded;
}

Task<Result<>> JwtKeys::make(Time now, Time signs_from) {
  CO_TRY(const auto key, crypto::SigningKey::generate());
  CO_TRY(auto id_bytes, random_.bytes<4>());
  TicketKeyRow row;
  std::memcpy(&row.id, id_bytes.data(), sizeof row.id);
  row.kind = KeyKind::jwt;
  row.created_at = now;
  row.seals_from = signs_from;
  CO_TRY(row.key_sealed, vault_.seal("ticket_key", key_row(row.id), key));
  auto added = co_await store_.add_ticket_key(std::move(row));
  co_return added;
}

Task<Result<>> JwtKeys::load() {
  const auto reading = order_.begin();
  auto listed = co_await store_.list_ticket_keys();
  CO_TRY(auto rows, std::move(listed));
  std::vector<JwtKeyPtr> keys;
  for (const auto& row : rows) {
    if (!is_signing_key(row)) continue;
    CO_TRY(const auto der, vault_.open("ticket_key", key_row(row.id), row.key_sealed));
    CO_TRY(auto key, crypto::SigningKey::open(der));
    keys.push_back(std::make_shared<const JwtKey>(JwtKey{to_hex(key_row(row.id)), std::move(key), row.seals_from}));
  }
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a->signs_from < b->signs_from; });
  order_.publish(reading, [&] {
    std::lock_guard lock(mutex_);
    keys_ = std::move(keys);
  });
  co_return ok();
}

Result<JwtKeyPtr> JwtKeys::signing_key(Time now) const {
  std::lock_guard lock(mutex_);
  if (keys_.empty()) return make_error(ErrorCode::unavailable, "no key for JWTs yet");
  // The newest that has begun; a clock set back to before all of them leaves the oldest.
  JwtKeyPtr best = keys_.front();
  for (const auto& candidate : keys_) {
    if (candidate->signs_from <= now) best = candidate;
  }
  return best;
}

std::vector<JwtKeyPtr> JwtKeys::shown() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

}  // namespace kaimen::core

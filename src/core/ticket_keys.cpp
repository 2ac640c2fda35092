#include "core/ticket_keys.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"

namespace kaimen::core {

namespace {

using namespace std::chrono_literals;
constexpr auto kEvery = 24h;       // a new ticket key
constexpr auto kBeforehand = 1h;   // known to all nodes for this long before it seals
constexpr auto kMaxTicketLife = 24h;
constexpr auto kHeardOf = 1s;      // by all nodes that follow, and then some

}  // namespace

std::string key_row(uint32_t id) {
  const char bytes[4] = {static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8), static_cast<char>(id)};
  return {bytes, sizeof bytes};
}

TicketKeys::TicketKeys(Store& store, const crypto::Vault& vault, Random& random, Live& live)
    : store_(store), vault_(vault), random_(random), live_(live) {}

Task<Result<>> TicketKeys::maintain(bool drop_done) {
  const Time now = live_.clock.now();
  auto listed = co_await store_.list_ticket_keys();
  CO_TRY(auto rows, std::move(listed));

  std::vector<Time> starts;  // of the ticket keys that may still seal for all apps, sorted
  bool has_renew = false;
  for (const auto& row : rows) {
    if (row.kind == KeyKind::renew) has_renew = true;
    else if (row.kind == KeyKind::ticket && !row.retired && row.apps.empty()) starts.push_back(row.seals_from);
  }
  std::sort(starts.begin(), starts.end());

  if (starts.empty() || starts.front() > now) {  // nothing seals now: the first start, or all were retired
    auto made = co_await make(KeyKind::ticket, now, now);
    CO_TRY(std::move(made));
    starts.insert(starts.begin(), now);
  }
  // A start further ahead than a key is ever made was chosen while the clock was wrong; waiting for it, no key would be made for years.
  const Time latest = *std::prev(std::upper_bound(starts.begin(), starts.end(), now + kEvery));
  if (latest + kEvery - kBeforehand <= now) {
    auto made = co_await make(KeyKind::ticket, now, std::max<Time>(now + kBeforehand, latest + kEvery));
    CO_TRY(std::move(made));
  }
  if (!has_renew) {
    auto made = co_await make(KeyKind::renew, now, now);
    CO_TRY(std::move(made));
  }

  // A key stopped sealing when the next one (or its retirement's successor) began; tickets under it lived at most a day longer.
  std::vector<uint32_t> done;
  for (const auto& row : rows) {
    if (!drop_done || row.kind != KeyKind::ticket || !row.apps.empty()) continue;
    const auto next = std::upper_bound(starts.begin(), starts.end(), row.seals_from);
    if (next != starts.end() && *next + kMaxTicketLife + limits::kAfterTicketEnd < now) done.push_back(row.id);
  }
  if (!done.empty()) {
    auto dropped = co_await store_.drop_ticket_keys(std::move(done));
    CO_TRY(std::move(dropped));
  }
  auto published = co_await load();
  co_return published;
}

Task<Result<>> TicketKeys::retire(Source source) {
  auto retired = co_await store_.retire_ticket_keys(live_.clock.now(), std::move(source));
  CO_TRY(std::move(retired));
  auto maintained = co_await maintain();
  co_return maintained;
}

Task<Result<>> TicketKeys::make(KeyKind kind, Time now, Time seals_from) {
  CO_TRY(auto bytes, random_.bytes<32>());
  CO_TRY(auto id_bytes, random_.bytes<4>());
  TicketKeyRow row;
  std::memcpy(&row.id, id_bytes.data(), sizeof row.id);
  row.kind = kind;
  row.created_at = now;
  row.seals_from = seals_from;
  const Secret key(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  CO_TRY(row.key_sealed, vault_.seal("ticket_key", key_row(row.id), key));
  auto added = co_await store_.add_ticket_key(std::move(row));
  co_return added;
}

Task<Result<>> TicketKeys::settle() {
  const Time now = live_.clock.now();
  Millis wait{0};
  {
    std::lock_guard lock(mutex_);
    for (const auto& key : sealing_) {
      if (key.seals_from <= now) wait = std::max<Millis>(wait, key.seals_from + kHeardOf - now);
    }
  }
  if (wait <= Millis{0}) co_return ok();
  co_await sleep_for(wait);
  auto published = co_await load();
  co_return published;
}

Task<Result<>> TicketKeys::load() {
  const auto reading = order_.begin();
  auto listed = co_await store_.list_ticket_keys();
  CO_TRY(auto rows, std::move(listed));
  std::vector<check::RingKey> ring;
  std::vector<SealingKey> sealing;
  std::vector<std::shared_ptr<const RenewKey>> renew;
  for (const auto& row : rows) {
    if (row.kind == KeyKind::jwt) continue;  // core/jwt_keys reads those
    CO_TRY(auto bytes, vault_.open("ticket_key", key_row(row.id), row.key_sealed));
    if (bytes.size() != 32) co_return make_error(ErrorCode::internal, "a ticket key has not 32 bytes");
    if (row.kind == KeyKind::renew) {
      renew.push_back(std::make_shared<const RenewKey>(RenewKey{row.id, std::move(bytes)}));
      continue;
    }
    check::RingKey entry;
    entry.key.id = row.id;
    std::memcpy(entry.key.bytes.data(), bytes.reveal().data(), 32);
    entry.retired = row.retired;
    entry.apps = row.apps;
    std::sort(entry.apps.begin(), entry.apps.end());
    if (!row.retired && row.apps.empty()) sealing.push_back({entry.key, row.seals_from});
    ring.push_back(std::move(entry));
  }
  std::sort(sealing.begin(), sealing.end(), [](const auto& a, const auto& b) { return a.seals_from < b.seals_from; });
  order_.publish(reading, [&] {
    {
      std::lock_guard lock(mutex_);
      sealing_ = std::move(sealing);
      renew_ = std::move(renew);
    }
    live_.keys.set(std::make_shared<check::KeyRing>(std::move(ring)));
  });
  co_return ok();
}

Result<check::Key> TicketKeys::sealing_key(Time now) const {
  std::lock_guard lock(mutex_);
  if (sealing_.empty()) return make_error(ErrorCode::unavailable, "no ticket key yet");
  // The newest that has begun; a clock set back to before all of them leaves the oldest.
  const SealingKey* best = &sealing_.front();
  for (const auto& candidate : sealing_) {
    if (candidate.seals_from <= now) best = &candidate;
  }
  return best->key;
}

Result<RenewKey> TicketKeys::renew_sealing_key() const {
  std::lock_guard lock(mutex_);
  if (renew_.empty()) return make_error(ErrorCode::unavailable, "no renew key yet");
  return *renew_.front();
}

std::shared_ptr<const RenewKey> TicketKeys::renew_key(uint32_t id) const {
  std::lock_guard lock(mutex_);
  for (const auto& key : renew_) {
    if (key->id == id) return key;
  }
  return nullptr;
}

}  // namespace kaimen::core

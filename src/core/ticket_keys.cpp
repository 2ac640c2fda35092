#include "core/ticket_keys.h"

#include <algorithm>
#include <cstring>
#include <set>

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

  const bool has_renew = std::ranges::any_of(rows, [](const auto& row) { return row.kind == KeyKind::renew; });
  std::vector<uint32_t> done;
  for (const auto& scope : scopes_of(rows)) {
    auto keeping = keep_chain(scope, rows, now);
    auto kept = co_await std::move(keeping);
    CO_TRY(const auto starts, std::move(kept));
    if (!drop_done) continue;
    // A key stopped sealing when the next one (or its retirement's successor) began; tickets under it lived at most a day longer.
    for (const auto& row : rows) {
      if (row.kind != KeyKind::ticket || row.apps != scope) continue;
      const auto next = std::upper_bound(starts.begin(), starts.end(), row.seals_from);
      if (next != starts.end() && *next + kMaxTicketLife + limits::kAfterTicketEnd < now) done.push_back(row.id);
    }
  }
  if (!has_renew) {
    auto making = make(KeyKind::renew, {}, now, now);
    auto made = co_await std::move(making);
    CO_TRY(std::move(made));
  }

  if (drop_done) {
    // An app that was removed leaves a chain that nobody goes on with.
    const auto apps = live_.apps.get();
    for (const auto& row : rows) {
      const bool orphan = row.kind == KeyKind::ticket && row.apps.size() == 1 && !apps->find(row.apps[0]);
      if (orphan && row.seals_from + 2 * kEvery + kMaxTicketLife + limits::kAfterTicketEnd < now) done.push_back(row.id);
    }
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

/// All apps' and those of apps with keys of their own, which go on once they have begun, whoever asked for them.
std::vector<std::vector<uint32_t>> TicketKeys::scopes_of(const std::vector<TicketKeyRow>& rows) const {
  std::set<std::vector<uint32_t>> scopes{{}};
  const auto apps = live_.apps.get();
  for (const auto& row : rows) {
    if (row.kind == KeyKind::ticket && row.apps.size() == 1 && apps->find(row.apps[0])) scopes.insert(row.apps);
  }
  std::lock_guard lock(mutex_);
  for (const auto& app_id : own_keys_) {
    if (const auto app = apps->find(app_id)) scopes.insert({app->number});
  }
  return {scopes.begin(), scopes.end()};
}

/// Makes the keys of one scope that are due. When its keys begin, sorted.
Task<Result<std::vector<Time>>> TicketKeys::keep_chain(std::vector<uint32_t> scope, const std::vector<TicketKeyRow>& rows, Time now) {
  std::vector<Time> starts;  // of those that may still seal
  bool first = true;
  for (const auto& row : rows) {
    if (row.kind != KeyKind::ticket || row.apps != scope) continue;
    first = false;
    if (!row.retired) starts.push_back(row.seals_from);
  }
  std::sort(starts.begin(), starts.end());

  // Nothing seals now. For all apps that is the first start, or all were retired. Of an app's own keys the first is made beforehand too: the
  // key of all serves until then.
  const bool none_begun = starts.empty() || starts.front() > now;
  const bool own_to_come = !scope.empty() && (first || (!starts.empty() && starts.front() <= now + kBeforehand));
  if (none_begun && !(own_to_come && !starts.empty())) {
    const Time from = own_to_come ? now + kBeforehand : now;
    auto making = make(KeyKind::ticket, scope, now, from);
    auto made = co_await std::move(making);
    CO_TRY(std::move(made));
    starts.insert(std::upper_bound(starts.begin(), starts.end(), from), from);
  }
  // A start further ahead than a key is ever made was chosen while the clock was wrong; waiting for it, no key would be made for years.
  const Time latest = *std::prev(std::upper_bound(starts.begin(), starts.end(), now + kEvery));
  if (latest + kEvery - kBeforehand <= now) {
    const Time from = std::max<Time>(now + kBeforehand, latest + kEvery);
    auto making = make(KeyKind::ticket, scope, now, from);
    auto made = co_await std::move(making);
    CO_TRY(std::move(made));
  }
  co_return starts;
}

void TicketKeys::own_keys(std::vector<std::string> app_ids) {
  std::lock_guard lock(mutex_);
  own_keys_ = std::move(app_ids);
}

Task<Result<>> TicketKeys::make(KeyKind kind, std::vector<uint32_t> scope, Time now, Time seals_from) {
  CO_TRY(auto bytes, random_.bytes<32>());
  CO_TRY(auto id_bytes, random_.bytes<4>());
  TicketKeyRow row;
  std::memcpy(&row.id, id_bytes.data(), sizeof row.id);
  row.kind = kind;
  row.apps = std::move(scope);
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
    entry.seals_from_ms = static_cast<uint64_t>(epoch_ms(row.seals_from));
    if (!row.retired && row.apps.size() <= 1) sealing.push_back({entry.key, row.seals_from, entry.apps});
    ring.push_back(std::move(entry));
  }
  std::sort(sealing.begin(), sealing.end(), [](const auto& a, const auto& b) { return a.seals_from < b.seals_from; });
  order_.publish(reading, [&] {
    {
      std::lock_guard lock(mutex_);
      sealing_ = std::move(sealing);
      renew_ = std::move(renew);
    }
    live_.set_keys(std::make_shared<check::KeyRing>(std::move(ring)));
  });
  co_return ok();
}

Result<check::Key> TicketKeys::sealing_key(Time now, std::optional<uint32_t> app) const {
  std::lock_guard lock(mutex_);
  // The newest that has begun; a clock set back to before all of them leaves the oldest.
  const SealingKey* best = nullptr;
  const SealingKey* own = nullptr;
  for (const auto& candidate : sealing_) {
    if (candidate.apps.empty()) {
      if (!best || candidate.seals_from <= now) best = &candidate;
    } else if (app && candidate.apps[0] == *app && candidate.seals_from <= now) {
      own = &candidate;
    }
  }
  if (own) return own->key;
  if (!best) return make_error(ErrorCode::unavailable, "no ticket key yet");
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

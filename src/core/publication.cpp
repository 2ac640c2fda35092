#include "core/publication.h"

#include <algorithm>

#include "check/boot_clock.h"

namespace kaimen::core {

namespace {
constexpr Seconds kPurgeEvery{60};
}

Publication::Publication(Live& live, check::StateWriter& file, std::vector<std::string> only_apps, const std::vector<std::string>& ticket_headers)
    : live_(live), file_(file), only_apps_(std::move(only_apps)) {
  live_.listener.store(this, std::memory_order_release);
  // The revocations first: under the new keys a table from before would let pass what has ended since.
  file_.refill(static_cast<uint64_t>(epoch_ms(live_.clock.now())));
  file_.publish_headers(ticket_headers);
  apps_changed();
  file_.beat_meanwhile([this] { return next_beat(); });
  beat();
}

Publication::~Publication() {
  live_.listener.store(nullptr, std::memory_order_release);
  file_.beat_meanwhile({});
}

bool Publication::serves(const App& app) const { return only_apps_.empty() || std::ranges::find(only_apps_, app.app_id) != only_apps_.end(); }

void Publication::revoked(const Revocation& revocation) {
  file_.put(revocation.session.bytes, revocation.generation, static_cast<check::Reason>(revocation.reason), static_cast<uint64_t>(epoch_ms(revocation.until)));
}

void Publication::apps_changed() {
  std::lock_guard lock(mutex_);
  std::vector<check::StateAppEntry> entries;
  const auto apps = live_.apps.get();
  for (const auto& [number, app] : apps->by_number) {
    if (!serves(*app)) continue;
    const check::AppState& state = apps->states.at(number);
    entries.push_back({number, state.app_id, state.project, state.disabled, state.revoked_before_ms, state.life_cap_s, state.wafer});
  }
  // As /verify counts them, those without apps included. Readers of a file for some apps can mean no others.
  std::optional<size_t> projects;
  if (only_apps_.empty()) projects = apps->projects.size();
  file_.publish_apps(std::move(entries), projects, apps->wafer);
  publish_keys();
}

void Publication::keys_changed() {
  std::lock_guard lock(mutex_);
  publish_keys();
}

// Whether renewing a ticket under the keys of all apps helps: each app's own key seals by now.
bool Publication::settled() const {
  const auto apps = live_.apps.get();
  const auto ring = live_.keys.get();
  const auto now = static_cast<uint64_t>(epoch_ms(live_.clock.now()));
  return std::ranges::all_of(only_apps_, [&](const std::string& app_id) {
    const auto app = apps->find(app_id);
    return !app || std::ranges::any_of(ring->keys(), [&](const check::RingKey& key) {
      return !key.retired && key.apps == std::vector{app->number} && key.seals_from_ms <= now;
    });
  });
}

void Publication::publish_keys() {
  const auto apps = live_.apps.get();
  const auto ring = live_.keys.get();
  const auto served = [&](uint32_t number) {
    const auto app = apps->find(number);
    return app && serves(*app);
  };
  settled_ = settled();
  std::vector<check::StateKeyEntry> entries;
  for (const check::RingKey& key : ring->keys()) {
    const bool own = only_apps_.empty() || (!key.apps.empty() && std::ranges::all_of(key.apps, served));
    if (!own && !key.apps.empty() && std::ranges::none_of(key.apps, served)) continue;
    check::StateKeyEntry entry;
    entry.key.id = key.key.id;
    if (own) entry.key = key.key;
    entry.retired = key.retired;
    entry.withheld = !own;
    entry.unsettled = !settled_;
    entry.apps = key.apps;
    entries.push_back(std::move(entry));
  }
  file_.publish_keys(entries);
}

check::StateBeat Publication::next_beat() const {
  const Time now = live_.clock.now();
  const uint64_t boot = check::boot_now_ms();
  uint64_t good_until = 0;
  if (const auto moment = live_.moment()) {
    const Millis left = std::min(std::chrono::floor<Millis>(live_.good_until() - now), Millis{check::kGoodMs});
    if (left > Millis{0}) good_until = boot + static_cast<uint64_t>(left.count());
  }
  return {good_until, epoch_ms(now) - static_cast<int64_t>(boot)};
}

void Publication::beat() {
  const Time now = live_.clock.now();
  {
    std::lock_guard lock(mutex_);
    if (!settled_ && settled()) publish_keys();
    if (now - last_purge_ >= kPurgeEvery || now < last_purge_) {
      last_purge_ = now;
      file_.purge(static_cast<uint64_t>(epoch_ms(now)));
    }
  }
  const check::StateBeat next = next_beat();
  file_.beat(next.good_until_ms, next.node_ahead_ms);
  file_.tend(static_cast<uint64_t>(epoch_ms(now)));  // last: it may take a while
}

}  // namespace kaimen::core

// What a node holds in memory to check tickets: keys, apps, revocations. Written by the services that own each part, read on every check
// without a lock. Nothing here is per session.
#pragma once

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/snapshot.h"
#include "check/check.h"
#include "core/project_store.h"
#include "core/store.h"
#include "core/types.h"

namespace kaimen::core {

/// All apps; immutable once published.
struct AppTable {
  std::unordered_map<std::string, AppPtr> by_id;
  std::unordered_map<uint32_t, AppPtr> by_number;
  check::AppStates states;            ///< The same, as the check wants them.
  std::vector<Project> projects;      ///< By name.
  bool wafer = false;                 ///< Some app is one of wafer's: X-WX-Skey may carry a ticket.

  const Project* project(const std::string& name) const {
    const auto it = std::ranges::lower_bound(projects, name, {}, &Project::name);
    return it == projects.end() || it->name != name ? nullptr : &*it;
  }

  AppPtr find(const std::string& app_id) const {
    const auto it = by_id.find(app_id);
    return it == by_id.end() ? nullptr : it->second;
  }
  AppPtr find(uint32_t number) const {
    const auto it = by_number.find(number);
    return it == by_number.end() ? nullptr : it->second;
  }
};

/// A moment, by the node's time, at which tickets may be judged. Only Live gives one, so that nobody can check and forget to ask.
class Moment {
 public:
  uint64_t ms() const { return ms_; }

 private:
  friend struct Live;
  explicit Moment(int64_t ms) : ms_(static_cast<uint64_t>(ms)) {}
  uint64_t ms_;
};

/// Hears what becomes known, on the thread that learns it and before the act that brought it is answered. Called by several threads.
class LiveListener {
 public:
  virtual ~LiveListener() = default;
  virtual void keys_changed() = 0;
  virtual void apps_changed() = 0;
  virtual void revoked(const Revocation& revocation) = 0;
};

struct Live {
  explicit Live(const Clock& node_clock)
      : clock(node_clock), keys(std::make_shared<check::KeyRing>()), apps(std::make_shared<AppTable>()), instance(next_instance()) {}

  const Clock& clock;
  SnapshotCell<check::KeyRing> keys;
  SnapshotCell<AppTable> apps;
  check::Revocations revocations;
  std::atomic<bool> ready{false};  ///< Keys, apps and revocations have been read. Until then nothing is checked.
  std::atomic<LiveListener*> listener{nullptr};  ///< Set before anything is served; must outlive whatever changes this.
  const uint64_t instance;         ///< Tells one Live from another at the same address.

  /// Now, if tickets may be judged now; nullopt: this node is not ready, or does not know well enough any more what others have revoked, and
  /// answers 503.
  std::optional<Moment> moment() const {
    if (!ready.load(std::memory_order_acquire)) return std::nullopt;
    const int64_t now = epoch_ms(clock.now());
    if (now >= good_until_ms_.load(std::memory_order_relaxed)) return std::nullopt;
    return Moment(now);
  }
  /// What is in memory may be relied on before `end`, by the node's time. For ever, where nobody says otherwise: no other node writes.
  void good_until(Time end) { good_until_ms_.store(epoch_ms(end), std::memory_order_relaxed); }

  Time good_until() const { return from_epoch_ms(good_until_ms_.load(std::memory_order_relaxed)); }

  void set_keys(std::shared_ptr<const check::KeyRing> ring) {
    keys.set(std::move(ring));
    if (LiveListener* const heard = listener.load(std::memory_order_acquire)) heard->keys_changed();
  }
  void set_apps(std::shared_ptr<const AppTable> table) {
    apps.set(std::move(table));
    if (LiveListener* const heard = listener.load(std::memory_order_acquire)) heard->apps_changed();
  }

  /// Puts what an act of the store revoked into memory. To be done before that act is answered.
  void revoke(const std::vector<Revocation>& made) {
    for (const auto& row : made) {
      revocations.put(row.session.bytes, row.generation, static_cast<check::Reason>(row.reason), static_cast<uint64_t>(epoch_ms(row.until)));
      if (LiveListener* const heard = listener.load(std::memory_order_acquire)) heard->revoked(row);
    }
  }

 private:
  static uint64_t next_instance() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }
  std::atomic<int64_t> good_until_ms_{std::numeric_limits<int64_t>::max()};
};

/// One thread's way to check: its own references to keys and apps, and a buffer to open into.
class Checker {
 public:
  explicit Checker(const Live& live) : live_(&live), keys_(live.keys), apps_(live.apps) {}

  /// See check::check_ticket. The claims stand in opened() until the next call.
  check::Verdict check(std::string_view ticket, Moment moment) {
    return check::check_ticket(ticket, keys_.get(), apps_.get().states, live_->revocations, moment.ms(), opened_);
  }
  /// The same at this moment; nullopt: nothing can be said of any ticket (Live::moment), and opened() is as it was.
  std::optional<check::Verdict> check(std::string_view ticket) {
    const auto moment = live_->moment();
    if (!moment) return std::nullopt;
    return check(ticket, *moment);
  }
  const check::Opened& opened() const { return opened_; }
  const AppTable& apps() { return apps_.get(); }

  /// The calling thread's checker for `live`, made at first use.
  static Checker& of(const Live& live) {
    thread_local uint64_t instance = 0;
    thread_local std::unique_ptr<Checker> checker;
    if (instance != live.instance) {
      checker = std::make_unique<Checker>(live);
      instance = live.instance;
    }
    return *checker;
  }

 private:
  const Live* live_;
  SnapshotCell<check::KeyRing>::Reader keys_;
  SnapshotCell<AppTable>::Reader apps_;
  check::Opened opened_;
};

}  // namespace kaimen::core

// What a node holds in memory to check tickets: keys, apps, revocations. Written by the services that own each part, read on every check
// without a lock. Nothing here is per session.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/snapshot.h"
#include "check/check.h"
#include "core/store.h"
#include "core/types.h"

namespace kaimen::core {

/// All apps; immutable once published.
struct AppTable {
  std::unordered_map<std::string, AppPtr> by_id;
  std::unordered_map<uint32_t, AppPtr> by_number;
  check::AppStates states;            ///< The same, as the check wants them.
  std::vector<std::string> projects;  ///< Sorted names.

  AppPtr find(const std::string& app_id) const {
    const auto it = by_id.find(app_id);
    return it == by_id.end() ? nullptr : it->second;
  }
  AppPtr find(uint32_t number) const {
    const auto it = by_number.find(number);
    return it == by_number.end() ? nullptr : it->second;
  }
};

struct Live {
  explicit Live(const Clock& node_clock)
      : clock(node_clock), keys(std::make_shared<check::KeyRing>()), apps(std::make_shared<AppTable>()), instance(next_instance()) {}

  const Clock& clock;
  SnapshotCell<check::KeyRing> keys;
  SnapshotCell<AppTable> apps;
  check::Revocations revocations;
  std::atomic<bool> ready{false};  ///< Keys, apps and revocations have been read. Until then checks answer 503.
  const uint64_t instance;         ///< Tells one Live from another at the same address.

  /// Puts what an act of the store revoked into memory. To be done before that act is answered.
  void revoke(const std::vector<Revocation>& made) {
    for (const auto& row : made) {
      revocations.put(row.session.bytes, row.generation, static_cast<check::Reason>(row.reason), static_cast<uint64_t>(epoch_ms(row.until)));
    }
  }

 private:
  static uint64_t next_instance() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }
};

/// One thread's way to check: its own references to keys and apps, and a buffer to open into.
class Checker {
 public:
  explicit Checker(const Live& live) : live_(&live), keys_(live.keys), apps_(live.apps) {}

  /// See check::check_ticket. The claims stand in opened() until the next call.
  check::Verdict check(std::string_view ticket) {
    const auto now_ms = static_cast<uint64_t>(epoch_ms(live_->clock.now()));
    return check::check_ticket(ticket, keys_.get(), apps_.get().states, live_->revocations, now_ms, opened_);
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

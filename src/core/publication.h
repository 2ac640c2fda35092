// Publishes what this node knows to check tickets in the state file (check/state_layout.h): all of it, or what a reader needs that may check
// for some apps only. Such a file holds no key that seals tickets of other apps, so its readers can neither check nor make those.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "check/state_writer.h"
#include "core/live.h"

namespace kaimen::core {

class Publication final : public LiveListener {
 public:
  /// `only_apps`: app_ids; none: all apps. `ticket_headers`: session.ticket_headers. Listens to `live`, which must be ready, and publishes
  /// everything, from now until it is destroyed.
  Publication(Live& live, check::StateWriter& file, std::vector<std::string> only_apps, const std::vector<std::string>& ticket_headers = {});
  ~Publication() override;
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  void keys_changed() override;
  void apps_changed() override;
  void revoked(const Revocation& revocation) override;

  /// To be called a few times a second: readers rely on the file for kGoodMs after the last call, and for no longer than checks here would. Sees
  /// to it that the file has room.
  void beat();

 private:
  bool serves(const App& app) const;
  bool settled() const;
  check::StateBeat next_beat() const;
  void publish_keys();

  Live& live_;
  check::StateWriter& file_;
  const std::vector<std::string> only_apps_;
  std::mutex mutex_;  // so that what was read later is published later
  bool settled_ = false;
  Time last_purge_{};
};

}  // namespace kaimen::core

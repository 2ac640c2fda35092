// All that is held of one user, for that user. What grows without an end (sessions, scans, events) is read a page an act, so that a history of
// years holds nobody up, and few may be at it at once, because each is a document in memory: usually of kilobytes, at the most of some 60 MB, and twice that while it is sent.
#pragma once

#include <optional>
#include <vector>

#include "core/account_store.h"
#include "core/fair_share.h"

namespace kaimen::core {

/// Of one document; who has more asks again for those behind.
inline constexpr size_t kExportedEvents = 100'000;
/// What does not go on in another document; more than that only a program makes in the time for which they are kept.
inline constexpr size_t kExportedSessions = 20'000, kExportedScans = 20'000;

class Exporting {
 public:
  static constexpr size_t kAtOnce = 4;  ///< On a node; of a user one, of an app no more than are left for the others.
  struct Place {
    FairShare<std::string>::Place of_user;
    FairShare<uint32_t>::Place of_app;
  };

  explicit Exporting(AccountStore& store) : store_(store) {}

  /// Held until the document has left memory. Error: rate_limited with retry_after.
  Result<Place> begin(uint32_t app, Id user);
  /// Error: not_found; so with the others, of a user who is gone by now.
  Task<Result<HeldUser>> held_of(Id user);
  /// The page behind `after`; an empty one is the last.
  Task<Result<std::vector<Session>>> sessions(Id user, std::optional<Session> after);
  Task<Result<std::vector<HeldScan>>> scans(HeldBehind query);
  Task<Result<std::vector<HeldEvent>>> events(HeldBehind query);

 private:
  AccountStore& store_;
  FairShare<std::string> of_user_{1};
  FairShare<uint32_t> of_app_{kAtOnce, kAtOnce};
};

}  // namespace kaimen::core

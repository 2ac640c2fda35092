// Follows the other nodes that write to the same database: what they revoke and what they change of apps and keys, and the database's time.
//
// One poll is one act of the store, which writes this node's heartbeat and reads what is new. A poll is good only when the heartbeat could be
// written (a replica that merely answers is stale) and everything it brought is in memory. A good poll makes this node's knowledge good until
// the database's time then plus the grace (Live::good_until): past it checks answer 503.
//
// What was stamped in the 15 s before the last good poll is read again each time: transactions are cut after 5 s, so whatever was stamped
// earlier was to be seen by then. The whole live set is read every minute, and after anything that was not as it should be.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "core/access_keys.h"
#include "core/apps.h"
#include "core/jwt_keys.h"
#include "core/live.h"
#include "core/node_clock.h"
#include "core/ticket_keys.h"

namespace kaimen::core {

struct FollowOptions {
  NodeClock* clock = nullptr;  ///< The node's own, which the store's acts go by too. Must be given where the store is shared.
  Seconds grace{300};          ///< How long checks go on after the last good poll.
  std::string version;         ///< Of the program; stands on the node's row.
  std::string newest_migration, master_keys;  ///< As in Follow.
};

class Follower {
 public:
  /// From here on Live knows nothing that is good, until the first good poll.
  Follower(Store& store, Random& random, Live& live, Apps& apps, TicketKeys& ticket_keys, JwtKeys& jwt_keys, AccessKeys& access_keys, FollowOptions options);

  /// One poll. Polls run on one thread; a second may start while an earlier one still waits for its answer, which then counts for its
  /// revocations alone. Errors: those of the store and the vault; unavailable once the database was found to have gone back in time.
  Task<Result<>> poll();
  /// After the last poll and the node's last act: nobody has to reckon with it any more, as with one that was killed for 15 s. Errors: those of the
  /// store.
  Task<Result<>> leave();

  /// Since the last good poll. nullopt: there was none. Any thread.
  std::optional<Millis> age() const;
  const NodeClock& clock() const { return clock_; }
  /// The database holds an older heartbeat than this node has written: it was restored, or a replica that was behind took over, and logouts
  /// may be undone in it. Nothing is checked any more until the process is started anew. Any thread.
  bool went_back() const { return went_back_.load(); }

 private:
  Task<Result<>> reload();
  Result<> check_beat(const Followed& seen);
  void set_clock(Time told, Millis asked, Millis answered);

  Store& store_;
  Random& random_;
  NodeClock& clock_;
  Live& live_;
  Apps& apps_;
  TicketKeys& ticket_keys_;
  JwtKeys& jwt_keys_;
  AccessKeys& access_keys_;
  const FollowOptions options_;

  Id node_;
  Time started_at_{};
  bool whole_next_ = true;               // read all that live, not only what is new
  Millis last_whole_{0};                 // steady, when it was asked for
  uint64_t good_polls_ = 0;
  Time last_now_{};                      // the database's, at the last good poll
  Time beat_at_least_{};                 // what the store holds of this node's beat since then, or later
  std::optional<int64_t> configuration_;
  bool skewed_ = false;
  std::atomic<int64_t> last_good_ms_{-1};  // steady, when the last good poll was asked; −1: none
  std::atomic<bool> went_back_{false};
};

}  // namespace kaimen::core

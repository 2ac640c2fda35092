// The keys that seal tickets and renew tokens: rows of the store, sealed by the master key, opened into the ring that checks use.
//
// A ticket key is made daily, at least an hour before it first seals, so that every node knows it before it meets a ticket under it; it is
// dropped when the last ticket under it is long past its end. An app may have keys of its own beside those of all apps. The key of renew tokens
// is long-lived. See docs/architecture.md, "The ticket".
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/random.h"
#include "core/live.h"
#include "core/read_order.h"
#include "core/store.h"
#include "crypto/vault.h"

namespace kaimen::core {

/// The row of a key, as the vault's seal names it: its id as 4 big-endian bytes.
std::string key_row(uint32_t id);

struct RenewKey {
  uint32_t id = 0;
  Secret bytes;  ///< 32.
};

class TicketKeys {
 public:
  TicketKeys(Store& store, const crypto::Vault& vault, Random& random, Live& live);

  /// Reads the keys, makes those that are due, publishes the ring. At start, and every minute. With `drop_done`, which wants a clock that can
  /// be believed, it also drops those that are done. Errors: those of the store and the vault (the old ring stays).
  Task<Result<>> maintain(bool drop_done = false);
  /// Reads the keys and publishes the ring. Errors: those of the store and the vault (the old ring stays).
  Task<Result<>> load();
  /// Where other nodes may run: a key that seals from the moment it was made, at the very first start, is not known to them yet. Waits until
  /// they have had the time to hear of it, and reads the keys once more, for those that they made meanwhile. The errors of load().
  Task<Result<>> settle();
  /// After a leak: every ticket sealed so far answers `renew`; a fresh key seals from now on. The keys of JWTs are retired in the same act:
  /// JwtKeys::maintain() is to follow.
  Task<Result<>> retire(Source source = {});

  /// The key that seals tickets at `now`: of `app`, its own if it has one that has begun, else that of all apps. Error: unavailable before
  /// maintain().
  Result<check::Key> sealing_key(Time now, std::optional<uint32_t> app = std::nullopt) const;
  /// From the next maintain() on these apps have keys of their own, whose scope is the app alone. The first begins an hour later, when all nodes
  /// know it. Nodes that were not asked go on with them.
  void own_keys(std::vector<std::string> app_ids);
  Result<RenewKey> renew_sealing_key() const;
  /// nullptr: unknown.
  std::shared_ptr<const RenewKey> renew_key(uint32_t id) const;

 private:
  struct SealingKey {
    check::Key key;
    Time seals_from{};
    std::vector<uint32_t> apps{};  // none, or one
  };
  std::vector<std::vector<uint32_t>> scopes_of(const std::vector<TicketKeyRow>& rows) const;
  Task<Result<std::vector<Time>>> keep_chain(std::vector<uint32_t> scope, const std::vector<TicketKeyRow>& rows, Time now);
  Task<Result<>> make(KeyKind kind, std::vector<uint32_t> scope, Time now, Time seals_from);

  Store& store_;
  const crypto::Vault& vault_;
  Random& random_;
  Live& live_;
  mutable std::mutex mutex_;
  std::vector<SealingKey> sealing_;  // not retired, by seals_from
  std::vector<std::shared_ptr<const RenewKey>> renew_;
  std::vector<std::string> own_keys_;  // app_ids
  ReadOrder order_;
};

}  // namespace kaimen::core

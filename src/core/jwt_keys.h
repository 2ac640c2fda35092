// The keys that sign JWTs: rows of the store, sealed by the master key. Backends keep a copy of the public halves (the JWKS), so a key is
// shown for two days before it first signs, and for as long after its last signature as what it signed can be good.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/live.h"
#include "core/read_order.h"
#include "core/store.h"
#include "crypto/es256.h"
#include "crypto/vault.h"

namespace kaimen::core {

/// How long a JWT is good at most.
inline constexpr Seconds kJwtLife{600};

struct JwtKey {
  std::string id;  ///< "kid": 8 hex characters.
  crypto::SigningKey key;
  Time signs_from{};
};
using JwtKeyPtr = std::shared_ptr<const JwtKey>;

class JwtKeys {
 public:
  JwtKeys(Store& store, const crypto::Vault& vault, Random& random, Live& live) : store_(store), vault_(vault), random_(random), live_(live) {}

  /// Reads the keys and makes those that are due. At start, and every minute. With `drop_done`, which wants a clock that can be believed, it
  /// also drops those that are done. Errors: those of the store and the vault (the keys in memory stay).
  Task<Result<>> maintain(bool drop_done = false);
  /// Reads the keys. Errors: those of the store and the vault (the keys in memory stay).
  Task<Result<>> load();

  /// The key that signs at `now`. Error: unavailable before maintain().
  Result<JwtKeyPtr> signing_key(Time now) const;
  /// All that the JWKS shows, by the time from which they sign.
  std::vector<JwtKeyPtr> shown() const;

 private:
  Task<Result<>> make(Time now, Time signs_from);

  Store& store_;
  const crypto::Vault& vault_;
  Random& random_;
  Live& live_;
  mutable std::mutex mutex_;
  std::vector<JwtKeyPtr> keys_;  // by signs_from
  ReadOrder order_;
};

}  // namespace kaimen::core

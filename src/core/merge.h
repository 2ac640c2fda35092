// Two users found to be one. A login that finds it merges them by itself (core/store.h, record_login); here an operator says so.
#pragma once

#include "core/live.h"
#include "core/store.h"
#include "core/trace.h"
#include "crypto/vault.h"

namespace kaimen::core {

/// How the store seals a phone number anew for its new user. The vault must outlive it.
MovePhone phone_mover(const crypto::Vault& vault);

class Merging {
 public:
  Merging(Store& store, const crypto::Vault& vault, Live& live) : store_(store), vault_(vault), live_(live) {}

  /// `other` becomes part of `user`. Holds on this node before it is answered. Errors: not_found; conflict when they must stay two.
  Task<Result<User>> merge(Id user, Id other, Trace* trace);

 private:
  Store& store_;
  const crypto::Vault& vault_;
  Live& live_;
};

}  // namespace kaimen::core

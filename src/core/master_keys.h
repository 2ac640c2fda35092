// Replacing the master key while all nodes serve (docs/decisions/0022). Every node holds both keys for a while: first the new one only opens,
// then it seals, then every value under the old one is sealed anew, and only then may the old one be forgotten. The database says which
// key that is, and no node works on it that lacks one.
#pragma once

#include <string>
#include <vector>

#include "core/seal_store.h"
#include "core/store.h"
#include "crypto/vault.h"

namespace kaimen::core {

/// "9f86d081" of a master key's id.
std::string master_key_name(uint32_t id);

struct ResealStep {
  std::string next;  ///< To be given to the next step; empty: done, every value is under the current key.
  uint64_t looked_at = 0, resealed = 0;
};

class MasterKeys {
 public:
  MasterKeys(Store& store, const crypto::Vault& vault) : store_(store), vault_(vault) {}

  /// What the node says of itself: the ids of the keys it holds, comma-separated, of which the first seals.
  std::string held() const;
  /// Before anything is sealed: that this node holds every key that values are under, and that every node at work could open what this one
  /// will seal. Where the store is shared, this node has beaten once. Error: invalid_request, with what to do in words.
  Task<Result<>> enter();
  /// Which keys values may be under, and who holds what.
  Task<Result<MasterKeyState>> state();
  /// Seals some hundred values anew. Any number of callers may be at it, any step may be repeated, and who died goes on from the beginning:
  /// what is done stays done. Ends when a whole walk has found nothing left to do. Errors: conflict while a node at work still seals under
  /// another key; invalid_request (`after` is not from here).
  Task<Result<ResealStep>> step(std::string after);

 private:
  bool holds(uint32_t id) const;
  std::string signed_place(const std::string& place, bool changed) const;
  Result<> expect_one_sealing_key(const MasterKeyState& state) const;
  Task<Result<MasterKeyState>> first_state();
  Task<Result<>> announce(MasterKeyState state);

  Store& store_;
  const crypto::Vault& vault_;
};

}  // namespace kaimen::core

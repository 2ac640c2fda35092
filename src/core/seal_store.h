// The store's port for master keys: which of them the sealed values are under, which of them the nodes hold, and the sealing anew of whatever
// is still under another than the current one. As core/store.h: atomic acts, safe to retry.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

/// A node that is at work, and the master keys it says it holds.
struct KeyHolder {
  Id node;
  std::string version;      ///< Of the program.
  std::string master_keys;  ///< Ids, comma-separated; the first seals. Empty: a program that does not say.
};
struct MasterKeyState {
  std::optional<uint32_t> settled;  ///< Every value is under this one, or `next`; nullopt: nobody has said so yet.
  std::optional<uint32_t> next;     ///< Values may be under this one, too: a rotation is under way.
  std::vector<KeyHolder> nodes;
};

/// A value sealed anew; `index` is Vault::index(purpose, plaintext).
struct Resealed {
  std::string sealed, index;
};
/// nullopt: it is under the current key. Runs on the store's thread, perhaps several times.
using Reseal = std::function<Result<std::optional<Resealed>>(std::string_view purpose, std::string_view row, std::string_view sealed)>;

struct ResealPage {
  std::string after;  ///< As the page before said; empty: the first one.
  size_t rows = 200;
  Reseal reseal;
};
struct ResealedPage {
  std::string next;  ///< Empty: that was the last one.
  uint64_t looked_at = 0, resealed = 0;
};

class SealStore {
 public:
  virtual ~SealStore() = default;

  /// With the nodes that have beaten within so long.
  virtual Task<Result<MasterKeyState>> master_keys(Millis alive_within) = 0;
  /// Sets both, if they are as `expected` says. False: they were not, and nothing was done.
  virtual Task<Result<bool>> set_master_keys(MasterKeyState expected, MasterKeyState wanted) = 0;
  /// Seals a page of rows anew, with the indexes that go with them. Each page is done wholly or not at all, beside whatever else goes on.
  /// Errors: those of `reseal`; invalid_request (`after`).
  virtual Task<Result<ResealedPage>> reseal(ResealPage act) = 0;
};

}  // namespace kaimen::core

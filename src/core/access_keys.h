// Keys for the admin API and for checks from afar: "kmk_" + base64url(id 16 | 24 random bytes). Shown once; the store holds a hash. All live
// keys are in memory, so that a check with a key reads no store.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/snapshot.h"
#include "core/live.h"
#include "core/read_order.h"
#include "core/store.h"

namespace kaimen::core {

enum class Scope : uint8_t { verify, read, write, wechat, admin };
std::string_view name_of(Scope scope);
std::optional<Scope> parse_scope(std::string_view text);

/// Who calls the admin API.
struct Caller {
  Id key;                    ///< Zero: the machine's own user, over the admin socket.
  std::string name;
  std::set<Scope> scopes;
  std::string project;       ///< Empty: any.
  /// `admin` includes all others.
  bool may(Scope scope) const { return scopes.contains(scope) || scopes.contains(Scope::admin); }
};

struct NewAccessKey {
  std::string name;
  std::vector<std::string> scopes;
  std::string project;
  Source source{};
};
struct MadeAccessKey {
  AccessKeyRow row;
  Secret text;  ///< "kmk_…": shown now and never again.
};

class AccessKeys {
 public:
  AccessKeys(Store& store, Random& random, Live& live)
      : store_(store), random_(random), live_(live), callers_(std::make_shared<Table>()) {}

  Task<Result<>> load();
  /// nullptr: not a live key of ours; of one that is off until somebody confirms it, the log says so. Notes its use, to be stored by flush().
  std::shared_ptr<const Caller> find(std::string_view key_text);

  /// Error: invalid_request (name, scope).
  Task<Result<MadeAccessKey>> create(NewAccessKey key);
  Task<Result<std::vector<AccessKeyRow>>> list();
  /// Error: not_found.
  Task<Result<>> revoke(Id id, Source source = {});
  /// A key that is off since the store was restored works again. Errors: not_found, conflict.
  Task<Result<>> confirm(Id id, Source source);
  /// Stores which keys were used since the last time; every minute.
  Task<Result<>> flush();

 private:
  struct Entry {
    std::string hash;
    std::shared_ptr<const Caller> caller;
    bool unconfirmed = false;
  };
  using Table = std::unordered_map<Id, Entry, IdHash>;

  Store& store_;
  Random& random_;
  Live& live_;
  SnapshotCell<Table> callers_;
  std::mutex mutex_;
  std::set<Id> used_;
  std::set<Id> refused_;  // unconfirmed ones, since the last flush
  ReadOrder order_;
};

}  // namespace kaimen::core

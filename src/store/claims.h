// Claims on login codes, in memory: who is at which code now. One process serves a SQLite file and WeChat makes codes single-use anyway, so
// only the result of a claim (a row of `codes`) is durable.
//
// A claim of somebody else is never taken over, not even a dead one; it goes 10 minutes after it was made, when the code
// itself is long dead. What an act does here is undone with its transaction. Belongs to the store's thread.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace kaimen::store {

class Claims {
 public:
  struct Claim {
    Id owner;
    Time since{};
    std::optional<ErrorCode> settled;  ///< Set: the code is spent, with this result.
  };
  static constexpr size_t kClaims = 100'000;

  explicit Claims(const Clock& clock) : clock_(clock) {}

  /// Null: nobody's. The pointer holds until the next call.
  const Claim* find(uint32_t app, const std::string& code_hash);
  /// Error: unavailable (too many codes are being looked at).
  Result<> add(uint32_t app, const std::string& code_hash, const Id& owner);
  /// Whether `owner` holds the code and has not settled it.
  bool holds(uint32_t app, const std::string& code_hash, const Id& owner);
  /// No effect unless holds(). nullopt forgets the claim.
  void settle(uint32_t app, const std::string& code_hash, const Id& owner, std::optional<ErrorCode> error);

  void commit() { undo_.clear(); }
  void roll_back();

 private:
  // Keys in the order of their age; each claim stands in the list of its kind.
  using Ages = std::list<std::string>;
  struct Held {
    Claim claim;
    Ages::iterator place;
  };
  struct Undo {
    std::string key;
    std::optional<Claim> before;
  };
  static std::string key_of(uint32_t app, const std::string& code_hash) { return std::to_string(app) + '/' + code_hash; }
  void put(const std::string& key, const Claim& claim);
  void erase(const std::string& key);
  void expire(Ages& ages, Time now);

  const Clock& clock_;
  std::unordered_map<std::string, Held> claims_;
  Ages open_, settled_;
  std::vector<Undo> undo_;
};

}  // namespace kaimen::store

// Where a login came in, and what the code gives that was scanned with it: one for all ways in, by a platform's code (core/login) and by a
// password (core/passwords). A login never fails because of a code: what is wrong with it is a warning.
#pragma once

#include <optional>
#include <string>

#include "core/entry_store.h"

namespace kaimen::core {

struct LoginAnswer;

/// As the client said; untrusted.
struct CameBy {
  std::string place;  ///< Scene and path.
  std::string code;   ///< What was scanned; empty: nothing. It need not be a code at all.
};

class Entrances {
 public:
  explicit Entrances(Store& store) : store_(store) {}

  /// Has the login that is to be recorded record the scan too.
  static void put(const CameBy& by, AppPtr app, RecordLogin& act);
  /// What the code gives as of `at` that was recorded with the session; where none was and `by` names one, why it gives nothing. nullopt: no
  /// code is in it. A login asks as of when its session began: who scanned in time was in time, however late the answer is asked for again.
  Task<Result<std::optional<Entrance>>> ask(AppPtr app, CameBy by, Id session, Time at);
  /// Payload or warning, into the answer. `entrance`: what recording the login made of the code.
  Task<void> enter(CameBy by, std::optional<Entrance> entrance, LoginAnswer& answer);

 private:
  Store& store_;
};

}  // namespace kaimen::core

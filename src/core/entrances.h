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
  Entrances(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Has the login that is to be recorded record the scan too.
  static void put(const CameBy& by, AppPtr app, RecordLogin& act);
  /// What the code gives as of now that was recorded with the session; where none was and `by` names one, why it gives nothing. nullopt: no
  /// code is in it.
  Task<Result<std::optional<Entrance>>> ask(AppPtr app, CameBy by, Id session);
  /// Payload or warning, into the answer. `entrance`: what recording the login made of the code.
  Task<void> enter(CameBy by, std::optional<Entrance> entrance, LoginAnswer& answer);

 private:
  Store& store_;
  const Clock& clock_;
};

}  // namespace kaimen::core

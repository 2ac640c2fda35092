// A user leaves, at once or after the app's grace.
#pragma once

#include <optional>

#include "core/account_store.h"
#include "core/live.h"
#include "core/trace.h"

namespace kaimen::core {

class Deletion {
 public:
  Deletion(Store& store, Live& live) : store_(store), live_(live) {}

  /// All sessions end as `deleted` before it is answered. Yields when the personal data goes; nullopt: it is gone. Error: not_found.
  Task<Result<std::optional<Time>>> leave(AppPtr app, Id user, Trace* trace);
  /// At once, whatever the grace. Error: not_found.
  Task<Result<>> remove(Id user, Trace* trace);
  /// Carries out what is due; every minute.
  Task<Result<>> carry_out(Time now);

 private:
  Task<Result<>> carry_out(DeleteUser act);

  Store& store_;
  Live& live_;
};

}  // namespace kaimen::core

// "Who is this in your own user table?": the team's backend is asked at an identity's first login, and what it says is kept before the
// ticket is sealed.
#pragma once

#include "core/directory_store.h"
#include "core/live.h"
#include "core/resolver.h"
#include "core/trace.h"

namespace kaimen::core {

/// All the time the backend has: the user waits.
inline constexpr Millis kResolveTime{800};

class Resolving {
 public:
  Resolving(DirectoryStore& store, Resolver& resolver, Live& live) : store_(store), resolver_(resolver), live_(live) {}

  /// Whether the app has a backend to ask.
  static bool wanted(const App& app) { return !app.settings.resolve_url.empty(); }
  /// User and session as they stand after it. Errors: app_misconfigured (no resolve_secret, or an address that may not be reached),
  /// upstream_error (late, dead, or saying what nobody can be), conflict (the external id is another user's, or the user has another).
  Task<Result<>> run(WhoIs who, Session* session, User* user, Trace* trace);

 private:
  DirectoryStore& store_;
  Resolver& resolver_;
  Live& live_;
};

}  // namespace kaimen::core

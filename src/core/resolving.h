// "Who is this in your own user table?": the team's backend is asked at an identity's first login, and what it says is kept before the
// ticket is sealed. What it does not answer it is asked again at later logins (docs/decisions/0026).
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "core/breaker.h"
#include "core/directory_store.h"
#include "core/live.h"
#include "core/resolver.h"
#include "core/trace.h"

namespace kaimen::core {

/// All the time the backend has: the user waits.
inline constexpr Millis kResolveTime{800};
/// After so many in a row who waited for nothing, one a second does.
inline constexpr int kResolveFailures = 10;

class Resolving {
 public:
  Resolving(DirectoryStore& store, Resolver& resolver, Live& live) : store_(store), resolver_(resolver), live_(live) {}

  /// Whether the app has a backend to ask.
  static bool wanted(const App& app) { return !app.settings.resolve_url.empty(); }
  /// Names an identity among those that the backend is asked about, and does not tell who it is: 32 raw bytes.
  static std::string mark_of(const App& app, const std::string& openid);
  /// User and session as they stand after it. Errors: app_misconfigured (no resolve_secret, or an address that may not be reached),
  /// upstream_error (late, dead, not asked because it is, or saying what nobody can be), conflict (the external id is another user's, or the user has another).
  Task<Result<>> run(WhoIs who, Session* session, User* user, Trace* trace);

 private:
  Task<Result<std::optional<ResolvedUser>>> ask(WhoIs who);
  Breaker& breaker_of(uint32_t app);

  DirectoryStore& store_;
  Resolver& resolver_;
  Live& live_;
  std::mutex mutex_;
  std::unordered_map<uint32_t, Breaker> breakers_;  // by the app's number
};

}  // namespace kaimen::core

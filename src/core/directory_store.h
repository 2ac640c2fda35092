// Users as the team's own systems see them: found, imported, given external ids and roles; and the sessions that are opened for them beside a
// login. One of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

/// Opens a web-view's session beside that of its mini program.
struct HandOver {
  Id parent, new_session;
  std::string once;          ///< 32 raw bytes naming the code; a second use is `code_used`.
  std::string entry;         ///< Session::entry.
  Time created_after{};      ///< The app's revoked_before: a parent created up to it is `revoked`; zero: no limit.
  Time now{}, idle_expires_at{}, revocations_until{};
  Source source;
};
struct OpenedSession {
  User user;
  Session session;
  std::vector<Revocation> revocations;  ///< Of older web-views that made room: put them in memory before answering.
};

class DirectoryStore {
 public:
  virtual ~DirectoryStore() = default;

  /// The new session has its parent's app, identity and absolute end, and ends whenever the parent is ended. Of one parent's web-views five
  /// live; the oldest is `replaced`. Errors: code_used; unauthenticated with the reason (the parent has ended or run out, or its user is not
  /// active); forbidden (the parent is itself no session of a login).
  virtual Task<Result<OpenedSession>> hand_over(HandOver act) = 0;
};

}  // namespace kaimen::core

// What every way in asks the store to record, by a platform's code (core/login) and by a password (core/passwords): whose app it is, what the
// client said of itself, and how long the session may live. Who it is that logs in, each way adds.
#pragma once

#include "base/random.h"
#include "core/entrances.h"
#include "core/live.h"
#include "core/revocation_life.h"
#include "core/trace.h"

namespace kaimen::core {

/// `Request`: LoginRequest or PasswordRequest. Error: unavailable (no randomness).
template <class Request>
Result<RecordLogin> new_login(const Request& request, Random& random, Time now, const Trace& trace) {
  const App& app = *request.app;
  RecordLogin act;
  act.app = app.number;
  act.app_id = app.app_id;
  act.project = app.project;
  TRY(act.new_user, Id::make(now, random));
  TRY(act.new_session, Id::make(now, random));
  act.default_nickname = app.settings.default_nickname;
  act.registered = app.settings.registration == RegistrationPolicy::open;
  act.restore = request.restore;
  act.env = request.env;
  act.device = request.device;
  Entrances::put(request.came_by, request.app, act);
  act.old_session = request.old_session;
  act.max_per_user = app.settings.max_per_user;
  act.now = now;
  act.idle_expires_at = now + app.settings.idle_seconds;
  act.absolute_expires_at = now + app.settings.absolute_seconds;
  act.revocations_until = revocations_until(now);
  act.source = trace.source;
  return act;
}

}  // namespace kaimen::core

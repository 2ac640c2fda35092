// From guest to registered user, by the app's policy: fields that must be given, documents that must be agreed to, an invitation.
#pragma once

#include <string>
#include <vector>

#include "core/account_store.h"
#include "core/live.h"
#include "core/login.h"
#include "core/sessions.h"
#include "core/tickets.h"
#include "core/trace.h"

namespace kaimen::core {

struct RegistrationRequest {
  AppPtr app;
  Id user, session;
  RegistrationFields fields;  ///< Of those the app asks for.
  std::vector<Agreement> agreements;
  std::string invitation;
};

struct MadeInvitation {
  Secret code;
  int64_t uses = 1;
  Time until{};
};

class Registration {
 public:
  Registration(Store& store, Random& random, Live& live, Tickets& tickets, Sessions& sessions, Profiles& profiles)
      : store_(store), random_(random), live_(live), tickets_(tickets), sessions_(sessions), profiles_(profiles), entrances_(store) {}

  /// Records what is given; when nothing is missing the user is registered, and older tickets answer `renew`. Errors: registration_required
  /// (with what is missing; nothing was recorded), forbidden (the app takes nobody), invalid_request, unauthenticated, those of
  /// Sessions::follow_key, for the answer is a new ticket, and for a nickname those of Profiles::check_name.
  Task<Result<LoginAnswer>> complete(RegistrationRequest request, Trace* trace);

  /// Error: invalid_request (uses must be 1 … 100,000, seconds 60 … 366 days).
  Task<Result<MadeInvitation>> invite(AppPtr app, int64_t uses, int64_t seconds, Trace* trace);

 private:
  Store& store_;
  Random& random_;
  Live& live_;
  Tickets& tickets_;
  Sessions& sessions_;
  Profiles& profiles_;
  Entrances entrances_;
};

/// Names of the fields and documents that the app still asks of the user, and "invitation".
std::vector<std::string> missing_parts(const App& app, const User& user);

/// registration_required, with the names of what is missing.
Error registration_required(const std::vector<std::string>& missing);

}  // namespace kaimen::core

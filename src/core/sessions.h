// The life of a session after login: renewed, looked at, listed, ended. Checks are not here: they touch no store (core/live.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/journal.h"
#include "core/live.h"
#include "core/login.h"
#include "core/open_data.h"
#include "core/store.h"
#include "core/tickets.h"
#include "core/trace.h"

namespace kaimen::core {

class Sessions {
 public:
  Sessions(Store& store, Live& live, Tickets& tickets, OpenData& open_data, Journal& journal, UserRates& user_rates)
      : store_(store), live_(live), tickets_(tickets), open_data_(open_data), journal_(journal), user_rates_(user_rates) {}

  /// A renew token becomes a new ticket and the next renew token. Errors: unauthenticated with the reason (malformed, what ended the session,
  /// expired, reused), unavailable (also when the store lags behind the token; the session is unharmed), those of follow_key; after these the
  /// renew token stays as it is.
  Task<Result<LoginAnswer>> renew(std::string renew_token, Trace* trace);

  /// A ticket that carries what is so now, for the holder of the session, whose older ones an act has just outdated. Errors: those of view().
  Task<Result<std::string>> fresh_ticket(Id session, Trace* trace);

  /// Session and user as they stand. Errors: unauthenticated with the reason when it has ended or run out, or its user is disabled.
  Task<Result<SessionView>> view(Id session, Trace* trace);
  /// Asks the platform, on the client's word, whether a session_key behind the session stands. nullopt: there is none to ask about. Errors:
  /// rate_limited (UserRates), those of OpenData::key_stands.
  Task<Result<std::optional<bool>>> key_stands(AppPtr app, SessionView view, Trace* trace);
  /// Live ones of the user, newest first.
  Task<Result<std::vector<Session>>> list(Id user);

  /// Ends one session; holds on this node before it is answered. Error: not_found (also another user's, when `user` is given).
  Task<Result<>> end(Id session, std::optional<Id> user, Reason reason, Trace* trace);
  /// Ends a user's sessions, all or all in one app, but for `except`.
  Task<Result<>> end_all(Id user, std::optional<Id> except, std::optional<uint32_t> app, Reason reason, Trace* trace);

  /// Disables a user and ends all sessions as `disabled`; a login or renewal in flight cannot slip past. Error: not_found.
  Task<Result<>> disable_user(Id user, std::optional<Time> until, std::string message, Trace* trace);
  Task<Result<>> enable_user(Id user, Trace* trace);

  /// Reads the live revocations into memory; at start.
  Task<Result<>> load_revocations();

  /// Before the holder of a session gets a new ticket for it: where the app's login state follows WeChat's, WeChat is asked whether a session_key
  /// behind a session that lives still stands. Errors: unauthenticated, expired (it says that none does), rate_limited (UserRates). That WeChat
  /// cannot be asked is none.
  Task<Result<>> follow_key(AppPtr app, Id session, Trace* trace);

 private:
  Store& store_;
  Live& live_;
  Tickets& tickets_;
  OpenData& open_data_;
  Journal& journal_;
  UserRates& user_rates_;
};

}  // namespace kaimen::core

// Accounts with a name and a password, for projects that want them: register, log in, change. A name is one within its project, however it
// is spelt (core/account_name.h). Nobody learns which names there are by logging in: an unknown name and a wrong password have one answer
// and take one time. Each guess counts as a failure before it is looked at (docs/security.md, K5).
#pragma once

#include <optional>
#include <string>

#include "core/account_store.h"
#include "core/live.h"
#include "core/login.h"
#include "core/password_thread.h"
#include "core/tickets.h"
#include "core/trace.h"

namespace kaimen::core {

struct PasswordRequest {
  AppPtr app;
  std::string username;
  Secret password;
  std::string nickname;           ///< Of a registration.
  Env env = Env::release;
  Device device;
  std::optional<Id> old_session;  ///< Of the client's own old ticket, opened by the caller.
  CameBy came_by;
  bool restore = false;           ///< A user whose deletion waits is taken back.
};

struct PasswordChange {
  AppPtr app;
  Id user, session;
  std::optional<std::string> username;
  std::optional<Secret> old_password;
  Secret new_password;
};

class Passwords {
 public:
  Passwords(Store& store, Random& random, Live& live, Tickets& tickets, Profiles& profiles, Journal& journal, LoginRates& rates, UserRates& user_rates)
      : store_(store), random_(random), live_(live), tickets_(tickets), profiles_(profiles), journal_(journal), rates_(rates), user_rates_(user_rates),
        entrances_(store), thread_(random) {}

  /// A new user with a session. Errors: not_found (the app has no passwords), forbidden (it is disabled), invalid_request (also a nickname where
  /// names must be checked first: WeChat checks them for those who come with WeChat), conflict (the name is taken), rate_limited with retry_after (too many
  /// logins of the app or the address, or too many are at it).
  Task<Result<LoginAnswer>> register_user(PasswordRequest request, Trace* trace);
  /// Errors: not_found and forbidden as above, forbidden (the user is disabled or deleted), unauthenticated without a reason (no such name or
  /// not its password), rate_limited with retry_after (too many failures, too many logins of the app or the address, or too many are at it).
  Task<Result<LoginAnswer>> login(PasswordRequest request, Trace* trace);
  /// Sets or changes the user's password; all sessions but this one end. Errors: not_found, invalid_request (username or old_password is
  /// wanted), conflict (the name is taken, or not the user's), forbidden (not the old password), rate_limited
  /// (UserRates, too).
  Task<Result<>> change(PasswordChange change, Trace* trace);

 private:
  /// Before anything is made of the password; who finds no place has not used up a login. Errors: not_found, forbidden, rate_limited.
  Result<PasswordThread::Place> admit(const App& app, const Trace& trace);
  Task<Result<LoginAnswer>> answer(PasswordRequest request, LoginRecord record, Trace* trace);
  Task<Result<bool>> is_password(const PasswordThread::Place& place, const App& app, std::string name, Secret password, std::string* hash);

  Store& store_;
  Random& random_;
  Live& live_;
  Tickets& tickets_;
  Profiles& profiles_;
  Journal& journal_;
  LoginRates& rates_;
  UserRates& user_rates_;
  Entrances entrances_;
  PasswordThread thread_;
};

}  // namespace kaimen::core

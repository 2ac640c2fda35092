// One more identity for a user who is logged in: another mini program's or platform's, or the first of somebody who came with a password.
#pragma once

#include "core/account_store.h"
#include "core/login.h"
#include "crypto/vault.h"

namespace kaimen::core {

class Linking {
 public:
  Linking(Store& store, const crypto::Vault& vault, Login& login, UserRates& user_rates, Live& live)
      : store_(store), vault_(vault), login_(login), user_rates_(user_rates), live_(live) {}

  /// Exchanges a code of `app`, which must be of the user's project, and gives the identity to the user. Where it is the user's already
  /// nothing changes, unless its unionid was not known: the tickets of the sessions it opened, which are answered, are outdated then. Errors: conflict (another user's), not_found, rate_limited (UserRates), and those of Login::spend.
  Task<Result<ChangedUser>> link(Id user, AppPtr app, Secret code, Trace* trace);

 private:
  Store& store_;
  const crypto::Vault& vault_;
  Login& login_;
  UserRates& user_rates_;
  Live& live_;
};

}  // namespace kaimen::core

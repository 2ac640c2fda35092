// The rules about a user's account beyond a login with a platform's code.
#pragma once

#include "core/deletion.h"
#include "core/exporting.h"
#include "core/import.h"
#include "core/linking.h"
#include "core/passwords.h"
#include "core/registration.h"
#include "core/support.h"

namespace kaimen::core {

struct AccountServices {
  AccountServices(Store& store, const crypto::Vault& vault, Random& random, Live& live, Tickets& tickets, Sessions& sessions, Login& login,
                  Profiles& profiles, Journal& journal, LoginRates& rates, UserRates& user_rates)
      : passwords(store, random, live, tickets, profiles, journal, rates, user_rates),
        linking(store, vault, login, user_rates, live),
        registration(store, random, live, tickets, sessions, profiles),
        deletion(store, live),
        exporting(store.accounts()),
        importing(store.directory(), vault, random, live),
        support(store.directory(), random, live, tickets) {}

  Passwords passwords;
  Linking linking;
  Registration registration;
  Deletion deletion;
  Exporting exporting;
  Importing importing;
  Support support;
};

}  // namespace kaimen::core

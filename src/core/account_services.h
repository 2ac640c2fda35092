// The rules about a user's account beyond a login with a platform's code.
#pragma once

#include "core/deletion.h"
#include "core/linking.h"
#include "core/passwords.h"
#include "core/registration.h"

namespace kaimen::core {

struct AccountServices {
  AccountServices(Store& store, const crypto::Vault& vault, Random& random, Live& live, Tickets& tickets, Login& login)
      : passwords(store, random, live, tickets),
        linking(store, vault, login, live.clock),
        registration(store, random, live, tickets),
        deletion(store, live) {}

  Passwords passwords;
  Linking linking;
  Registration registration;
  Deletion deletion;
};

}  // namespace kaimen::core

// Passwords, registration, linked identities, deletion and export, as one of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

class AccountStore {
 public:
  virtual ~AccountStore() = default;
};

}  // namespace kaimen::core

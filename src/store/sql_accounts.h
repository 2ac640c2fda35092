// core/account_store.h on an SQL database.
#pragma once

#include "core/account_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlAccounts final : public core::AccountStore {
 public:
  explicit SqlAccounts(ActQueue queue) : queue_(queue) {}

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

// core/seal_store.h on an SQL database.
#pragma once

#include "core/seal_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlSeals final : public core::SealStore {
 public:
  explicit SqlSeals(ActQueue queue) : queue_(queue) {}

  Task<Result<core::MasterKeyState>> master_keys(Millis alive_within) override;
  Task<Result<bool>> set_master_keys(core::MasterKeyState expected, core::MasterKeyState wanted) override;
  Task<Result<core::ResealedPage>> reseal(core::ResealPage act) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

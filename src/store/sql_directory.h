// core/directory_store.h on an SQL database.
#pragma once

#include "core/directory_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlDirectory final : public core::DirectoryStore {
 public:
  explicit SqlDirectory(ActQueue queue) : queue_(queue) {}

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

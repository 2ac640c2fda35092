// core/journal_store.h on an SQL database.
#pragma once

#include "core/journal_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlJournal final : public core::JournalStore {
 public:
  explicit SqlJournal(ActQueue queue) : queue_(queue) {}

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

// core/media_store.h on an SQL database.
#pragma once

#include "core/media_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlMedia final : public core::MediaStore {
 public:
  explicit SqlMedia(ActQueue queue) : queue_(queue) {}

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

// Users as the team's own systems see them: found, imported, given external ids and roles. One of the ports of the store (core/store.h has
// the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

class DirectoryStore {
 public:
  virtual ~DirectoryStore() = default;
};

}  // namespace kaimen::core

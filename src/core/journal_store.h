// What happened, and who is told: events, webhooks, deliveries. One of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

class JournalStore {
 public:
  virtual ~JournalStore() = default;
};

}  // namespace kaimen::core

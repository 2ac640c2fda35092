// One node below its listeners: the store, WeChat, and the rules over them, made in the order of their dependencies. `kaimen serve` puts
// listeners on it; command-line verbs use it in-process when no server runs.
#pragma once

#include <memory>

#include "app/config.h"
#include "app/failure.h"
#include "app/master_key.h"
#include "base/clock.h"
#include "base/random.h"
#include "core/node_clock.h"
#include "core/services.h"
#include "crypto/vault.h"
#include "http/client.h"
#include "platform/platforms.h"
#include "store/open.h"

namespace kaimen::app {

/// Where time and randomness come from.
struct Machine {
  SystemClock clock;
  SystemRandom random;
};

class Node {
 public:
  /// Opens the store (bringing it to this version) and reads keys, apps and revocations into memory. The caller holds the DataLock.
  /// Failure: what cannot be opened, and why.
  static OrFail<std::unique_ptr<Node>> start(Machine& machine, const Config& config, MasterKeyPair keys);

  core::Services& services() { return *services_; }

 private:
  Node(Machine& machine, crypto::Vault vault);
  OrFail<> open(Machine& machine, const Config& config);

  core::NodeClock clock_;  // of use where the store is shared
  crypto::Vault vault_;
  std::unique_ptr<core::Store> store_;
  http::Client client_;
  std::unique_ptr<core::Outbound> outbound_;
  std::unique_ptr<core::Resolver> resolver_;
  platform::PlatformTable platforms_;
  std::unique_ptr<core::Services> services_;
};

}  // namespace kaimen::app

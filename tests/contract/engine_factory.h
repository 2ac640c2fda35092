// A store on a database server, for the contract suite: an empty database of its own, and clocks that a test moves.
#pragma once

#include "store/open.h"
#include "tests/contract/manual_clock.h"
#include "tests/contract/store_contract.h"
#include "tests/servers/urls.h"

namespace kaimen::contract {

class EngineFactory final : public StoreFactory {
 public:
  explicit EngineFactory(servers::Engine engine) : engine_(engine), database_(engine) {}

  std::unique_ptr<core::Store> open() override {
    store::StoreOptions options;
    options.url = database_.url();
    options.connections = 2;
    options.steady = [this] { return clock.steady(); };
    return store::open_store(std::move(options), clock).value();
  }
  void pass(Millis duration) override { clock.passed += duration.count(); }
  std::vector<std::vector<std::string>> query(const std::string& sql) override { return servers::execute(engine_, database_.url(), sql); }
  const std::string& url() const { return database_.url(); }

  ManualClock clock;

 private:
  const servers::Engine engine_;
  const servers::Database database_;
};

}  // namespace kaimen::contract

// The contract on real servers.
#include "tests/contract/directory_contract.h"
#include "tests/contract/engine_factory.h"
#include "tests/contract/journal_contract.h"

namespace kaimen::contract {

namespace {

MakeFactory on(servers::Engine engine) {
  return [engine] { return std::make_unique<EngineFactory>(engine); };
}
constexpr auto name = [](const auto&) { return std::string("server"); };

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, testing::Values(on(servers::Engine::postgres)), name);
INSTANTIATE_TEST_SUITE_P(Mysql, StoreContract, testing::Values(on(servers::Engine::mysql)), name);
INSTANTIATE_TEST_SUITE_P(Postgres, JournalContract, testing::Values(on(servers::Engine::postgres)), name);
INSTANTIATE_TEST_SUITE_P(Mysql, JournalContract, testing::Values(on(servers::Engine::mysql)), name);
INSTANTIATE_TEST_SUITE_P(Postgres, DirectoryContract, testing::Values(on(servers::Engine::postgres)), name);
INSTANTIATE_TEST_SUITE_P(Mysql, DirectoryContract, testing::Values(on(servers::Engine::mysql)), name);

}  // namespace kaimen::contract

// The SQLite store for the contract suite and for its own tests: a file of its own, and clocks that a test moves.
#pragma once

#include <filesystem>

#include "store/open.h"
#include "tests/contract/manual_clock.h"
#include "tests/contract/sqlite_query.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "kaimen-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::filesystem::path path;
};

class SqliteFactory final : public StoreFactory {
 public:
  std::unique_ptr<core::Store> open() override { return open_sqlite().value(); }
  Result<std::unique_ptr<store::SqlStore>> open_sqlite() {
    store::SqliteOptions options;
    options.path = file();
    options.steady = [this] { return clock.steady(); };
    return store::open_sqlite(std::move(options), clock);
  }
  void pass(Millis duration) override { clock.passed += duration.count(); }
  std::vector<std::vector<std::string>> query(const std::string& sql) override { return query_sqlite(file(), sql); }
  std::string file() const { return (directory.path / "kaimen.db").string(); }

  TemporaryDirectory directory;
  ManualClock clock;
};

}  // namespace kaimen::contract

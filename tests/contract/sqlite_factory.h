// The SQLite store for the contract suite and for its own tests: a file of its own, and clocks that a test moves.
#pragma once

#include <sqlite3.h>

#include <filesystem>

#include "store/open.h"
#include "tests/contract/manual_clock.h"
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
  std::vector<std::vector<std::string>> query(const std::string& sql) override {
    sqlite3* handle = nullptr;
    EXPECT_EQ(sqlite3_open_v2(file().c_str(), &handle, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    std::vector<std::vector<std::string>> rows;
    const auto collect = [](void* into, int count, char** values, char**) {
      auto& row = static_cast<std::vector<std::vector<std::string>>*>(into)->emplace_back();
      for (int i = 0; i < count; ++i) row.emplace_back(values[i] ? values[i] : "NULL");
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), collect, &rows, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
    sqlite3_close(handle);
    return rows;
  }
  std::string file() const { return (directory.path / "kaimen.db").string(); }

  TemporaryDirectory directory;
  ManualClock clock;
};

}  // namespace kaimen::contract

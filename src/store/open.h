// Opens the store that a URL names.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/migrate.h"
#include "store/sql_store.h"

namespace kaimen::store {

struct SqliteOptions {
  std::string path;             ///< The database file; its directory exists. Made with mode 0600 if it is not there.
  int checkpoint_pages = 4000;  ///< The WAL is copied back when it holds so many pages (of 4 KiB).
  std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;  ///< See SqlStore::Options.
  Millis events_kept = std::chrono::days(400);
};
/// One file, one connection, one thread. Creates and migrates it. `clock` must outlive the store. Errors, in words for the operator:
/// unavailable (cannot be opened or written, locked), invalid_request (not a database, another program's, a newer schema, one that nodes must
/// not use: marks.h).
Result<std::unique_ptr<SqlStore>> open_sqlite(SqliteOptions options, const Clock& clock);

/// sqlite:///path, postgres://… (or postgresql://), mysql://… (or mariadb://). Nullopt: none of them.
std::optional<Dialect> dialect_of(std::string_view url);

struct StoreOptions {
  std::string url;
  int connections = 4;  ///< Of engines on a network, beside one that follows the other nodes.
  std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;  ///< See SqlStore::Options.
  Millis events_kept = std::chrono::days(400);
};
/// As open_sqlite, for any engine. `clock` is the node's: stamps that other nodes read are made by it.
Result<std::unique_ptr<SqlStore>> open_store(StoreOptions options, const Clock& clock);

/// A connection of its own, for looking at a database from the command line. A SQLite file must be there, and nobody else at it.
Result<std::unique_ptr<Engine>> open_engine(const std::string& url, const Clock& clock);

}  // namespace kaimen::store

// A copy of a SQLite database into a file, made by the connection that writes to it: page by page (sqlite3_backup), so that logins go on between
// the steps. What is written meanwhile goes into the copy, too. A second connection is not an option (SQLite 3.40.1, see writer.h).
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

#include "core/store.h"

namespace kaimen::store {

class Database;

class SqliteSnapshot {
 public:
  /// Begins a copy into `file`, which is made with mode 0600 in place of what was there. `source` must outlive the copy, and be in no transaction at
  /// each step. Error: conflict (no room for it, or it cannot be made), with words for the operator.
  static Result<std::unique_ptr<SqliteSnapshot>> begin(Database& source, const std::string& file);
  /// Nothing is left of a copy that is not whole.
  ~SqliteSnapshot();
  SqliteSnapshot(const SqliteSnapshot&) = delete;
  SqliteSnapshot& operator=(const SqliteSnapshot&) = delete;

  /// Some pages more. After `done`, and after an error other than unavailable (a lock of somebody else's: try again), there is no next step.
  Result<core::BackupProgress> step();

 private:
  explicit SqliteSnapshot(std::string file) : file_(std::move(file)) {}
  Result<> finish();

  const std::string file_;
  sqlite3* target_ = nullptr;
  sqlite3_backup* copy_ = nullptr;
  bool whole_ = false;
};

/// Where the copy of the database in `path` is made.
inline std::string snapshot_path(const std::string& path) { return path + ".snapshot"; }

/// That a database file nobody else has open is whole, every page of it. Error: invalid_request, with what SQLite found.
Result<> check_integrity(const std::string& path);

}  // namespace kaimen::store

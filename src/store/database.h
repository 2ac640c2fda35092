// A thin layer over one sqlite3 connection: owned handles, typed values, errors as values.
//
// It keeps two promises for the writer above it. Every failure is remembered until clear_failure(), so that an act which overlooks an error
// is still not committed. And a statement is always reset when its Statement goes, so that no cursor outlives its act. One thread only.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "store/table.h"

namespace kaimen::store {

/// A value to be bound as bytes rather than as text.
struct Blob {
  std::string_view bytes;
};
/// Empty text becomes NULL (columns where "none" must not take part in a unique key).
struct NullIfEmpty {
  std::string_view text;
};

struct SqlFailure {
  int code = 0;  ///< SQLite's extended result code.
  std::string message;
  /// The disk, memory or a lock failed, not the act: whatever else is tried now would fail as well.
  bool environmental() const;
  /// A row is there already.
  bool conflict() const { return (code & 0xff) == SQLITE_CONSTRAINT; }
  /// unavailable if environmental, conflict, else internal.
  Error error() const;
};

class Database;

/// One use of a prepared statement; goes back to the connection's cache, reset, when it is destroyed.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Binds the next parameter. Failures surface at step().
  Statement& bind(int64_t value);
  Statement& bind(int value) { return bind(int64_t{value}); }
  Statement& bind(uint32_t value) { return bind(int64_t{value}); }
  Statement& bind(bool value) { return bind(int64_t{value}); }
  Statement& bind(Time value) { return bind(epoch_ms(value)); }
  Statement& bind(const Id& value) { return bind(Blob{value.raw()}); }
  Statement& bind(Blob value);
  Statement& bind(std::string_view text);
  Statement& bind(const std::string& text) { return bind(std::string_view(text)); }
  Statement& bind(const char* text) { return bind(std::string_view(text)); }
  Statement& bind(NullIfEmpty value);
  Statement& bind(std::nullopt_t);
  template <class T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(std::nullopt);
  }

  /// The characters must stay until the statement has been stepped.
  Statement& bind(const Cell& cell);

  /// Ready to be bound and stepped once more.
  void again();
  /// True: a row is there. Errors: unavailable, internal.
  Result<bool> step();

  bool is_null(int column) const;
  /// A view that holds until the next step.
  Cell cell(int column, Kind kind) const;
  int64_t integer(int column) const;
  uint32_t number(int column) const { return static_cast<uint32_t>(integer(column)); }
  bool flag(int column) const { return integer(column) != 0; }
  Time time(int column) const { return from_epoch_ms(integer(column)); }
  std::optional<Time> optional_time(int column) const;
  std::string text(int column) const;  ///< Of text and bytes alike; empty for NULL.
  Id id(int column) const;             ///< Zero for NULL.

 private:
  void check(int code);
  Database& database_;
  std::string_view sql_;
  sqlite3_stmt* handle_;
  int bound_ = 0;
};

class Database {
 public:
  /// Opens or creates (mode 0600) the file, in WAL mode with synchronous=FULL; a checkpoint follows every `checkpoint_pages` pages.
  /// Errors, in words: unavailable (cannot be opened or written, locked), invalid_request (not a database).
  static Result<std::unique_ptr<Database>> open(const std::string& path, int checkpoint_pages);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Runs `sql` to its end; yields the number of rows it changed. `sql` must be a literal: the cache keeps a view of it.
  template <class... Values>
  Result<int64_t> run(std::string_view sql, const Values&... values) {
    Statement statement(*this, sql);
    (statement.bind(values), ...);
    return finish(statement);
  }
  /// Runs several statements without values (migrations, pragmas).
  Result<> script(const char* sql);

  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  /// Rows changed since the connection was opened.
  int64_t total_changes() const { return sqlite3_total_changes64(handle_); }
  /// The first failure since clear_failure().
  const std::optional<SqlFailure>& failure() const { return failure_; }
  void clear_failure() { failure_.reset(); }
  /// For a copy of it (sqlite_snapshot.h).
  sqlite3* handle() { return handle_; }
  /// Leaves the file as it is on disk when it is closed: for a connection that can no longer be trusted.
  void close_without_checkpoint();

 private:
  friend class Statement;
  explicit Database(sqlite3* handle) : handle_(handle) {}
  Result<int64_t> finish(Statement& statement);
  Error fail(int code);
  sqlite3_stmt* borrow(std::string_view sql);
  void give_back(std::string_view sql, sqlite3_stmt* statement);

  sqlite3* handle_;
  std::unordered_map<std::string_view, sqlite3_stmt*> idle_;
  std::optional<SqlFailure> failure_;
};

}  // namespace kaimen::store

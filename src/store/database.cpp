#include "store/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <mutex>
#include <utility>

namespace kaimen::store {

namespace {

constexpr int kBusyMillis = 1000;           // a lock held by someone else's tool
constexpr int kRowBytes = 1088 * 1024;      // of a row with the largest value there is, an avatar's body; a larger one is a bug, and fails its act

// Temporaries bound to a statement may be gone before it is stepped, so SQLite takes copies (what SQLITE_TRANSIENT spells as a C cast).
const sqlite3_destructor_type kCopy = reinterpret_cast<sqlite3_destructor_type>(-1);  // NOLINT

Error open_error(int code, const std::string& path, const char* message) {
  const bool wrong_file = (code & 0xff) == SQLITE_NOTADB;
  if (wrong_file) return make_error(ErrorCode::invalid_request, path + " is not a database");
  if ((code & 0xff) == SQLITE_CORRUPT) return make_error(ErrorCode::invalid_request, path + " is damaged: " + message);
  if ((code & 0xff) == SQLITE_BUSY) return make_error(ErrorCode::unavailable, path + " is locked by another process");
  return make_error(ErrorCode::unavailable, "cannot open " + path + " for writing (are the file and its directory writable?): " + message);
}

}  // namespace

bool SqlFailure::environmental() const {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

Error SqlFailure::error() const {
  const ErrorCode kind = environmental() ? ErrorCode::unavailable : conflict() ? ErrorCode::conflict : ErrorCode::internal;
  return make_error(kind, "sqlite " + std::to_string(code) + ": " + message);
}

// ---- Statement ----

Statement::Statement(Database& database, std::string_view sql) : database_(database), sql_(sql), handle_(database.borrow(sql)) {}

Statement::~Statement() {
  if (handle_) database_.give_back(sql_, handle_);
}

void Statement::check(int code) {
  if (code != SQLITE_OK) database_.fail(code);
}

Statement& Statement::bind(int64_t value) {
  if (handle_) check(sqlite3_bind_int64(handle_, ++bound_, value));
  return *this;
}
Statement& Statement::bind(Blob value) {
  // A null pointer would bind NULL instead of no bytes.
  const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
  if (handle_) check(sqlite3_bind_blob64(handle_, ++bound_, bytes, value.bytes.size(), kCopy));
  return *this;
}
Statement& Statement::bind(std::string_view text) {
  const char* bytes = text.empty() ? "" : text.data();
  if (handle_) check(sqlite3_bind_text64(handle_, ++bound_, bytes, text.size(), kCopy, SQLITE_UTF8));
  return *this;
}
Statement& Statement::bind(NullIfEmpty value) { return value.text.empty() ? bind(std::nullopt) : bind(value.text); }
Statement& Statement::bind(std::nullopt_t) {
  if (handle_) check(sqlite3_bind_null(handle_, ++bound_));
  return *this;
}

Statement& Statement::bind(const Cell& cell) {
  if (!handle_) return *this;
  const char* text = cell.text.empty() ? "" : cell.text.data();
  if (cell.null) {
    check(sqlite3_bind_null(handle_, ++bound_));
  } else if (cell.kind == Kind::integer) {
    check(sqlite3_bind_int64(handle_, ++bound_, cell.integer));
  } else if (cell.kind == Kind::text) {
    check(sqlite3_bind_text64(handle_, ++bound_, text, cell.text.size(), SQLITE_STATIC, SQLITE_UTF8));
  } else {
    check(sqlite3_bind_blob64(handle_, ++bound_, text, cell.text.size(), SQLITE_STATIC));
  }
  return *this;
}

Result<bool> Statement::step() {
  // A failed prepare or bind was recorded; a half-bound statement must not run.
  if (database_.failure_) return database_.failure_->error();
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_.fail(code);
}

void Statement::again() {
  sqlite3_reset(handle_);
  bound_ = 0;
}

Cell Statement::cell(int column, Kind kind) const {
  if (is_null(column)) return Cell{kind, true};
  if (kind == Kind::integer) return Cell{kind, false, integer(column)};
  const void* bytes = sqlite3_column_blob(handle_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_, column));
  return Cell{kind, false, 0, bytes ? std::string_view(static_cast<const char*>(bytes), size) : std::string_view()};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
std::optional<Time> Statement::optional_time(int column) const {
  if (is_null(column)) return std::nullopt;
  return time(column);
}
std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_, column));
  return bytes ? std::string(static_cast<const char*>(bytes), size) : std::string();
}
Id Statement::id(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(handle_, column));
  return Id::from_raw(std::string_view(static_cast<const char*>(bytes), bytes ? size : 0)).value_or(Id{});
}

// ---- Database ----

Result<std::unique_ptr<Database>> Database::open(const std::string& path, int checkpoint_pages) {
  // Its statistics of memory cost a lock for every allocation. Too late, and then refused, when the process used SQLite before.
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });

  // SQLite would create the file with the umask's mode; the -wal and -shm files take theirs from it.
  if (const int created = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); created >= 0) ::close(created);

  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Database> database(new Database(handle));
  if (code != SQLITE_OK) return open_error(code, path, handle ? sqlite3_errmsg(handle) : "out of memory");
  sqlite3_busy_timeout(handle, kBusyMillis);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kRowBytes);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);

  auto settings = database->script(
      "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768;"
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"
      // Takes the write lock once: a file or directory that cannot be written shows here, not at the first login.
      "BEGIN IMMEDIATE; COMMIT");
  if (!settings) return open_error(database->failure_->code, path, database->failure_->message.c_str());
  {
    Statement mode(*database, "PRAGMA journal_mode");
    TRY(const bool row, mode.step());
    if (!row || mode.text(0) != "wal") return make_error(ErrorCode::unavailable, path + " is on a file system without write-ahead logging");
  }
  sqlite3_wal_autocheckpoint(handle, checkpoint_pages);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

void Database::close_without_checkpoint() { sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

Result<> Database::script(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(code);
  return ok();
}

Result<int64_t> Database::finish(Statement& statement) {
  for (;;) {
    TRY(const bool row, statement.step());
    if (!row) return sqlite3_changes64(handle_);
  }
}

Error Database::fail(int code) {
  SqlFailure failure{code, sqlite3_errmsg(handle_)};
  const Error error = failure.error();
  if (!failure_) failure_ = std::move(failure);
  return error;
}

sqlite3_stmt* Database::borrow(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end() && found->second) return std::exchange(found->second, nullptr);
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  return statement;
}

void Database::give_back(std::string_view sql, sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);  // no secret stays behind in a bound value
  // Where an act used the same text twice at a time, one copy is enough.
  if (sqlite3_stmt*& kept = idle_[sql]; kept) {
    sqlite3_finalize(statement);
  } else {
    kept = statement;
  }
}

}  // namespace kaimen::store

#include "store/sqlite_engine.h"

namespace kaimen::store {

namespace {

constexpr auto kForgotten = std::chrono::minutes(1);  // a copy that nobody goes on with

std::string names(const TableInfo& table) {
  std::string text;
  for (const ColumnInfo& column : table.columns) {
    if (!text.empty()) text += ", ";
    text += column.name;
  }
  return text;
}

std::string select_from(const TableInfo& table) { return "SELECT " + names(table) + " FROM " + std::string(table.name); }

std::string lookup_sql(const Lookup& lookup) {
  std::string sql = select_from(*lookup.table) + " WHERE ";
  for (size_t i = 0; i < lookup.count; ++i) {
    if (i > 0) sql += " AND ";
    sql += std::string(lookup.table->columns[lookup.columns[i]].name) + " = ?";
  }
  if (!lookup.where.empty()) sql += " AND " + std::string(lookup.where);
  return sql;
}

std::string scan_sql(const Scan& scan) {
  std::string sql = select_from(*scan.table);
  if (!scan.where.empty()) sql += " WHERE " + std::string(scan.where);
  if (!scan.order.empty()) sql += " ORDER BY " + std::string(scan.order);
  if (scan.limited) sql += " LIMIT ?";
  return sql;
}

/// " WHERE id = ? AND version = ?": what names the row, in the order of an update's first cells.
std::string row_condition(const TableInfo& table, bool with_guard) {
  std::string sql = " WHERE ";
  const size_t count = table.keys + (with_guard && table.guarded ? 1 : 0);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) sql += " AND ";
    // Numbered, because an update's values are set before they are compared.
    sql += std::string(table.columns[i].name) + " = ?" + std::to_string(i + 1);
  }
  return sql;
}

std::string insert_sql(const TableInfo& table) {
  std::string sql = "INSERT INTO " + std::string(table.name) + " (" + names(table) + ") VALUES (";
  for (size_t i = 0; i < table.columns.size(); ++i) sql += i == 0 ? "?" : ", ?";
  return sql + ")";
}

std::string update_sql(const TableInfo& table, uint64_t columns) {
  std::string set;
  size_t value = table.keys + (table.guarded ? 1 : 0);
  if (table.guarded) set = std::string(table.columns[table.keys].name) + " = " + std::string(table.columns[table.keys].name) + " + 1";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if ((columns >> i & 1) == 0) continue;
    if (!set.empty()) set += ", ";
    set += std::string(table.columns[i].name) + " = ?" + std::to_string(++value);
  }
  return "UPDATE " + std::string(table.name) + " SET " + set + row_condition(table, true);
}

}  // namespace

SqliteEngine::SqliteEngine(std::unique_ptr<Database> database, std::string path, int checkpoint_pages, const Clock& clock)
    : path_(std::move(path)), checkpoint_pages_(checkpoint_pages), clock_(clock), database_(std::move(database)) {}

Result<> SqliteEngine::begin(bool writes) {
  if (snapshot_ && clock_.now() - stepped_at_ > kForgotten) snapshot_.reset();
  if (!healthy_) {
    TRY(reopen());
  }
  // The write lock is taken first: a transaction that reads and then writes could find its snapshot overtaken.
  const auto begun = database_->run(writes ? "BEGIN IMMEDIATE" : "BEGIN");
  if (begun) return ok();
  const int code = database_->failure()->code & 0xff;
  healthy_ = code == SQLITE_BUSY || code == SQLITE_FULL;
  return begun.error();
}

Result<> SqliteEngine::rows_into(Statement& statement, const TableInfo& table, const Sink& sink) {
  std::array<Cell, 64> cells;
  for (;;) {
    TRY(const bool found, statement.step());
    if (!found) return ok();
    for (size_t i = 0; i < table.columns.size(); ++i) cells[i] = statement.cell(static_cast<int>(i), table.columns[i].kind);
    sink(std::span(cells).first(table.columns.size()));
  }
}

Result<> SqliteEngine::read(std::span<const Read> reads) {
  for (const Read& read : reads) {
    std::string& sql = reads_[read.lookup];
    if (sql.empty()) sql = lookup_sql(*read.lookup);
    Statement statement(*database_, sql);
    for (size_t at = 0; at < read.values.size(); at += read.lookup->count) {
      if (at > 0) statement.again();
      for (const Cell& value : read.values.subspan(at, read.lookup->count)) statement.bind(value);
      TRY(rows_into(statement, *read.lookup->table, read.sink));
    }
  }
  return ok();
}

Result<> SqliteEngine::scan(const Scan& scan, std::span<const Cell> values, const Sink& sink) {
  std::string& sql = reads_[&scan];
  if (sql.empty()) sql = scan_sql(scan);
  Statement statement(*database_, sql);
  for (const Cell& value : values) statement.bind(value);
  return rows_into(statement, *scan.table, sink);
}

std::string_view SqliteEngine::sql_of(const Write& write) {
  std::string& sql = writes_[{write.table, write.what, write.columns}];
  if (!sql.empty()) return sql;
  if (write.what == Write::What::insert) sql = insert_sql(*write.table);
  if (write.what == Write::What::update) sql = update_sql(*write.table, write.columns);
  if (write.what == Write::What::remove) sql = "DELETE FROM " + std::string(write.table->name) + row_condition(*write.table, false);
  return sql;
}

Result<> SqliteEngine::write(const Write& write) {
  Statement statement(*database_, sql_of(write));
  const size_t width = write.width();
  const int64_t before = database_->total_changes();
  for (size_t row = 0; row < write.rows; ++row) {
    if (row > 0) statement.again();
    for (const Cell& cell : write.cells.subspan(row * width, width)) statement.bind(cell);
    TRY(statement.step());
  }
  if (database_->total_changes() - before == static_cast<int64_t>(write.rows)) return ok();
  return make_error(ErrorCode::conflict, "a row of " + std::string(write.table->name) + " has changed");
}

Result<> SqliteEngine::commit(std::span<const Write> writes, bool& unknown) {
  unknown = false;  // the one connection knows what it committed
  for (const Write& change : writes) {
    TRY(write(change));
  }
  auto committed = database_->run("COMMIT");
  if (committed) return ok();
  Error error = committed.error();
  error.code = ErrorCode::unavailable;
  return error;
}

// The connection is kept after a failed commit: it knows that the frames it wrote do not count. One that recovers from the file would take
// them for committed, although their acts were answered `unavailable`.
void SqliteEngine::roll_back() noexcept {
  if (!database_) return;
  database_->clear_failure();
  if (!database_->in_transaction()) return;
  static_cast<void>(database_->script("ROLLBACK"));
  healthy_ = !database_->in_transaction();
}

Result<> SqliteEngine::script(const std::string& sql) { return database_->script(sql.c_str()); }

Result<core::BackupProgress> SqliteEngine::back_up(bool anew) {
  if (anew) {
    snapshot_.reset();
    if (!healthy_) {
      TRY(reopen());
    }
    TRY(snapshot_, SqliteSnapshot::begin(*database_, snapshot_path(path_)));
  }
  if (!snapshot_) return make_error(ErrorCode::invalid_request, "no copy is under way (the database was opened anew, or nobody went on for a minute)");
  stepped_at_ = clock_.now();
  auto step = snapshot_->step();
  const bool may_go_on = step ? !step.value().done : step.error().code == ErrorCode::unavailable;
  if (!may_go_on) snapshot_.reset();
  return step;
}

Result<> SqliteEngine::reopen() {
  snapshot_.reset();
  if (database_) database_->close_without_checkpoint();
  database_.reset();  // before the next one is there: never two connections
  auto opened = Database::open(path_, checkpoint_pages_);
  if (!opened) return make_error(ErrorCode::unavailable, opened.error().detail);
  database_ = std::move(opened).value();
  healthy_ = true;
  return ok();
}

}  // namespace kaimen::store

#include "store/copy.h"

#include <cstdio>
#include <thread>

#include "base/encoding.h"
#include "store/marks.h"
#include "store/migrate.h"
#include "store/tables.h"
#include "store/transaction.h"

namespace kaimen::store {

namespace {

constexpr size_t kChunkRows = 500;
constexpr size_t kChunkBytes = 1024 * 1024;  // a chunk ends with the row that passes it
constexpr int kTries = 20;
constexpr auto kPause = std::chrono::milliseconds(500);

using Row = std::span<const Cell>;

// ---- words ----

std::string shown(const Cell& cell) {
  if (cell.null) return "NULL";
  if (cell.kind == Kind::integer) return std::to_string(cell.integer);
  if (cell.kind == Kind::bytes) return to_hex(cell.text);
  std::string text = "'";
  for (const char c : cell.text) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    const bool plain = (c >= ' ' && c < 0x7f && c != '\'' && c != '\\');
    text += plain ? std::string(1, c) : escape;
  }
  return text + "'";
}

/// "identities, provider='wechat' app_id='wx…'": which row it is.
std::string which(const TableInfo& table, Row row) {
  std::string text(table.name);
  for (size_t i = 0; i < table.keys; ++i) text += (i == 0 ? ", " : " ") + std::string(table.columns[i].name) + "=" + shown(row[i]);
  return text;
}

Error refused(std::string text) { return make_error(ErrorCode::invalid_request, std::move(text)); }

/// ok, or an error that names the columns in which the two differ. Their values are left out: some are secrets.
Result<> expect_equal(const TableInfo& table, Row source, Row target) {
  std::string columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!equal_cells(source[i], target[i])) columns += (columns.empty() ? "" : ", ") + std::string(table.columns[i].name);
  }
  if (columns.empty()) return ok();
  return refused(which(table, source) + ": not the same there as here (" + columns + ")");
}

/// What PostgreSQL and MySQL do not keep in a text, whatever its length.
Result<> expect_keepable(const TableInfo& table, Row row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i].null || row[i].kind != Kind::text) continue;
    const bool zero = row[i].text.find('\0') != std::string_view::npos;
    if (zero || !is_utf8(row[i].text)) {
      return refused(which(table, row) + ", column " + std::string(table.columns[i].name) + ": " +
                     (zero ? "a text with a zero character" : "a text that is not UTF-8") + ", which no server keeps");
    }
  }
  return ok();
}

// ---- both sides together ----

/// Calls `use(source row, target row)` for each key of either side, in order; the row of a side that has none is empty.
template <class Use>
Result<> walk(const CopySide& source, const CopySide& target, const PagedTable& table, const Use& use) {
  Pager here(source, table), there(target, table);
  for (;;) {
    TRY(const Row from, here.head());
    TRY(const Row to, there.head());
    if (from.empty() && to.empty()) return ok();
    int order = from.empty() ? 1 : -1;
    if (!from.empty() && !to.empty()) order = compare_keys(from, to, table.info->keys);
    TRY(use(order <= 0 ? from : Row(), order >= 0 ? to : Row()));
    if (order <= 0) here.pass();
    if (order >= 0) there.pass();
  }
}

// ---- writing ----

/// Gathers rows of one table in the order of their keys and inserts them, a chunk a transaction.
class Inserter {
 public:
  Inserter(Engine& engine, const PagedTable& table) : engine_(engine), table_(table) {}

  Result<> add(Row row) {
    chunk_.append(row);
    return chunk_.rows() < kChunkRows && chunk_.bytes() < kChunkBytes ? Result<>(ok()) : flush();
  }
  Result<> flush();

 private:
  Result<> insert(std::span<const Cell> cells, size_t rows);
  Result<> drop_present();
  Result<> insert_singly();

  Engine& engine_;
  const PagedTable& table_;
  RowBuffer chunk_;
};

Result<> Inserter::insert(std::span<const Cell> cells, size_t rows) {
  bool unknown = false;
  const Write write{Write::What::insert, table_.info, 0, cells, rows};
  Result<> done = engine_.begin(true);
  if (done) done = engine_.commit({&write, 1}, unknown);
  if (!done) engine_.roll_back();
  return done;
}

Result<> Inserter::flush() {
  for (int tries = 1; chunk_.rows() > 0; ++tries) {
    const auto done = insert(chunk_.cells(), chunk_.rows());
    if (done) break;
    const ErrorCode code = done.error().code;
    if (code == ErrorCode::internal) return insert_singly();
    const bool passing = code == ErrorCode::unavailable || code == ErrorCode::conflict;
    if (!passing || tries == kTries) return done.error();
    std::this_thread::sleep_for(kPause);
    // A commit whose answer was lost may have been one.
    const auto dropped = drop_present();
    if (!dropped && dropped.error().code != ErrorCode::unavailable) return dropped.error();
  }
  chunk_.clear();
  return ok();
}

/// Takes those out of the chunk that are there already.
Result<> Inserter::drop_present() {
  std::vector<Cell> keys;
  for (size_t i = 0; i < chunk_.rows(); ++i) {
    const Row key = chunk_.row(i).first(table_.info->keys);
    keys.insert(keys.end(), key.begin(), key.end());
  }
  std::vector<bool> present(chunk_.rows());
  Result<> same = ok();
  const auto compare = [&](Row found) {
    for (size_t i = 0; i < chunk_.rows(); ++i) {
      if (compare_keys(chunk_.row(i), found, table_.info->keys) != 0) continue;
      present[i] = true;
      if (same) same = expect_equal(*table_.info, chunk_.row(i), found);
    }
  };
  const Read read{table_.by_key, keys, compare};
  TRY(in_transaction(engine_, false, [&](std::vector<Write>&) { return engine_.read({&read, 1}); }));
  TRY(same);
  RowBuffer left;
  for (size_t i = 0; i < chunk_.rows(); ++i) {
    if (!present[i]) left.append(chunk_.row(i));
  }
  chunk_ = std::move(left);
  return ok();
}

/// After the server has refused one of them, to find out which.
Result<> Inserter::insert_singly() {
  for (size_t i = 0; i < chunk_.rows(); ++i) {
    const auto done = insert(chunk_.row(i), 1);
    if (done) continue;
    if (done.error().code == ErrorCode::unavailable) return done.error();
    return refused(which(*table_.info, chunk_.row(i)) + ": " + done.error().detail);
  }
  chunk_.clear();
  return ok();
}

// ---- the steps ----

class Copy {
 public:
  Copy(const CopySide& source, const CopySide& target, const OnCopyProgress& progress)
      : source_(source), target_(target), progress_(progress) {}

  /// Counts, and refuses what cannot become a copy.
  Result<> look();
  Result<> write();
  Result<> verify();
  std::vector<CopiedTable> take_tables() { return std::move(tables_); }

 private:
  void start(CopyStep step, uint64_t total) { at_ = {step, {}, 0, total}; }
  /// One row more of `table`.
  void count(const TableInfo& table) {
    at_.table = table.name;
    if (++at_.done % kPageRows == 0) progress_(at_);
  }

  const CopySide& source_;
  const CopySide& target_;
  const OnCopyProgress& progress_;
  CopyProgress at_{};
  std::vector<CopiedTable> tables_;
};

/// The nodes' heartbeats belong to a database, not to the store.
bool is_copied(const PagedTable& table) { return table.info != &kTable<NodeRow> && table.info != &kTable<NodeProgramRow>; }

Result<> Copy::look() {
  start(CopyStep::look, 0);
  for (const PagedTable& table : paged_tables()) {
    if (is_copied(table)) continue;
    Pager nodes(target_, table);
    TRY(const Row node, nodes.head());
    if (!node.empty()) return refused("nodes of Kaimen run on that database, or have: it is in use");
  }
  for (const PagedTable& table : paged_tables()) {
    if (!is_copied(table)) continue;
    CopiedTable& counted = tables_.emplace_back(CopiedTable{table.info->name});
    TRY(walk(source_, target_, table, [&](Row from, Row to) -> Result<> {
      if (from.empty()) {
        return refused(which(*table.info, to) + ": is there but not here: that database is in use, or a copy of another store");
      }
      if (!to.empty()) {
        TRY(expect_equal(*table.info, from, to));
      }
      TRY(expect_keepable(*table.info, from));
      ++counted.rows;
      if (to.empty()) ++counted.written;
      count(*table.info);
      return ok();
    }));
  }
  progress_(at_);
  return ok();
}

Result<> Copy::write() {
  uint64_t total = 0;
  for (const CopiedTable& table : tables_) total += table.written;
  start(CopyStep::write, total);
  size_t number = 0;
  for (const PagedTable& table : paged_tables()) {
    if (!is_copied(table) || tables_[number++].written == 0) continue;
    Inserter inserter(target_.engine, table);
    TRY(walk(source_, target_, table, [&](Row from, Row to) -> Result<> {
      if (!to.empty()) return ok();
      TRY(inserter.add(from));
      count(*table.info);
      return ok();
    }));
    TRY(inserter.flush());
  }
  progress_(at_);
  return ok();
}

Result<> Copy::verify() {
  uint64_t total = 0;
  for (const CopiedTable& table : tables_) total += table.rows;
  start(CopyStep::verify, total);
  progress_(at_);
  size_t number = 0;
  for (const PagedTable& table : paged_tables()) {
    if (!is_copied(table)) continue;
    uint64_t rows = 0;
    TRY(walk(source_, target_, table, [&](Row from, Row to) -> Result<> {
      if (from.empty()) return refused(which(*table.info, to) + ": is there but not here");
      if (to.empty()) return refused(which(*table.info, from) + ": is not there");
      ++rows;
      count(*table.info);
      return expect_equal(*table.info, from, to);
    }));
    const CopiedTable& counted = tables_[number++];
    if (rows != counted.rows) {
      return refused(std::string(table.info->name) + ": first " + std::to_string(counted.rows) + " rows, then " + std::to_string(rows) +
                     ": something writes to the store");
    }
  }
  progress_(at_);
  return ok();
}

/// That this program knows every table and column of both: it would leave out those that it does not.
Result<> expect_known(const CopySide& side, const char* where) {
  TRY(const Schema schema, read_schema(side.engine, side.dialect));
  if (schema.unknown.empty() && schema.missing.empty()) return ok();
  const bool newer = !schema.unknown.empty();
  return refused(std::string("the store ") + where + (newer ? " has " + schema.unknown.front() : " lacks " + schema.missing.front()) +
                 ": a copy is made by the version of Kaimen that both are of");
}

}  // namespace

Result<std::vector<CopiedTable>> copy_store(const CopySide& source, const CopySide& target, Time now,
                                            const OnCopyProgress& progress) {
  TRY(expect_known(source, "here"));
  TRY(expect_known(target, "there"));
  TRY(const Marks there, read_marks(target.engine));
  if (there.moved) return refused("a store was moved away from that database at " + rfc3339(*there.moved));
  Copy copy(source, target, progress);
  TRY(copy.look());
  TRY(set_mark(target.engine, Mark::copying, now));
  TRY(copy.write());
  TRY(copy.verify());
  TRY(remove_mark(target.engine, Mark::copying));
  return copy.take_tables();
}

}  // namespace kaimen::store

#include "store/pager.h"

#include <thread>

#include "store/marks.h"
#include "store/tables.h"
#include "store/transaction.h"

namespace kaimen::store {

namespace {

constexpr int kTries = 20;
constexpr auto kPause = std::chrono::milliseconds(500);

/// A description that refers to texts it keeps itself.
struct Described {
  std::string order, after, after_mysql;
  PagedTable table;
};

/// "a, b"
std::string key_names(const TableInfo& table) {
  std::string text;
  for (size_t i = 0; i < table.keys; ++i) text += (i == 0 ? "" : ", ") + std::string(table.columns[i].name);
  return text;
}

/// "(a, b) > (?, ?)"
std::string behind(const TableInfo& table) {
  std::string values;
  for (size_t i = 0; i < table.keys; ++i) values += i == 0 ? "?" : ", ?";
  return "(" + key_names(table) + ") > (" + values + ")";
}

/// "(a > ?) OR (a = ? AND b > ?)": ranges of an index to MySQL and MariaDB, which a comparison of rows is not.
std::string behind_in_ranges(const TableInfo& table) {
  std::string text;
  for (size_t last = 0; last < table.keys; ++last) {
    text += last == 0 ? "(" : " OR (";
    for (size_t i = 0; i <= last; ++i) text += (i == 0 ? "" : " AND ") + std::string(table.columns[i].name) + (i == last ? " > ?" : " = ?");
    text += ")";
  }
  return text;
}

void describe(std::deque<Described>& all, const TableInfo& info, const Lookup& by_key) {
  Described& made = all.emplace_back(Described{key_names(info), behind(info), behind_in_ranges(info), {}});
  made.table = {&info, &by_key, Scan{&info, "", made.order, true}, Scan{&info, made.after, made.order, true},
                Scan{&info, made.after_mysql, made.order, true}};
}

template <class... Row>
std::deque<Described> describe_all(TableList<Row...>) {
  std::deque<Described> all;
  (describe(all, kTable<Row>, kByKey<Row>), ...);
  return all;
}

}  // namespace

const std::deque<PagedTable>& paged_tables() {
  static const std::deque<Described> described = describe_all(AllTables{});
  static const std::deque<PagedTable> tables = [] {
    std::deque<PagedTable> all;
    for (const Described& one : described) all.push_back(one.table);
    return all;
  }();
  return tables;
}

PageScan page_behind(const PagedTable& table, std::span<const Cell> key, bool compares_rows, size_t count) {
  PageScan page{key.empty() ? &table.first : compares_rows ? &table.after : &table.after_mysql, {}};
  if (compares_rows) page.values.assign(key.begin(), key.end());
  for (size_t last = 0; last < key.size() && !compares_rows; ++last) {
    const auto part = key.first(last + 1);
    page.values.insert(page.values.end(), part.begin(), part.end());
  }
  page.values.push_back(Cell{Kind::integer, false, static_cast<int64_t>(count)});
  return page;
}

void RowBuffer::append(std::span<const Cell> row) {
  width_ = row.size();
  size_t size = 0;
  for (const Cell& cell : row) size += cell.text.size();
  std::string& text = texts_.emplace_back();
  text.reserve(size);  // and so the views below hold
  for (Cell cell : row) {
    const size_t begin = text.size();
    text += cell.text;
    cell.text = std::string_view(text).substr(begin);
    cells_.push_back(cell);
  }
  bytes_ += size;
}

void RowBuffer::clear() {
  cells_.clear();
  texts_.clear();
  bytes_ = 0;
}

bool Pager::is_mark(std::span<const Cell> row) const {
  return table_.info == &kTable<MetaRow> && (row[0].text == name_of(Mark::moved) || row[0].text == name_of(Mark::copying));
}

Result<std::span<const Cell>> Pager::head() {
  for (;;) {
    while (at_ < page_.rows() && is_mark(page_.row(at_))) pass();
    if (at_ < page_.rows()) return page_.row(at_);
    if (!more_) return std::span<const Cell>();
    TRY(fetch());
    at_ = 0;
  }
}

Result<> Pager::fetch() {
  const std::span<const Cell> behind_key = last_key_.rows() == 0 ? std::span<const Cell>() : last_key_.row(0);
  const PageScan page = page_behind(table_, behind_key, side_.engine.compares_rows(), kPageRows);
  for (int tries = 1;; ++tries) {
    const auto done = in_transaction(side_.engine, false, [&](std::vector<Write>&) {
      page_.clear();
      return side_.engine.scan(*page.scan, page.values, [this](std::span<const Cell> row) { page_.append(row); });
    });
    if (done) break;
    if (done.error().code != ErrorCode::unavailable || tries == kTries) return done.error();
    std::this_thread::sleep_for(kPause);
  }
  more_ = page_.rows() == kPageRows;
  if (more_) {
    last_key_.clear();
    last_key_.append(page_.row(kPageRows - 1).first(table_.info->keys));
  }
  return ok();
}

int compare_keys(std::span<const Cell> a, std::span<const Cell> b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (a[i].kind == Kind::integer) {
      if (a[i].integer != b[i].integer) return a[i].integer < b[i].integer ? -1 : 1;
    } else if (const int order = a[i].text.compare(b[i].text); order != 0) {
      return order;
    }
  }
  return 0;
}

bool equal_cells(const Cell& a, const Cell& b) {
  return a.kind == b.kind && a.null == b.null && (a.null || (a.kind == Kind::integer ? a.integer == b.integer : a.text == b.text));
}

}  // namespace kaimen::store

// The rows of a table in the order of their keys, fetched page by page: no statement runs for long, however large the table is, and a
// broken connection costs one page. The order is the same on every engine: keys are numbers, or compared byte by byte (migrations/).
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "store/engine.h"
#include "store/migrate.h"

namespace kaimen::store {

/// A table as it is paged through. Static objects: engines know their prepared statements by the addresses.
struct PagedTable {
  const TableInfo* info;
  const Lookup* by_key;
  Scan first;        ///< The first page.
  Scan after;        ///< Those after a key.
  Scan after_mysql;  ///< The same where comparing (a, b) > (?, ?) walks through the whole index.
};
/// The scan, and its values, that finds `count` rows behind `key`; none is the beginning. `compares_rows`: Engine::compares_rows.
struct PageScan {
  const Scan* scan;
  std::vector<Cell> values;
};
PageScan page_behind(const PagedTable& table, std::span<const Cell> key, bool compares_rows, size_t count);
/// All tables of the schema.
const std::deque<PagedTable>& paged_tables();

/// Rows of one table with the characters of their cells.
class RowBuffer {
 public:
  void append(std::span<const Cell> row);
  void clear();
  std::span<const Cell> row(size_t index) const { return std::span(cells_).subspan(index * width_, width_); }
  std::span<const Cell> cells() const { return cells_; }
  size_t rows() const { return width_ == 0 ? 0 : cells_.size() / width_; }
  size_t bytes() const { return bytes_; }

 private:
  std::vector<Cell> cells_;
  std::deque<std::string> texts_;  // one a row; they do not move
  size_t width_ = 0, bytes_ = 0;
};

/// One side of a copy. `engine` is used for nothing else meanwhile.
struct CopySide {
  Engine& engine;
  Dialect dialect;
};

inline constexpr size_t kPageRows = 500;

class Pager {
 public:
  Pager(const CopySide& side, const PagedTable& table) : side_(side), table_(table) {}
  /// The row it stands at; empty after the last one. Holds until pass(). Rows that are marks are left out. Errors: as of the engine, which
  /// is asked again for some seconds while it is not available.
  Result<std::span<const Cell>> head();
  void pass() { ++at_; }

 private:
  Result<> fetch();
  bool is_mark(std::span<const Cell> row) const;

  const CopySide& side_;
  const PagedTable& table_;
  RowBuffer page_, last_key_;
  size_t at_ = 0;
  bool more_ = true;
};

/// Compares the first `count` cells, which are no NULLs, as every engine orders them.
int compare_keys(std::span<const Cell> a, std::span<const Cell> b, size_t count);
bool equal_cells(const Cell& a, const Cell& b);

}  // namespace kaimen::store

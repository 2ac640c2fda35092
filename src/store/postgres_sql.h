// The engine's statement shapes in PostgreSQL's words, and values in its binary format.
//
// A statement over many rows takes one array a column and unnests them, so that its text does not depend on the number of rows and is
// prepared once a connection. One row alone has shapes of its own, which cost the server a third less. Every integer of the schema is a
// BIGINT; so there are three types of values and of arrays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/engine.h"

namespace kaimen::store {

struct PostgresSql {
  std::string text;
  std::vector<uint32_t> types;  ///< The parameters' object ids, as the server's catalog numbers them.
};

/// For the values of one row, or of many as PostgresValues::add_rows gives them; yields all columns of the table.
PostgresSql lookup_sql(const Lookup& lookup, bool one_row);
/// One parameter for each value, and one for the number of rows if limited; yields all columns of the table.
PostgresSql scan_sql(const Scan& scan, std::span<const Cell> values);
/// For the values of write.rows, one or many, as PostgresValues::add_rows gives them; then, if counts_rows, their number. An update or
/// remove holds the number of rows it changed against the number it was given, and fails with division_by_zero (22012) if they differ.
PostgresSql write_sql(const Write& write);
inline bool counts_rows(const Write& write) { return write.what != Write::What::insert && write.rows != 1; }

/// The values of one use of a statement.
class PostgresValues {
 public:
  void clear();
  void add(const Cell& cell);
  void add(int64_t number) { add(Cell{Kind::integer, false, number}); }
  /// Rows of `width` cells each: of one row its cells, of several an array for each column.
  void add_rows(std::span<const Cell> cells, size_t width);

  int count() const { return static_cast<int>(values_.size()); }
  /// Hold until the next change.
  const char* const* pointers();
  const int* sizes() const { return sizes_.data(); }
  const int* formats() const { return formats_.data(); }  ///< All binary.

 private:
  struct Value {
    size_t begin;
    bool null;
  };
  void add_array(std::span<const Cell> cells, size_t first, size_t stride);
  void start(bool null);
  void finish();
  std::string bytes_;
  std::vector<Value> values_;
  std::vector<int> sizes_, formats_;
  std::vector<const char*> pointers_;
};

/// A cell from a value in binary format.
Cell postgres_cell(Kind kind, const char* bytes, size_t size);

}  // namespace kaimen::store

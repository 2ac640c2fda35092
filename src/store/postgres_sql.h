// The engine's statement shapes in PostgreSQL's words, and values in its binary format.
//
// A statement over many rows takes one array a column and unnests them, so that its text does not depend on the number of rows and is
// prepared once a connection. Every integer of the schema is a BIGINT; so there are three types of values and of arrays.
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

/// One array for each of the lookup's columns; yields all columns of the table.
PostgresSql lookup_sql(const Lookup& lookup);
/// One parameter for each value, and one for the number of rows if limited; yields all columns of the table.
PostgresSql scan_sql(const Scan& scan, std::span<const Cell> values);
/// One array for each of the write's columns; of update and remove, then the number of rows, against which the statement itself holds the
/// number of rows it changed: it fails with division_by_zero (22012) where they differ.
PostgresSql write_sql(const Write& write);
/// Whether `write` takes the number of its rows as the last value.
inline bool counts_rows(const Write& write) { return write.what != Write::What::insert; }

/// The values of one use of a statement.
class PostgresValues {
 public:
  void clear();
  void add(const Cell& cell);
  void add(int64_t number) { add(Cell{Kind::integer, false, number}); }
  /// The array of cells[first], cells[first + stride], …
  void add_array(std::span<const Cell> cells, size_t first, size_t stride);

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

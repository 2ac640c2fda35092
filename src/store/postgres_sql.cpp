#include "store/postgres_sql.h"

#include <bit>

namespace kaimen::store {

namespace {

// Of pg_type; fixed for ever, and the same in all that speak PostgreSQL's protocol.
struct Type {
  uint32_t one, array;
  const char* array_name;
};
const Type& type_of(Kind kind) {
  static constexpr Type kTypes[] = {{20, 1016, "int8[]"}, {25, 1009, "text[]"}, {17, 1001, "bytea[]"}};
  return kTypes[static_cast<size_t>(kind)];
}

std::string all_columns(const TableInfo& table, std::string_view prefix) {
  std::string text;
  for (const ColumnInfo& column : table.columns) {
    if (!text.empty()) text += ", ";
    text += prefix;
    text += column.name;
  }
  return text;
}

/// Numbers of the columns that a row of `write` gives, in its order.
std::vector<size_t> columns_of(const Write& write) {
  const TableInfo& table = *write.table;
  std::vector<size_t> columns;
  size_t fixed = table.columns.size();
  if (write.what == Write::What::remove) fixed = table.keys;
  if (write.what == Write::What::update) fixed = table.keys + (table.guarded ? 1 : 0);
  for (size_t i = 0; i < fixed; ++i) columns.push_back(i);
  if (write.what == Write::What::update) {
    for (uint64_t left = write.columns; left != 0; left &= left - 1) columns.push_back(static_cast<size_t>(std::countr_zero(left)));
  }
  return columns;
}

/// Where a statement finds the values it is given: parameters, or the rows of unnested arrays.
struct Given {
  std::vector<std::string> values;  // one expression a column
  std::string rows;                 // "unnest($1::bytea[], $2::int8[]) AS v (g1, g2)"; empty for one row
};
template <class Columns>
Given given(const TableInfo& table, const Columns& columns, bool one_row, std::vector<uint32_t>& types) {
  Given made;
  std::string arrays, names;
  for (const size_t column : columns) {
    const Type& type = type_of(table.columns[column].kind);
    types.push_back(one_row ? type.one : type.array);
    const std::string number = std::to_string(types.size());
    made.values.push_back((one_row ? "$" : "v.g") + number);
    arrays += (arrays.empty() ? "$" : ", $") + number + "::" + type.array_name;
    names += (names.empty() ? "g" : ", g") + number;
  }
  if (!one_row) made.rows = "unnest(" + arrays + ") AS v (" + names + ")";
  return made;
}

/// "t.a = v.g1 AND t.b = v.g2", of the first `count` of them.
template <class Columns>
std::string equal(const TableInfo& table, const Columns& columns, const Given& to, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "t." : " AND t.") + std::string(table.columns[columns[i]].name) + " = " + to.values[i];
  }
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

void append_number(std::string& bytes, uint64_t number, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift & 0xff));
}

void append_bytes(std::string& bytes, const Cell& cell) {
  if (cell.kind == Kind::integer) append_number(bytes, static_cast<uint64_t>(cell.integer), 8);
  else bytes += cell.text;
}

}  // namespace

PostgresSql lookup_sql(const Lookup& lookup, bool one_row) {
  const TableInfo& table = *lookup.table;
  const std::span columns(lookup.columns.data(), lookup.count);
  PostgresSql sql;
  const Given values = given(table, columns, one_row, sql.types);
  sql.text = "SELECT " + all_columns(table, "t.") + " FROM ";
  if (one_row) {
    sql.text += std::string(table.name) + " AS t WHERE " + equal(table, columns, values, columns.size());
  } else if (columns.size() == 1) {
    const ColumnInfo& column = table.columns[columns[0]];
    const std::string array = type_of(column.kind).array_name;
    sql.text += std::string(table.name) + " AS t WHERE t." + std::string(column.name) + " = ANY($1::" + array + ")";
  } else {
    sql.text += values.rows + " JOIN " + std::string(table.name) + " AS t ON " + equal(table, columns, values, columns.size());
  }
  // In a join its columns can only be the table's: those of the given rows have names of their own.
  if (!lookup.where.empty()) sql.text += " AND (" + std::string(lookup.where) + ")";
  return sql;
}

PostgresSql scan_sql(const Scan& scan, std::span<const Cell> values) {
  PostgresSql sql;
  for (const Cell& value : values) sql.types.push_back(type_of(value.kind).one);
  sql.text = "SELECT " + all_columns(*scan.table, "") + " FROM " + std::string(scan.table->name);
  size_t number = 0;
  if (!scan.where.empty()) sql.text += " WHERE ";
  for (const char c : scan.where) {
    if (c == '?') sql.text += "$" + std::to_string(++number);
    else sql.text += c;
  }
  if (!scan.order.empty()) sql.text += " ORDER BY " + std::string(scan.order);
  if (scan.limited) sql.text += " LIMIT $" + std::to_string(++number);
  return sql;
}

PostgresSql write_sql(const Write& write) {
  const TableInfo& table = *write.table;
  const std::string name(table.name);
  const std::vector<size_t> columns = columns_of(write);
  const bool one_row = write.rows == 1;
  PostgresSql sql;
  const Given values = given(table, columns, one_row, sql.types);
  if (write.what == Write::What::insert) {
    sql.text = "INSERT INTO " + name + " (" + all_columns(table, "") + ")" +
               (one_row ? " VALUES (" + joined(values.values) + ")" : " SELECT * FROM " + values.rows);
    return sql;
  }
  size_t compared = table.keys;
  if (write.what == Write::What::remove) {
    sql.text = "DELETE FROM " + name + " AS t" + (one_row ? "" : " USING " + values.rows);
  } else {
    std::vector<std::string> changes;
    if (table.guarded) {
      const std::string guard(table.columns[compared++].name);
      changes.push_back(guard + " = t." + guard + " + 1");
    }
    for (size_t i = compared; i < columns.size(); ++i) {
      changes.push_back(std::string(table.columns[columns[i]].name) + " = " + values.values[i]);
    }
    sql.text = "UPDATE " + name + " AS t SET " + joined(changes) + (one_row ? "" : " FROM " + values.rows);
  }
  std::string rows = "1";
  if (!one_row) {
    sql.types.push_back(type_of(Kind::integer).one);
    rows = "$" + std::to_string(sql.types.size());
  }
  sql.text = "WITH changed AS (" + sql.text + " WHERE " + equal(table, columns, values, compared) +
             " RETURNING 1) SELECT 1 / CASE WHEN count(*) = " + rows + " THEN 1 ELSE 0 END FROM changed";
  return sql;
}

void PostgresValues::clear() {
  bytes_.clear();
  values_.clear();
  sizes_.clear();
  formats_.clear();
}

void PostgresValues::start(bool null) { values_.push_back({bytes_.size(), null}); }

void PostgresValues::finish() {
  sizes_.push_back(static_cast<int>(bytes_.size() - values_.back().begin));
  formats_.push_back(1);
}

void PostgresValues::add(const Cell& cell) {
  start(cell.null);
  if (!cell.null) append_bytes(bytes_, cell);
  finish();
}

void PostgresValues::add_rows(std::span<const Cell> cells, size_t width) {
  if (cells.size() == width) {
    for (const Cell& cell : cells) add(cell);
    return;
  }
  for (size_t i = 0; i < width; ++i) add_array(cells, i, width);
}

void PostgresValues::add_array(std::span<const Cell> cells, size_t first, size_t stride) {
  const size_t count = (cells.size() - first + stride - 1) / stride;
  bool nulls = false;
  for (size_t i = first; i < cells.size(); i += stride) nulls = nulls || cells[i].null;
  start(false);
  append_number(bytes_, 1, 4);  // dimensions
  append_number(bytes_, nulls ? 1 : 0, 4);
  append_number(bytes_, type_of(cells[first].kind).one, 4);
  append_number(bytes_, count, 4);
  append_number(bytes_, 1, 4);  // the first element's number
  for (size_t i = first; i < cells.size(); i += stride) {
    const Cell& cell = cells[i];
    if (cell.null) {
      append_number(bytes_, 0xffffffff, 4);
      continue;
    }
    append_number(bytes_, cell.kind == Kind::integer ? 8 : cell.text.size(), 4);
    append_bytes(bytes_, cell);
  }
  finish();
}

const char* const* PostgresValues::pointers() {
  pointers_.clear();
  for (const Value& value : values_) pointers_.push_back(value.null ? nullptr : bytes_.data() + value.begin);
  return pointers_.data();
}

Cell postgres_cell(Kind kind, const char* bytes, size_t size) {
  if (kind != Kind::integer) return {kind, false, 0, {bytes, size}};
  // Big-endian, signed, of whatever width the server's integer has.
  uint64_t number = size > 0 && (bytes[0] & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (size_t i = 0; i < size; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return {kind, false, static_cast<int64_t>(number)};
}

}  // namespace kaimen::store

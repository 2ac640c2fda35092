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

constexpr std::string_view kWhole =
    " RETURNING 1) SELECT 1 / CASE WHEN count(*) = $";  // + number of the parameter + kWholeEnd
constexpr std::string_view kWholeEnd = " THEN 1 ELSE 0 END FROM changed";

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

/// "unnest($1::bytea[], $2::int8[])", and the types of what it takes.
template <class Columns>
std::string unnest(const TableInfo& table, const Columns& columns, std::vector<uint32_t>& types) {
  std::string text = "unnest(";
  for (const size_t column : columns) {
    const Type& type = type_of(table.columns[column].kind);
    types.push_back(type.array);
    if (types.size() > 1) text += ", ";
    text += "$" + std::to_string(types.size()) + "::" + type.array_name;
  }
  return text + ")";
}

/// "v (a, b)".
template <class Columns>
std::string names(const TableInfo& table, const Columns& columns) {
  std::string text;
  for (const size_t column : columns) {
    text += text.empty() ? "v (" : ", ";
    text += table.columns[column].name;
  }
  return text + ")";
}

/// "t.a = v.a AND t.b = v.b".
template <class Columns>
std::string equal(const TableInfo& table, const Columns& columns) {
  std::string text;
  for (const size_t column : columns) {
    const std::string name(table.columns[column].name);
    if (!text.empty()) text += " AND ";
    text += "t." + name + " = v." + name;
  }
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

PostgresSql lookup_sql(const Lookup& lookup) {
  const TableInfo& table = *lookup.table;
  const std::string name(table.name);
  const std::span columns(lookup.columns.data(), lookup.count);
  PostgresSql sql;
  if (lookup.count == 1) {
    const ColumnInfo& column = table.columns[columns[0]];
    const Type& type = type_of(column.kind);
    sql.types = {type.array};
    sql.text = "SELECT " + all_columns(table, "") + " FROM " + name + " WHERE " + std::string(column.name) + " = ANY($1::" + type.array_name + ")";
    if (!lookup.where.empty()) sql.text += " AND (" + std::string(lookup.where) + ")";
    return sql;
  }
  // The names of v's columns are no column's, so that the condition means the table's.
  sql.text = "SELECT " + all_columns(table, "t.") + " FROM " + unnest(table, columns, sql.types) + " AS ";
  std::string given, condition;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string value = "given_" + std::to_string(i + 1);
    given += (given.empty() ? "v (" : ", ") + value;
    condition += (condition.empty() ? "t." : " AND t.") + std::string(table.columns[columns[i]].name) + " = v." + value;
  }
  sql.text += given + ") JOIN " + name + " AS t ON " + condition;
  if (!lookup.where.empty()) sql.text += " WHERE " + std::string(lookup.where);
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
  PostgresSql sql;
  if (write.what == Write::What::insert) {
    sql.text = "INSERT INTO " + name + " (" + all_columns(table, "") + ") SELECT * FROM " + unnest(table, columns, sql.types);
    return sql;
  }
  std::string found = " " + unnest(table, columns, sql.types) + " AS " + names(table, columns) + " WHERE ";
  if (write.what == Write::What::remove) {
    sql.text = "WITH changed AS (DELETE FROM " + name + " AS t USING" + found + equal(table, columns);
  } else {
    const size_t compared = table.keys + (table.guarded ? 1 : 0);
    const std::span all(columns);
    std::string assignments;
    if (table.guarded) {
      const std::string guard(table.columns[table.keys].name);
      assignments = guard + " = t." + guard + " + 1";
    }
    for (const size_t column : all.subspan(compared)) {
      const std::string changed(table.columns[column].name);
      if (!assignments.empty()) assignments += ", ";
      assignments += changed + " = v." + changed;
    }
    sql.text = "WITH changed AS (UPDATE " + name + " AS t SET " + assignments + " FROM" + found + equal(table, all.first(compared));
  }
  sql.types.push_back(type_of(Kind::integer).one);
  sql.text += kWhole;
  sql.text += std::to_string(sql.types.size());
  sql.text += kWholeEnd;
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

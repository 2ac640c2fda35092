#include "store/mysql_sql.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/encoding.h"

namespace kaimen::store::mysql {

namespace {

// More rows at once gain nothing, and from 1,000 values on MariaDB makes a sub-query of an IN.
constexpr size_t kRows = 256;
constexpr size_t kStatementBytes = 256 * 1024;

void append_name(std::string& sql, std::string_view name) { ((sql += '`') += name) += '`'; }

void append_number(std::string& sql, int64_t number) {
  char digits[24];
  sql.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_cell(std::string& sql, const Cell& cell) {
  if (cell.null) {
    sql += "NULL";
  } else if (cell.kind == Kind::integer) {
    append_number(sql, cell.integer);
  } else {
    const size_t at = sql.size() + 2;
    sql.resize(at + 2 * cell.text.size() + 1, '\'');
    sql[at - 2] = 'x';
    for (size_t i = 0; i < cell.text.size(); ++i) std::memcpy(&sql[at + 2 * i], kHexPairs[static_cast<uint8_t>(cell.text[i])].data(), 2);
  }
}

/// `item(i)` for each i below `count`, with commas between.
template <class Item>
void append_list(std::string& sql, size_t count, const Item& item) {
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) sql += ',';
    item(i);
  }
}

void append_cells(std::string& sql, std::span<const Cell> cells) {
  append_list(sql, cells.size(), [&](size_t i) { append_cell(sql, cells[i]); });
}

void append_columns(std::string& sql, const TableInfo& table, size_t count) {
  append_list(sql, count, [&](size_t i) { append_name(sql, table.columns[i].name); });
}

/// Rows as a table `v` with columns v0, v1 …, straight joined with `table` as `t` where the first `found_by` columns are equal.
///
/// Of an IN the server may choose to read a small table from end to end, and then locks rows that are nobody's business; joined this way
/// round it looks each row up by its key.
void append_join(std::string& sql, const TableInfo& table, size_t found_by, std::span<const Cell> cells, size_t width) {
  const auto value_name = [&](size_t i) { (sql += 'v') += std::to_string(i); };
  sql += '(';
  for (size_t at = 0; at < cells.size(); at += width) {
    sql += at == 0 ? "SELECT " : " UNION ALL SELECT ";
    append_list(sql, width, [&](size_t i) {
      append_cell(sql, cells[at + i]);
      if (at != 0) return;
      sql += " AS ";
      value_name(i);
    });
  }
  sql += ") v STRAIGHT_JOIN ";
  append_name(sql, table.name);
  sql += " t ON ";
  for (size_t i = 0; i < found_by; ++i) {
    sql += i == 0 ? "t." : " AND t.";
    append_name(sql, table.columns[i].name);
    sql += "=v.";
    value_name(i);
  }
}

/// a = 1 AND b = 2
void append_equals(std::string& sql, const TableInfo& table, std::span<const Cell> cells) {
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) sql += " AND ";
    append_name(sql, table.columns[i].name);
    sql += '=';
    append_cell(sql, cells[i]);
  }
}

}  // namespace

size_t rows_at_once(std::span<const Cell> cells, size_t width) {
  size_t rows = 0, bytes = 0;
  for (; rows < kRows && (rows + 1) * width <= cells.size(); ++rows) {
    for (const Cell& cell : cells.subspan(rows * width, width)) bytes += 16 + 2 * cell.text.size();
    if (rows != 0 && bytes > kStatementBytes) break;
  }
  return rows;
}

void append_read(std::string& sql, const Lookup& lookup, std::span<const Cell> values) {
  const TableInfo& table = *lookup.table;
  sql += "SELECT ";
  append_columns(sql, table, table.columns.size());
  sql += " FROM ";
  append_name(sql, table.name);
  // a IN (1,2), or (a,b) IN ((1,2),(3,4))
  const size_t width = lookup.count;
  sql += width == 1 ? " WHERE " : " WHERE (";
  append_list(sql, width, [&](size_t i) { append_name(sql, table.columns[lookup.columns[i]].name); });
  sql += width == 1 ? " IN (" : ") IN (";
  append_list(sql, values.size() / width, [&](size_t row) {
    if (width != 1) sql += '(';
    append_cells(sql, values.subspan(row * width, width));
    if (width != 1) sql += ')';
  });
  sql += ')';
  if (!lookup.where.empty()) ((sql += " AND (") += lookup.where) += ')';
  sql += ';';
}

void append_scan(std::string& sql, const Scan& scan, std::span<const Cell> values) {
  const TableInfo& table = *scan.table;
  sql += "SELECT ";
  append_columns(sql, table, table.columns.size());
  sql += " FROM ";
  append_name(sql, table.name);
  if (!scan.where.empty()) sql += " WHERE ";
  for (const char c : scan.where) {
    if (c == '?' && !values.empty()) {
      append_cell(sql, values.front());
      values = values.subspan(1);
    } else {
      sql += c;
    }
  }
  if (!scan.order.empty()) (sql += " ORDER BY ") += scan.order;
  if (scan.limited && !values.empty()) {
    sql += " LIMIT ";
    append_number(sql, std::max<int64_t>(values.front().integer, 0));
  }
  if (scan.to_remove) sql += " FOR UPDATE";
  sql += ';';
}

void append_insert(std::string& sql, const TableInfo& table, std::span<const Cell> cells) {
  const size_t width = table.columns.size();
  sql += "INSERT INTO ";
  append_name(sql, table.name);
  sql += " (";
  append_columns(sql, table, width);
  sql += ") VALUES ";
  append_list(sql, cells.size() / width, [&](size_t row) {
    sql += '(';
    append_cells(sql, cells.subspan(row * width, width));
    sql += ')';
  });
  sql += ';';
}

void append_update(std::string& sql, const TableInfo& table, uint64_t columns, std::span<const Cell> cells) {
  const size_t found_by = table.keys + (table.guarded ? 1 : 0);
  std::vector<std::string_view> changed;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if ((columns >> i & 1) != 0) changed.push_back(table.columns[i].name);
  }
  const size_t width = found_by + changed.size();
  const bool one = cells.size() == width;

  sql += "UPDATE ";
  if (one) {
    append_name(sql, table.name);
    sql += " t";
  } else {
    append_join(sql, table, found_by, cells, width);
  }
  sql += " SET ";
  append_list(sql, changed.size(), [&](size_t i) {
    sql += "t.";
    append_name(sql, changed[i]);
    sql += '=';
    if (one) append_cell(sql, cells[found_by + i]);
    else (sql += "v.v") += std::to_string(found_by + i);
  });
  if (table.guarded) {
    const auto guard = table.columns[table.keys].name;
    sql += changed.empty() ? "t." : ",t.";
    append_name(sql, guard);
    sql += "=t.";
    append_name(sql, guard);
    sql += "+1";
  }
  if (one) {
    sql += " WHERE ";
    append_equals(sql, table, cells.first(found_by));
  }
  sql += ';';
}

void append_remove(std::string& sql, const TableInfo& table, std::span<const Cell> cells) {
  if (cells.size() == table.keys) {
    sql += "DELETE FROM ";
    append_name(sql, table.name);
    sql += " WHERE ";
    append_equals(sql, table, cells);
  } else {
    sql += "DELETE t FROM ";
    append_join(sql, table, table.keys, cells, table.keys);
  }
  sql += ';';
}

}  // namespace kaimen::store::mysql

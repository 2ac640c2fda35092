#include "store/mysql_sql.h"

#include <algorithm>
#include <charconv>
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
    sql += "x'";
    for (const char c : cell.text) sql.append(kHexPairs[static_cast<uint8_t>(c)].data(), 2);
    sql += '\'';
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

/// A comparison of the columns that `name` gives with the first `width` cells of every row: a = 1, or a IN (1,2), or (a,b) IN ((1,2),(3,4)).
template <class Name>
void append_match(std::string& sql, size_t width, const Name& name, std::span<const Cell> cells, size_t row_width) {
  const size_t rows = cells.size() / row_width;
  if (rows == 1) {
    for (size_t i = 0; i < width; ++i) {
      if (i != 0) sql += " AND ";
      append_name(sql, name(i));
      sql += '=';
      append_cell(sql, cells[i]);
    }
    return;
  }
  if (width != 1) sql += '(';
  append_list(sql, width, [&](size_t i) { append_name(sql, name(i)); });
  sql += width != 1 ? ") IN (" : " IN (";
  append_list(sql, rows, [&](size_t row) {
    if (width != 1) sql += '(';
    append_cells(sql, cells.subspan(row * row_width, width));
    if (width != 1) sql += ')';
  });
  sql += ')';
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
  sql += " WHERE ";
  append_match(sql, lookup.count, [&](size_t i) { return table.columns[lookup.columns[i]].name; }, values, lookup.count);
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
  const size_t rows = cells.size() / width;
  const auto column = [&](size_t i) { return table.columns[i].name; };
  const auto value_name = [&](size_t i) { (sql += 'v') += std::to_string(i); };
  const bool joined = rows > 1 && !changed.empty();

  sql += "UPDATE ";
  if (joined) {
    // The values stand first and the join is straight, so that rows are found by their key and no others are locked.
    sql += '(';
    for (size_t row = 0; row < rows; ++row) {
      sql += row == 0 ? "SELECT " : " UNION ALL SELECT ";
      append_list(sql, width, [&](size_t i) {
        append_cell(sql, cells[row * width + i]);
        if (row == 0) {
          sql += " AS ";
          value_name(i);
        }
      });
    }
    sql += ") v STRAIGHT_JOIN ";
    append_name(sql, table.name);
    sql += " t ON ";
    for (size_t i = 0; i < found_by; ++i) {
      sql += i == 0 ? "t." : " AND t.";
      append_name(sql, column(i));
      sql += "=v.";
      value_name(i);
    }
  } else {
    append_name(sql, table.name);
    sql += " t";
  }
  sql += " SET ";
  append_list(sql, changed.size(), [&](size_t i) {
    sql += "t.";
    append_name(sql, changed[i]);
    sql += '=';
    if (joined) {
      sql += "v.";
      value_name(found_by + i);
    } else {
      append_cell(sql, cells[found_by + i]);
    }
  });
  if (table.guarded) {
    sql += changed.empty() ? "t." : ",t.";
    append_name(sql, column(table.keys));
    sql += "=t.";
    append_name(sql, column(table.keys));
    sql += "+1";
  }
  if (!joined) {
    sql += " WHERE ";
    if (rows > 1) {
      // Of a pair with the guard, which no key holds, no range is made.
      append_match(sql, table.keys, column, cells, width);
      sql += " AND ";
    }
    append_match(sql, found_by, column, cells, width);
  }
  sql += ';';
}

void append_remove(std::string& sql, const TableInfo& table, std::span<const Cell> cells) {
  sql += "DELETE FROM ";
  append_name(sql, table.name);
  sql += " WHERE ";
  append_match(sql, table.keys, [&](size_t i) { return table.columns[i].name; }, cells, table.keys);
  sql += ';';
}

}  // namespace kaimen::store::mysql

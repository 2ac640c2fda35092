// Tables as the acts see them: one struct a row, and how its members stand in SQL. Every statement of every engine is built from these
// descriptions, so that a column is named in two places only: in a row header (*_rows.h) and in the migrations.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "base/id.h"

namespace kaimen::store {

/// A value that is bytes, not text.
struct Bytes {
  std::string raw;
  auto operator<=>(const Bytes&) const = default;
};

enum class Kind : uint8_t { integer, text, bytes };

/// One value on its way to or from SQL. A view: whoever made it keeps the characters.
struct Cell {
  Kind kind = Kind::integer;
  bool null = false;
  int64_t integer = 0;
  std::string_view text{};  ///< Of text and bytes.
};

// ---- members of rows as cells ----

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
constexpr Kind kind_of() {
  if constexpr (IsOptional<T>::value) return kind_of<typename T::value_type>();
  else if constexpr (std::is_same_v<T, std::string>) return Kind::text;
  else if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, Id>) return Kind::bytes;
  else return Kind::integer;
}

template <class T>
Cell cell_of(const T& value) {
  if constexpr (IsOptional<T>::value) {
    if (value) return cell_of(*value);
    return Cell{kind_of<T>(), true};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return Cell{Kind::text, false, 0, value};
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return Cell{Kind::bytes, false, 0, value.raw};
  } else if constexpr (std::is_same_v<T, Id>) {
    return Cell{Kind::bytes, false, 0, value.raw()};
  } else if constexpr (std::is_same_v<T, Time>) {
    return Cell{Kind::integer, false, epoch_ms(value)};
  } else {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    return Cell{Kind::integer, false, static_cast<int64_t>(value)};
  }
}

template <class T>
void read_cell(const Cell& cell, T& value) {
  if constexpr (IsOptional<T>::value) {
    value.reset();
    if (!cell.null) read_cell(cell, value.emplace());
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = cell.text;
  } else if constexpr (std::is_same_v<T, Bytes>) {
    value.raw = cell.text;
  } else if constexpr (std::is_same_v<T, Id>) {
    value = Id::from_raw(cell.text).value_or(Id{});
  } else if constexpr (std::is_same_v<T, Time>) {
    value = from_epoch_ms(cell.integer);
  } else {
    value = static_cast<T>(cell.integer);
  }
}

// ---- descriptions ----

struct ColumnInfo {
  std::string_view name;
  Kind kind;
};

/// A table as the engines see it. The key's columns come first, then the guard where there is one.
struct TableInfo {
  std::string_view name;
  std::span<const ColumnInfo> columns;
  size_t keys;
  /// Whether columns[keys] counts the row's changes: an update adds one to it, and finds nothing when another was there first.
  bool guarded;
};

template <class Row, class Value>
struct Column {
  std::string_view name;
  Value Row::*member;
};

/// To be specialised for each row: name, keys, guarded, columns (a tuple of Column).
template <class Row>
struct Table;

namespace detail {
template <class Row>
constexpr auto column_infos() {
  return std::apply([](const auto&... column) {
    return std::array{ColumnInfo{column.name, kind_of<std::remove_cvref_t<decltype(std::declval<Row>().*column.member)>>()}...};
  }, Table<Row>::columns);
}
template <class Row>
inline constexpr auto kColumnInfos = column_infos<Row>();
}  // namespace detail

template <class Row>
inline constexpr size_t kColumns = std::tuple_size_v<std::remove_cvref_t<decltype(Table<Row>::columns)>>;

template <class Row>
inline constexpr TableInfo kTable{Table<Row>::name, detail::kColumnInfos<Row>, Table<Row>::keys, Table<Row>::guarded};

/// A way to find rows: those whose `columns` have given values and, if `where` is not empty, for which that condition holds. One static
/// object each: engines know their prepared statements by its address.
struct Lookup {
  const TableInfo* table;
  std::array<uint8_t, 4> columns{};  ///< Numbers of the columns compared.
  size_t count = 0;
  std::string_view where{};          ///< A condition without values, e.g. "ended = 0".
};

namespace detail {
template <class Row>
constexpr Lookup key_lookup() {
  Lookup lookup{&kTable<Row>};
  lookup.count = Table<Row>::keys;
  for (size_t i = 0; i < lookup.count; ++i) lookup.columns[i] = static_cast<uint8_t>(i);
  return lookup;
}
}  // namespace detail

/// By the whole key.
template <class Row>
inline constexpr Lookup kByKey = detail::key_lookup<Row>();

/// A read of many rows by a condition of their own: SELECT every column FROM table WHERE `where` ORDER BY `order`. Values stand as ?.
struct Scan {
  const TableInfo* table;
  std::string_view where;  ///< May be empty.
  std::string_view order;  ///< May be empty.
  bool limited = false;    ///< One more value is given: how many rows at most.
  /// The rows will be removed: where the engine would not notice that another changed one meanwhile, it keeps others from it.
  bool to_remove = false;
};

/// Calls `use(index, member)` for each column.
template <class Row, class Use>
void for_each_column(Row& row, const Use& use) {
  std::apply([&](const auto&... column) {
    size_t index = 0;
    (use(index++, row.*column.member), ...);
  }, Table<std::remove_const_t<Row>>::columns);
}

template <class Row>
Row row_of(std::span<const Cell> cells) {
  Row row;
  for_each_column(row, [&](size_t i, auto& member) { read_cell(cells[i], member); });
  return row;
}

}  // namespace kaimen::store

// The templates of rows.h.
#pragma once

#include "store/rows.h"

namespace kaimen::store {

namespace detail {

inline Cell value_cell(std::string_view text) { return Cell{Kind::text, false, 0, text}; }
inline Cell value_cell(const std::string& text) { return Cell{Kind::text, false, 0, text}; }
inline Cell value_cell(const char* text) { return Cell{Kind::text, false, 0, text}; }
template <class T>
Cell value_cell(const T& value) {
  return cell_of(value);
}
template <class... Values>
std::string text_of(const Values&... values) {
  const std::array<Cell, sizeof...(Values)> cells{value_cell(values)...};
  return key_text(cells);
}

}  // namespace detail

template <class Row, class... Values>
Result<const Row*> Rows::find(const Values&... key) {
  static_assert(sizeof...(Values) == Table<Row>::keys);
  auto& held = this->held<Row>();
  const std::string text = detail::text_of(key...);
  auto* entry = held.find(text);
  if (!entry) {
    TRY(demand(held, text));
    entry = held.find(text);
  }
  return entry->now ? &*entry->now : nullptr;
}

template <class Row, class... Values>
Result<std::vector<const Row*>> Rows::list(const Index<Row>& index, const Values&... values) {
  auto& held = this->held<Row>();
  const std::string value = detail::text_of(values...);
  const auto* entries = held.list(index, value);
  if (!entries) {
    TRY(demand(held, index, value));
    entries = held.list(index, value);
  }
  return held.listed_now(*entries, index, value);
}

template <class Row, class... Values>
void Rows::expect(const Values&... key) {
  if (engine_->local()) return;
  auto& held = this->held<Row>();
  const std::string text = detail::text_of(key...);
  if (!held.find(text)) held.want(text);
}

template <class Row, class... Values>
void Rows::expect(const Index<Row>& index, const Values&... values) {
  if (engine_->local()) return;
  auto& held = this->held<Row>();
  const std::string value = detail::text_of(values...);
  if (!held.list(index, value)) held.want(index, value);
}

template <class Row, class... Values>
Result<std::vector<Row>> Rows::scan(const Scan& scan, const Values&... values) {
  const std::array<Cell, sizeof...(Values)> cells{detail::value_cell(values)...};
  return scan_cells<Row>(scan, cells);
}

template <class Row>
Result<std::vector<Row>> Rows::scan_cells(const Scan& scan, std::span<const Cell> values) {
  std::vector<Row> rows;
  TRY(remember(engine_->scan(scan, values, [&rows](std::span<const Cell> row) { rows.push_back(Held<Row>::row_of(row)); })));
  return rows;
}

template <class Row>
Result<std::vector<Row>> Rows::scan_each(const Scan& scan, std::span<const Cell> values, size_t width) {
  std::vector<Row> rows;
  if (values.empty()) return rows;
  TRY(remember(engine_->scan_each(scan, values, width, [&rows](std::span<const Cell> row) { rows.push_back(Held<Row>::row_of(row)); })));
  return rows;
}

template <class Row>
const Row* Rows::adopt(const Row& scanned) {
  const auto& entry = held<Row>().adopt(scanned);
  return entry.now ? &*entry.now : nullptr;
}

template <class Row>
void Rows::insert(Row row) {
  held<Row>().insert(std::move(row));
}

template <class Row>
Row& Rows::change(const Row& row) {
  return held<Row>().change(row);
}

template <class Row>
void Rows::touch(const Row& row) {
  static_assert(Table<Row>::guarded);
  change(row);
}

template <class Row>
void Rows::remove(const Row& row) {
  held<Row>().remove(row);
}

}  // namespace kaimen::store

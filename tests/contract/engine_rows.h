// Rows for the tests of engines: two small tables, and the few steps around begin, read and commit that every test takes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "store/engine.h"

namespace kaimen::contract {

/// A guarded row with every kind of value.
struct Thing {
  Id id;
  int64_t version = 0;
  std::string name, text;
  store::Bytes raw;
  std::optional<std::string> note;
  std::optional<int64_t> number;
  std::optional<store::Bytes> raw_or_null;
  bool operator==(const Thing&) const = default;
};
inline void PrintTo(const Thing& row, std::ostream* out) { *out << row.name << " v" << row.version; }

/// A row of two keys and no guard.
struct Pair {
  std::string a;
  int64_t b = 0, value = 0;
  std::optional<std::string> note{};
  bool operator==(const Pair&) const = default;
};
inline void PrintTo(const Pair& row, std::ostream* out) { *out << row.a << '/' << row.b << '=' << row.value; }

}  // namespace kaimen::contract

namespace kaimen::store {

template <>
struct Table<contract::Thing> {
  static constexpr std::string_view name = "things";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"id", &contract::Thing::id},
      Column{"version", &contract::Thing::version},
      Column{"name", &contract::Thing::name},
      Column{"text", &contract::Thing::text},
      Column{"raw", &contract::Thing::raw},
      Column{"note", &contract::Thing::note},
      Column{"number", &contract::Thing::number},
      Column{"raw_or_null", &contract::Thing::raw_or_null},
  };
};

template <>
struct Table<contract::Pair> {
  static constexpr std::string_view name = "pairs";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"a", &contract::Pair::a},
      Column{"b", &contract::Pair::b},
      Column{"value", &contract::Pair::value},
      Column{"note", &contract::Pair::note},
  };
};

}  // namespace kaimen::store

namespace kaimen::contract {

/// Bits of Write::columns.
template <class Row>
uint64_t column_bits(std::initializer_list<std::string_view> names) {
  uint64_t bits = 0;
  const auto& columns = store::kTable<Row>.columns;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (std::find(names.begin(), names.end(), columns[i].name) != names.end()) bits |= uint64_t{1} << i;
  }
  return bits;
}

/// The cells of each row for which `wanted(index of the column)`. They are views of `rows`.
template <class Row, class Wanted>
std::vector<store::Cell> some_cells(const std::vector<Row>& rows, const Wanted& wanted) {
  std::vector<store::Cell> cells;
  for (const Row& row : rows) {
    store::for_each_column(row, [&](size_t i, const auto& member) {
      if (wanted(i)) cells.push_back(store::cell_of(member));
    });
  }
  return cells;
}
template <class Row>
std::vector<store::Cell> all_cells(const std::vector<Row>& rows) {
  return some_cells(rows, [](size_t) { return true; });
}
template <class Row>
std::vector<store::Cell> key_cells(const std::vector<Row>& rows) {
  return some_cells(rows, [](size_t i) { return i < store::kTable<Row>.keys; });
}
template <class Row>
std::vector<store::Cell> update_cells(const std::vector<Row>& rows, std::initializer_list<std::string_view> names) {
  const uint64_t bits = column_bits<Row>(names);
  const size_t found_by = store::kTable<Row>.keys + (store::kTable<Row>.guarded ? 1 : 0);
  return some_cells(rows, [&](size_t i) { return i < found_by || (bits >> i & 1) != 0; });
}

/// One transaction of one change. Where it is refused for good, `unknown` must not be set.
inline Result<> commit_one(store::Engine& engine, const store::Write& write) {
  TRY(engine.begin(true));
  bool unknown = true;
  auto done = engine.commit({&write, 1}, unknown);
  EXPECT_FALSE(unknown);
  if (!done) engine.roll_back();
  return done;
}
template <class Row>
Result<> insert(store::Engine& engine, const std::vector<Row>& rows) {
  const auto cells = all_cells(rows);
  return commit_one(engine, {store::Write::What::insert, &store::kTable<Row>, 0, cells, rows.size()});
}
template <class Row>
Result<> update(store::Engine& engine, const std::vector<Row>& rows, std::initializer_list<std::string_view> names) {
  const auto cells = update_cells(rows, names);
  return commit_one(engine, {store::Write::What::update, &store::kTable<Row>, column_bits<Row>(names), cells, rows.size()});
}
template <class Row>
Result<> remove(store::Engine& engine, const std::vector<Row>& rows) {
  const auto cells = key_cells(rows);
  return commit_one(engine, {store::Write::What::remove, &store::kTable<Row>, 0, cells, rows.size()});
}

/// What `lookup` finds within a transaction that is open, in the order of ids or keys.
template <class Row, class Less>
std::vector<Row> read_within(store::Engine& engine, const store::Lookup& lookup, std::span<const store::Cell> values, const Less& less) {
  std::vector<Row> rows;
  const store::Read reads[] = {{&lookup, values, [&](std::span<const store::Cell> cells) { rows.push_back(store::row_of<Row>(cells)); }}};
  const auto done = engine.read(reads);
  EXPECT_TRUE(done) << done.error().detail;
  std::sort(rows.begin(), rows.end(), less);
  return rows;
}
template <class Row>
std::vector<Row> fetch_within(store::Engine& engine, const std::vector<Id>& ids) {
  std::vector<store::Cell> cells;
  for (const Id& id : ids) cells.push_back(store::cell_of(id));
  return read_within<Row>(engine, store::kByKey<Row>, cells, [](const Row& a, const Row& b) { return a.id < b.id; });
}
inline std::vector<Pair> fetch_pairs_within(store::Engine& engine, const std::vector<std::pair<std::string, int64_t>>& keys) {
  std::vector<store::Cell> cells;
  for (const auto& [a, b] : keys) {
    cells.push_back(store::cell_of(a));
    cells.push_back(store::cell_of(b));
  }
  const auto less = [](const Pair& a, const Pair& b) { return std::tie(a.a, a.b) < std::tie(b.a, b.b); };
  return read_within<Pair>(engine, store::kByKey<Pair>, cells, less);
}

template <class Row, class Take>
std::vector<Row> within_transaction(store::Engine& engine, const Take& take) {
  const auto begun = engine.begin(false);
  EXPECT_TRUE(begun) << begun.error().detail;
  if (!begun) return {};
  auto rows = take();
  bool unknown = true;
  EXPECT_TRUE(engine.commit({}, unknown));
  EXPECT_FALSE(unknown);
  return rows;
}
template <class Row>
std::vector<Row> fetch(store::Engine& engine, const std::vector<Id>& ids) {
  return within_transaction<Row>(engine, [&] { return fetch_within<Row>(engine, ids); });
}
inline std::vector<Pair> fetch_pairs(store::Engine& engine, const std::vector<std::pair<std::string, int64_t>>& keys) {
  return within_transaction<Pair>(engine, [&] { return fetch_pairs_within(engine, keys); });
}
template <class Row>
std::vector<Row> scan(store::Engine& engine, const store::Scan& scan, const std::vector<store::Cell>& values) {
  return within_transaction<Row>(engine, [&] {
    std::vector<Row> rows;
    const auto done = engine.scan(scan, values, [&](std::span<const store::Cell> cells) { rows.push_back(store::row_of<Row>(cells)); });
    EXPECT_TRUE(done) << done.error().detail;
    return rows;
  });
}

}  // namespace kaimen::contract

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

template <class Row>
std::array<Cell, kColumns<Row>> cells_of(const Row& row) {
  std::array<Cell, kColumns<Row>> cells;
  for_each_column(row, [&](size_t i, const auto& member) { cells[i] = cell_of(member); });
  return cells;
}
template <class Row>
std::string key_of(const Row& row) {
  const auto cells = cells_of(row);
  return key_text(std::span(cells).first(Table<Row>::keys));
}
/// What stands in the lookup's columns; empty when one is NULL, which no lookup finds.
template <class Row>
std::string value_of(const Row& row, const Lookup& lookup) {
  const auto cells = cells_of(row);
  std::array<Cell, 4> values;
  for (size_t i = 0; i < lookup.count; ++i) {
    values[i] = cells[lookup.columns[i]];
    if (values[i].null) return {};
  }
  return key_text(std::span(values).first(lookup.count));
}
template <class Row>
bool is_listed(const Row& row, const Index<Row>& index, const std::string& value) {
  return (!index.holds || index.holds(row)) && value_of(row, index.lookup) == value;
}

template <class Row>
int64_t& guard_of(Row& row) {
  static_assert(Table<Row>::guarded);
  return row.*std::get<Table<Row>::keys>(Table<Row>::columns).member;
}

/// Appends the cells that `texts` stand for.
void append_key_cells(const TableInfo& table, const Lookup& lookup, const std::string& text, std::vector<Cell>& cells);

}  // namespace detail

// ---- Held ----

template <class Row>
typename Held<Row>::Listings& Held<Row>::listings(const Index<Row>& index) {
  const auto [place, added] = lists_.try_emplace(&index);
  if (added) {
    for (auto& [key, entry] : entries_) listed(entry);
  }
  return place->second;
}

template <class Row>
const std::vector<typename Held<Row>::Entry*>* Held<Row>::list(const Index<Row>& index, const std::string& value) {
  auto& of_index = listings(index);
  for (; relisted_ < undo_.size(); ++relisted_) listed(*undo_[relisted_].entry);
  const auto found = of_index.find(value);
  return found == of_index.end() || !found->second.fetched ? nullptr : &found->second.entries;
}

template <class Row>
void Held<Row>::listed(Entry& entry, bool is_new) {
  if (!entry.now) return;
  for (auto& [index, of_index] : lists_) {
    auto& entries = of_index[detail::value_of(*entry.now, index->lookup)].entries;
    // Nobody can have listed one that is new, and lists may be long.
    if (is_new || std::ranges::find(entries, &entry) == entries.end()) entries.push_back(&entry);
  }
}

template <class Row>
typename Held<Row>::Entry& Held<Row>::adopt(Row row) {
  const auto [place, is_new] = entries_.try_emplace(detail::key_of(row));
  Entry& entry = place->second;
  if (!entry.stored && !entry.now && !entry.dirty) {
    entry.stored = row;
    entry.now = std::move(row);
  }
  listed(entry, is_new);
  return entry;
}

template <class Row>
Result<> Held<Row>::fetch(Engine& engine, const std::string& key) {
  std::vector<Cell> cells;
  detail::append_key_cells(kTable<Row>, kByKey<Row>, key, cells);
  const Read read{&kByKey<Row>, cells, [this](std::span<const Cell> row) { adopt(row_of<Row>(row)); }};
  TRY(engine.read({&read, 1}));
  entries_.try_emplace(key);
  return ok();
}

template <class Row>
Result<> Held<Row>::fetch(Engine& engine, const Index<Row>& index, const std::string& value) {
  std::vector<Cell> cells;
  detail::append_key_cells(kTable<Row>, index.lookup, value, cells);
  const Read read{&index.lookup, cells, [this](std::span<const Cell> row) { adopt(row_of<Row>(row)); }};
  TRY(engine.read({&read, 1}));
  listings(index)[value].fetched = true;
  return ok();
}

template <class Row>
void Held<Row>::gather(std::vector<Read>& reads, std::deque<std::vector<Cell>>& values) {
  const auto sort_unique = [](auto& wanted) {
    std::ranges::sort(wanted);
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  };
  sort_unique(wanted_keys_);
  sort_unique(wanted_lists_);
  const auto sink = [this](std::span<const Cell> cells) { adopt(row_of<Row>(cells)); };
  if (!wanted_keys_.empty()) {
    auto& cells = values.emplace_back();
    for (const std::string& key : wanted_keys_) detail::append_key_cells(kTable<Row>, kByKey<Row>, key, cells);
    reads.push_back({&kByKey<Row>, cells, sink});
  }
  for (size_t i = 0; i < wanted_lists_.size();) {
    const Index<Row>* index = wanted_lists_[i].first;
    auto& cells = values.emplace_back();
    for (; i < wanted_lists_.size() && wanted_lists_[i].first == index; ++i) {
      detail::append_key_cells(kTable<Row>, index->lookup, wanted_lists_[i].second, cells);
    }
    reads.push_back({&index->lookup, cells, sink});
  }
}

template <class Row>
void Held<Row>::fetched() {
  for (const std::string& key : wanted_keys_) entries_.try_emplace(key);  // those that were not found are known not to be there
  for (const auto& [index, value] : wanted_lists_) listings(*index)[value].fetched = true;
  wanted_keys_.clear();
  wanted_lists_.clear();
}

template <class Row>
bool Held<Row>::fits() const {
  for (const Undo& undo : undo_) {
    if (!undo.entry->now) continue;
    bool fits = true;
    for_each_column(*undo.entry->now, [&fits](size_t, const auto& member) {
      const Cell cell = cell_of(member);
      fits = fits && cell.text.size() <= kValueBytes && (cell.kind != Kind::text || cell.text.find('\0') == std::string_view::npos);
    });
    if (!fits) return false;
  }
  return true;
}

template <class Row>
void Held<Row>::keep() {
  if (!lists_.empty()) {
    for (const Undo& undo : undo_) listed(*undo.entry);
  }
  undo_.clear();
  relisted_ = 0;
}

template <class Row>
void Held<Row>::undo() {
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) {
    it->entry->now = std::move(it->now);
    it->entry->touched = it->touched;
  }
  undo_.clear();
  relisted_ = 0;
}

template <class Row>
void Held<Row>::clear() {
  entries_.clear();
  lists_.clear();
  wanted_keys_.clear();
  wanted_lists_.clear();
  undo_.clear();
  relisted_ = 0;
  dirty_.clear();
}

template <class Row>
void Held<Row>::gather(std::vector<Write>& writes, std::deque<std::vector<Cell>>& cells) const {
  if (dirty_.empty()) return;
  constexpr size_t keys = Table<Row>::keys;
  auto changed = dirty_;
  std::ranges::sort(changed, {}, [](const auto& item) -> const std::string& { return item.first; });

  std::vector<Cell> removed, inserted;
  size_t removals = 0, insertions = 0;
  // By the columns that differ, and those first that let go of something (a column becomes NULL): it may be unique, and another row's now.
  std::map<std::pair<bool, uint64_t>, std::pair<std::vector<Cell>, size_t>> updated;
  for (const auto& [key, entry] : changed) {
    if (!entry->stored && !entry->now) continue;
    if (!entry->stored) {
      const auto row = detail::cells_of(*entry->now);
      inserted.insert(inserted.end(), row.begin(), row.end());
      ++insertions;
      continue;
    }
    const auto before = detail::cells_of(*entry->stored);
    if (!entry->now) {
      removed.insert(removed.end(), before.begin(), before.begin() + keys);
      ++removals;
      continue;
    }
    const auto after = detail::cells_of(*entry->now);
    constexpr size_t first = keys + (Table<Row>::guarded ? 1 : 0);
    uint64_t columns = 0;
    bool lets_go = false;
    for (size_t i = first; i < after.size(); ++i) {
      const bool same = before[i].null == after[i].null && before[i].integer == after[i].integer && before[i].text == after[i].text;
      if (!same) columns |= uint64_t{1} << i;
      lets_go = lets_go || (!same && after[i].null);
    }
    if (columns == 0 && !(Table<Row>::guarded && entry->touched)) continue;
    auto& [into, rows] = updated[{!lets_go, columns}];
    into.insert(into.end(), before.begin(), before.begin() + first);
    for (size_t i = first; i < after.size(); ++i) {
      if (columns >> i & 1) into.push_back(after[i]);
    }
    ++rows;
  }

  const auto add = [&](typename Write::What what, uint64_t columns, std::vector<Cell>&& of_rows, size_t rows) {
    if (rows == 0) return;
    auto& kept = cells.emplace_back(std::move(of_rows));
    writes.push_back({what, &kTable<Row>, columns, kept, rows});
  };
  add(Write::What::remove, 0, std::move(removed), removals);
  for (auto& [which, of] : updated) add(Write::What::update, which.second, std::move(of.first), of.second);
  add(Write::What::insert, 0, std::move(inserted), insertions);
}

// ---- Rows ----

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
  std::vector<const Row*> rows;
  for (const auto* entry : *entries) {
    if (entry->now && detail::is_listed(*entry->now, index, value)) rows.push_back(&*entry->now);
  }
  return rows;
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
  TRY(remember(engine_->scan(scan, values, [&rows](std::span<const Cell> row) { rows.push_back(row_of<Row>(row)); })));
  return rows;
}

template <class Row>
Result<std::vector<Row>> Rows::scan_each(const Scan& scan, std::span<const Cell> values, size_t width) {
  std::vector<Row> rows;
  if (values.empty()) return rows;
  TRY(remember(engine_->scan_each(scan, values, width, [&rows](std::span<const Cell> row) { rows.push_back(row_of<Row>(row)); })));
  return rows;
}

template <class Row>
const Row* Rows::adopt(const Row& scanned) {
  const auto& entry = held<Row>().adopt(scanned);
  return entry.now ? &*entry.now : nullptr;
}

template <class Row>
void Rows::insert(Row row) {
  auto& held = this->held<Row>();
  const std::string key = detail::key_of(row);
  auto& entry = held.at(key);
  held.save(entry);
  entry.now = std::move(row);
  held.mark(entry, key);
  held.listed(entry);
}

template <class Row>
Row& Rows::change(const Row& row) {
  auto& held = this->held<Row>();
  const std::string key = detail::key_of(row);
  auto& entry = *held.find(key);
  held.save(entry);
  held.mark(entry, key);
  entry.touched = true;
  if constexpr (Table<Row>::guarded) {
    // As the row will stand after the batch: an act that comes with the guard it read before must see that another was first.
    if (entry.stored) detail::guard_of(*entry.now) = detail::guard_of(*entry.stored) + 1;
  }
  return *entry.now;
}

template <class Row>
void Rows::touch(const Row& row) {
  static_assert(Table<Row>::guarded);
  change(row);
}

template <class Row>
void Rows::remove(const Row& row) {
  auto& held = this->held<Row>();
  const std::string key = detail::key_of(row);
  auto& entry = *held.find(key);
  held.save(entry);
  held.mark(entry, key);
  entry.now.reset();
}

}  // namespace kaimen::store

// The templates of held.h, for those files that compile them.
#pragma once

#include <algorithm>

#include "store/held.h"

namespace kaimen::store {

namespace detail {

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

/// Appends the cells that `texts` stand for.
void append_key_cells(const TableInfo& table, const Lookup& lookup, const std::string& text, std::vector<Cell>& cells);

}  // namespace detail

template <class Row>
typename Held<Row>::Entry* Held<Row>::find(const std::string& key) {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

template <class Row>
Row Held<Row>::row_of(std::span<const Cell> cells) {
  return store::row_of<Row>(cells);
}

template <class Row>
void Held<Row>::save(Entry& entry, const std::string& key) {
  undo_.push_back({&entry, entry.now, entry.touched, fetches_});
  if (!std::exchange(entry.dirty, true)) dirty_.push_back({key, &entry});
}

template <class Row>
void Held<Row>::insert(Row row) {
  const std::string key = detail::key_of(row);
  Entry& entry = entries_[key];
  save(entry, key);
  entry.now = std::move(row);
  listed(entry);
}

template <class Row>
Row& Held<Row>::change(const Row& row) {
  const std::string key = detail::key_of(row);
  Entry& entry = *find(key);
  save(entry, key);
  entry.touched = true;
  if constexpr (Table<Row>::guarded) {
    // As the row will stand after the batch: an act that comes with the guard it read before must see that another was first.
    if (entry.stored) detail::guard_of(*entry.now) = detail::guard_of(*entry.stored) + 1;
  }
  return *entry.now;
}

template <class Row>
void Held<Row>::remove(const Row& row) {
  const std::string key = detail::key_of(row);
  Entry& entry = *find(key);
  save(entry, key);
  entry.now.reset();
}

template <class Row>
std::vector<const Row*> Held<Row>::listed_now(const std::vector<Entry*>& entries, const Index<Row>& index, const std::string& value) const {
  std::vector<const Row*> rows;
  for (const Entry* entry : entries) {
    if (entry->now && detail::is_listed(*entry->now, index, value)) rows.push_back(&*entry->now);
  }
  return rows;
}

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
  const Read read{&kByKey<Row>, cells, [this](std::span<const Cell> row) { adopt(row_of(row)); }};
  TRY(engine.read({&read, 1}));
  entries_.try_emplace(key);
  return ok();
}

template <class Row>
Result<> Held<Row>::fetch(Engine& engine, const Index<Row>& index, const std::string& value) {
  std::vector<Cell> cells;
  detail::append_key_cells(kTable<Row>, index.lookup, value, cells);
  const Read read{&index.lookup, cells, [this](std::span<const Cell> row) { adopt(row_of(row)); }};
  TRY(engine.read({&read, 1}));
  listings(index)[value].fetched = true;
  ++fetches_;
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
  const auto sink = [this](std::span<const Cell> cells) { adopt(row_of(cells)); };
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
    // A list that was fetched meanwhile has the row where this act had put it.
    if (it->fetches != fetches_) listed(*it->entry);
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

}  // namespace kaimen::store

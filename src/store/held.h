// The rows of one table that the acts of a batch have seen and changed (rows.h). What is declared here is compiled once for each table, in *_rows.cpp:
// compiled in every file that has acts, it was most of a build.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/engine.h"
#include "store/table.h"

namespace kaimen::store {

/// A way to find rows by something else than their key.
template <class Row>
struct Index {
  Lookup lookup;
  bool (*holds)(const Row&) = nullptr;  ///< What lookup.where says, for rows in memory.
};

/// The body of an avatar is the largest there is; a larger value is a bug, and fails its act.
inline constexpr size_t kValueBytes = 1024 * 1024;

/// Cells as one text that differs for different cells; orders rows the same way on every node.
std::string key_text(std::span<const Cell> cells);
/// The cells of a key_text, as views into it.
void read_key_text(std::string_view text, std::span<Cell> cells);

namespace detail {

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
template <class Row>
int64_t& guard_of(Row& row) {
  static_assert(Table<Row>::guarded);
  return row.*std::get<Table<Row>::keys>(Table<Row>::columns).member;
}

}  // namespace detail

/// What a worker does with the rows of any table.
class AnyHeld {
 public:
  virtual ~AnyHeld() = default;
  /// Adds what is wanted to `reads`; `values` keeps the cells.
  virtual void gather(std::vector<Read>& reads, std::deque<std::vector<Cell>>& values) = 0;
  virtual void fetched() = 0;
  virtual void undo() = 0;
  virtual void keep() = 0;
  /// Whether every value that the act changed can be kept: none is larger than kValueBytes, no text holds a zero character (PostgreSQL has
  /// none).
  virtual bool fits() const = 0;
  virtual void gather(std::vector<Write>& writes, std::deque<std::vector<Cell>>& cells) const = 0;
  virtual void clear() = 0;
};

/// Rows of one table.
template <class Row>
class Held final : public AnyHeld {
 public:
  struct Entry {
    std::optional<Row> stored, now;
    bool touched = false;
    bool dirty = false;  ///< Listed in dirty_.
  };

  Entry* find(const std::string& key);
  /// A row as it was read; one that is in memory already stays as it is there.
  Entry& adopt(Row row);
  /// Those that may be on the list, once it has been fetched; null before. Also by what this act has changed until now.
  const std::vector<Entry*>* list(const Index<Row>& index, const std::string& value);
  /// Those of them that are.
  std::vector<const Row*> listed_now(const std::vector<Entry*>& entries, const Index<Row>& index, const std::string& value) const;

  void insert(Row row);
  /// The row is in memory.
  Row& change(const Row& row);
  void remove(const Row& row);

  static Row row_of(std::span<const Cell> cells);

  /// Reads what has one value now, as a local engine does.
  Result<> fetch(Engine& engine, const std::string& key);
  Result<> fetch(Engine& engine, const Index<Row>& index, const std::string& value);
  void want(const std::string& key) { wanted_keys_.push_back(key); }
  void want(const Index<Row>& index, const std::string& value) { wanted_lists_.push_back({&index, value}); }

  void gather(std::vector<Read>& reads, std::deque<std::vector<Cell>>& values) override;
  void fetched() override;
  void undo() override;
  void keep() override;
  bool fits() const override;
  void gather(std::vector<Write>& writes, std::deque<std::vector<Cell>>& cells) const override;
  void clear() override;

 private:
  struct Listing {
    std::vector<Entry*> entries;
    bool fetched = false;
  };
  using Listings = std::unordered_map<std::string, Listing>;
  Listings& listings(const Index<Row>& index);
  /// Puts a row that is new or has changed on the lists where it belongs; it need not be taken from those where it belonged.
  void listed(Entry& entry, bool is_new = false);
  /// Before the row is changed.
  void save(Entry& entry, const std::string& key);

  std::unordered_map<std::string, Entry> entries_;
  std::map<const Index<Row>*, Listings> lists_;  // of each index that was used, by the values looked up
  std::vector<std::string> wanted_keys_;
  std::vector<std::pair<const Index<Row>*, std::string>> wanted_lists_;
  struct Undo {
    Entry* entry;
    std::optional<Row> now;
    bool touched;
    size_t fetches;  // lists fetched until then
  };
  std::vector<Undo> undo_;
  size_t fetches_ = 0;
  size_t relisted_ = 0;  // of undo_: what stood there is on the lists as it is now
  std::vector<std::pair<std::string, Entry*>> dirty_;
};

}  // namespace kaimen::store

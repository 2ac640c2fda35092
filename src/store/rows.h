// The rows that the acts of one batch have seen and changed: read once, changed in memory, written together at the end.
//
// Acts are written as if each were alone: they find rows, decide, and change them. What an act changed is seen by the next one, and undone
// when it refuses. On a local engine a row is read when it is first asked for. Elsewhere an act that asks for a row nobody has read yet is
// stopped (`wanting`), what the whole batch asks for is fetched with one statement a table, and the act runs again from its beginning; so
// an act must have no effect but through its rows. Writes leave in the order of the tables below, keys sorted, so that two batches never
// lock the same rows in different orders.
//
// What keeps two writers apart: each row that is changed or removed must still be there, each that is inserted must not, and every act that
// decides by what belongs to a user (identities, sessions, revocations) changes or touches that user's row, whose guard then counts up.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "store/engine.h"
#include "store/tables.h"

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

  Entry* find(const std::string& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }
  Entry& at(const std::string& key) { return entries_[key]; }

  /// A row as it was read; one that is in memory already stays as it is there.
  Entry& adopt(Row row);
  void save(Entry& entry) { undo_.push_back({&entry, entry.now, entry.touched}); }
  void mark(Entry& entry, const std::string& key) {
    if (std::exchange(entry.dirty, true)) return;
    dirty_.push_back({key, &entry});
  }
  /// Those that may be on the list, once it has been fetched; null before. Also by what this act has changed until now.
  const std::vector<Entry*>* list(const Index<Row>& index, const std::string& value);
  /// Puts a row that is new or has changed on the lists where it belongs; it need not be taken from those where it belonged.
  void listed(Entry& entry, bool is_new = false);

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

  std::unordered_map<std::string, Entry> entries_;
  std::map<const Index<Row>*, Listings> lists_;  // of each index that was used, by the values looked up
  std::vector<std::string> wanted_keys_;
  std::vector<std::pair<const Index<Row>*, std::string>> wanted_lists_;
  struct Undo {
    Entry* entry;
    std::optional<Row> now;
    bool touched;
  };
  std::vector<Undo> undo_;
  size_t relisted_ = 0;  // of undo_: what stood there is on the lists as it is now
  std::vector<std::pair<std::string, Entry*>> dirty_;
};

class Rows {
 public:
  explicit Rows(Engine& engine) : engine_(&engine) {}

  // ---- for acts; pointers and references hold until the act ends ----

  /// The row with this key; null: none.
  template <class Row, class... Values>
  Result<const Row*> find(const Values&... key);
  /// The rows with these values, in no particular order; what this act has changed until now counts as it has changed it.
  template <class Row, class... Values>
  Result<std::vector<const Row*>> list(const Index<Row>& index, const Values&... values);
  /// Says that find() will be asked for it, so that it can be fetched together with others.
  template <class Row, class... Values>
  void expect(const Values&... key);
  template <class Row, class... Values>
  void expect(const Index<Row>& index, const Values&... values);
  /// The rows of the scan as the database has them; changes of this batch are not among them.
  template <class Row, class... Values>
  Result<std::vector<Row>> scan(const Scan& scan, const Values&... values);
  /// The same scan for each `width` of the values, in one way over the network; the rows of one after those of the other.
  template <class Row>
  Result<std::vector<Row>> scan_each(const Scan& scan, std::span<const Cell> values, size_t width);
  /// The same with values that are cells already; for scans that are made at run time (pager.h).
  template <class Row>
  Result<std::vector<Row>> scan_cells(const Scan& scan, std::span<const Cell> values);
  bool compares_rows() const { return engine_->compares_rows(); }
  /// The database's own time.
  Result<Time> time();

  /// A row that a scan found, as this batch has it now; null: it was removed.
  template <class Row>
  const Row* adopt(const Row& scanned);

  /// Adds a row. One that is there already fails the batch as a conflict, unless find() has said so before.
  template <class Row>
  void insert(Row row);
  /// The row, to be changed.
  template <class Row>
  Row& change(const Row& row);
  /// Counts the guard up, so that no other act that decided by the same row can be committed beside this one.
  template <class Row>
  void touch(const Row& row);
  template <class Row>
  void remove(const Row& row);

  // ---- for the worker ----

  /// Whether the act that just ran must run again after fetch(). Forgets it.
  bool take_wanting() { return std::exchange(wanting_, false); }
  Result<> fetch();
  /// What the engine refused since clear(): the transaction is lost, whatever the act made of it.
  const std::optional<Error>& failure() const { return failure_; }
  void undo_act();
  /// Error: internal when a value cannot be kept (Held::fits); then undo_act() must follow.
  Result<> keep_act();
  /// All changes; the cells hold until clear().
  std::vector<Write> writes();
  void clear();

 private:
  static constexpr size_t kTables = count_of(AllTables{});
  /// Of the table at this place in AllTables. Out of line, so that who uses a few tables does not compile all.
  static std::unique_ptr<AnyHeld> make_held(size_t table);
  template <class Row>
  Held<Row>& held() {
    constexpr size_t table = place_of<Row>(AllTables{});
    if (!held_[table]) held_[table] = make_held(table);
    return static_cast<Held<Row>&>(*held_[table]);
  }
  template <class Use>
  void each(const Use& use) {
    for (const auto& held : held_) {
      if (held) use(*held);
    }
  }
  template <class Row, class... Which>
  Result<> demand(Held<Row>& held, const Which&... which) {
    if (engine_->local()) return remember(held.fetch(*engine_, which...));
    held.want(which...);
    wanting_ = true;
    return Error{ErrorCode::unavailable, {}};
  }

  template <class T>
  Result<T> remember(Result<T> result) {
    if (!result && !failure_) failure_ = result.error();
    return result;
  }

  Engine* engine_;
  bool wanting_ = false;
  std::optional<Error> failure_;
  std::deque<std::vector<Cell>> cells_;
  std::array<std::unique_ptr<AnyHeld>, kTables> held_;  // in the order of AllTables; of tables that were ever used
};

}  // namespace kaimen::store

#include "store/rows_inline.h"

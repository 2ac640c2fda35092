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

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "store/engine.h"
#include "store/held.h"
#include "store/tables.h"

namespace kaimen::store {

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

// A database connection as the store's worker sees it: a few typed statement shapes, each over many rows at once. SQLite, PostgreSQL and the
// MySQL protocol implement it; no SQL is written anywhere else but in migrations.
//
// A transaction is begin, any number of reads and scans, then commit (which writes first) or roll_back. It sees one snapshot; rows it updates
// that another changed since are a conflict. Errors of all: `conflict` (another was faster: serialization, deadlock, a unique key, a guard or
// a row that is gone; try the whole transaction again), `unavailable` (connection, disk, lock, a server that only reads: nothing else would
// work now), `internal` (a bug). After any error only roll_back and begin may follow. One thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/store.h"
#include "store/table.h"

namespace kaimen::store {

/// Takes one row; the cells are those of the table's columns in order, and hold until it returns.
using Sink = std::function<void(std::span<const Cell>)>;

/// All rows that `lookup` finds for any of the given values. Values are never NULL.
struct Read {
  const Lookup* lookup;
  std::span<const Cell> values;  ///< lookup->count cells for each value looked up, sorted, without repetition.
  Sink sink;
};

/// The same change to many rows of one table, whose keys are sorted and differ.
struct Write {
  enum class What : uint8_t {
    insert,  ///< A row: every column.
    update,  ///< A row: the key, the guard as it was read if the table has one, then the new value of each column in `columns`.
    remove,  ///< A row: the key.
  } what;
  const TableInfo* table;
  uint64_t columns;              ///< Of update: bit i for columns[i]; never keys or guard. May be 0 where there is a guard.
  std::span<const Cell> cells;
  size_t rows;
  /// Cells of one row.
  size_t width() const { return rows == 0 ? 0 : cells.size() / rows; }
};

/// Something that was looked at for an operator, and whether it is as it should be.
struct Probe {
  enum class State : uint8_t {
    good,
    doubtful,  ///< Works, with a risk or a limit that somebody should have chosen.
    bad,
  } state;
  std::string what, hint;  ///< The hint is empty where it is good.
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// A read costs no way over a network: the worker then reads each row when an act asks for it, else it gathers what a whole batch asks for.
  virtual bool local() const = 0;
  /// Whether "(a, b) > (?, ?)" is a range of an index to it. Else "(a > ?) OR (a = ? AND b > ?)" is one.
  virtual bool compares_rows() const { return true; }
  /// The database's own time.
  virtual Result<Time> time() = 0;

  /// Connects first where that is needed. `writes`: changes may follow.
  virtual Result<> begin(bool writes) = 0;
  virtual Result<> read(std::span<const Read> reads) = 0;
  virtual Result<> scan(const Scan& scan, std::span<const Cell> values, const Sink& sink) = 0;
  /// The same scan for each `width` of the values, one after the other; over a network, in one way.
  virtual Result<> scan_each(const Scan& scan, std::span<const Cell> values, size_t width, const Sink& sink) {
    for (; !values.empty(); values = values.subspan(width)) {
      TRY(this->scan(scan, values.first(width), sink));
    }
    return ok();
  }
  /// Makes the changes in order and commits. An update or remove that finds fewer rows than it names, or an insert of a row that is there,
  /// is a conflict. Sets `unknown` when the transaction may have been committed although an error is returned (the line broke meanwhile).
  virtual Result<> commit(std::span<const Write> writes, bool& unknown) = 0;
  virtual void roll_back() noexcept = 0;

  /// Runs `sql`, several statements without values, outside of a transaction (migrations).
  virtual Result<> script(const std::string& sql) = 0;

  /// What can be told of the server: whether it takes writes, what the user may do, how durable and how isolated transactions are. Outside of
  /// a transaction; changes nothing. What cannot be told is left out. Error: unavailable.
  virtual Result<std::vector<Probe>> probe() { return std::vector<Probe>{}; }

  /// core::Store::back_up. Outside of a transaction.
  virtual Result<core::BackupProgress> back_up(bool) {
    return make_error(ErrorCode::invalid_request, "a database on a server is backed up by the server's own tools");
  }
};

}  // namespace kaimen::store

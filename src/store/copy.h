// Copies a whole store into another database, so that nodes can go on there: "moving up" from SQLite to PostgreSQL or MySQL.
//
// Three passes, each in the order of the keys on both sides: look (before anything is written: may this be a copy of that, can all of it
// be kept there), write what is missing, and compare every cell of every row. A copy that was interrupted goes on when it is begun again.
// While it is not finished the target has a mark, and no node starts on it. The target's own record of nodes stays empty.
#pragma once

#include <functional>

#include "store/pager.h"

namespace kaimen::store {

enum class CopyStep : uint8_t { look, write, verify };
struct CopyProgress {
  CopyStep step;
  std::string_view table;
  uint64_t done;   ///< Rows of this step, of all tables so far.
  uint64_t total;  ///< How many there will be; 0 while looking: not known yet.
};
using OnCopyProgress = std::function<void(const CopyProgress&)>;

struct CopiedTable {
  std::string_view name;
  uint64_t rows = 0;     ///< In the table, on both sides.
  uint64_t written = 0;  ///< By this call; the others were there.
};

/// Both databases have the schema of this version (migrate). Nothing may write to the source meanwhile; the target holds nothing, or what
/// an earlier call has written of the same source. `now` is the mark's time. `progress` is called after every few hundred rows.
/// Errors: invalid_request, in words that name table, key and column (the target holds other rows, or nodes have run on it; a text that no
/// server keeps; a value that is too long there; a row that differs afterwards); as of the engines. The target keeps its mark then.
Result<std::vector<CopiedTable>> copy_store(const CopySide& source, const CopySide& target, Time now, const OnCopyProgress& progress);

}  // namespace kaimen::store

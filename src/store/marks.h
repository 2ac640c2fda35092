// Marks on a whole database, kept as rows of `meta`, that keep nodes from starting on it: one from which the store was moved away, and one
// into which a copy has not been finished (copy.h).
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "store/engine.h"

namespace kaimen::store {

enum class Mark : uint8_t { moved, copying };
/// The mark's name in meta; stored, do not change.
std::string_view name_of(Mark mark);

/// Since when the database has each mark.
struct Marks {
  std::optional<Time> moved, copying;
};
/// Errors of these: as of the engine.
Result<Marks> read_marks(Engine& engine);
/// One that is there stays as it is.
Result<> set_mark(Engine& engine, Mark mark, Time now);
/// Whether it was there.
Result<bool> remove_mark(Engine& engine, Mark mark);

/// Before a node works with the database. Errors: invalid_request (it has a mark), with words for the operator; as of the engine.
Result<> refuse_marked(Engine& engine);

/// Under which master keys values are (core/seal_store.h): ids, as rows of meta say. Stored names; do not change.
inline constexpr const char kMasterKey[] = "master_key", kNextMasterKey[] = "master_key_next";
struct MasterKeyMarks {
  std::optional<uint32_t> settled, next;
};
/// Of a database that no node works on, or beside one that does.
Result<MasterKeyMarks> read_master_key_marks(Engine& engine);

}  // namespace kaimen::store

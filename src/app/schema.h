// Which migrations a database has, beside those this binary brings; without applying any.
#pragma once

#include <string>
#include <vector>

#include "app/failure.h"
#include "base/clock.h"

namespace kaimen::app {

struct SchemaState {
  bool exists = false;                ///< The file is there; always so of a database on a server.
  std::vector<std::string> applied;   ///< In order of their names.
  std::vector<std::string> missing;   ///< This binary has them, the database has not.
  std::vector<std::string> unknown;   ///< A newer version wrote them.
  std::vector<std::string> barring;   ///< Of unknown: those that this binary must not work beside.
};

/// Of a SQLite file the caller holds the DataLock. Failure: it cannot be opened, or is no database.
OrFail<SchemaState> read_schema(const std::string& store_url, const Clock& clock);

}  // namespace kaimen::app

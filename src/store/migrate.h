// Migrations: the schema's changes, in order, each applied once however many nodes start together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "store/engine.h"

namespace kaimen::store {

enum class Dialect : uint8_t { sqlite, postgres, mysql };

struct Migration {
  std::string_view name, sql;
};
/// Those this program brings, in order.
std::vector<Migration> migrations(Dialect dialect);

/// Which of them a database has, beside those this program brings.
struct Schema {
  std::vector<std::string> applied, missing;
  std::vector<std::string> unknown;  ///< A newer version wrote them.
};
/// Changes nothing; a database without a record of migrations has none of them. Errors: as of the engine.
Result<Schema> read_schema(Engine& engine, Dialect dialect);

/// Applies what is missing. Nodes that start together take turns by a lease, so that each migration runs once; one whose node died while at
/// it is run again, which is why every statement of it can be repeated. Errors: as of the engine; invalid_request (a newer schema).
Result<> migrate(Engine& engine, Dialect dialect, Random& random);

}  // namespace kaimen::store

// Migrations: the schema's changes, in order, each applied once however many nodes start together.
//
// Nodes of the version before go on beside a newer one, and start on its schema (docs/decisions/0021). A migration that they can bear says so
// in its first line, `-- Beside: 0004`: programs whose newest migration is 0004 or a later one may work on a schema that has it. The database
// keeps that (schema_compatibility) before the migration's first statement runs, so that a program can ask about one it has never heard of.
// Without the line no older program may.
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
/// Those this program brings, in order of their names, which begin with four digits.
std::vector<Migration> migrations(Dialect dialect);

/// Which of them a database has, beside those this program brings.
struct Schema {
  std::vector<std::string> applied, missing;
  std::vector<std::string> unknown;  ///< A newer version wrote them.
  std::vector<std::string> barring;  ///< Of unknown: those that this program must not work beside.
  /// Whether this program may work on it, once what is missing is applied. Of two lines of versions neither may.
  bool is_compatible() const { return barring.empty() && (unknown.empty() || missing.empty()); }
};
/// "0004" of a migration that begins with `-- Beside: 0004`; empty: no older program may work beside it.
std::string_view oldest_beside(const Migration& migration);
/// Whether a program whose newest migration is `newest` may work on a schema that has `migration`, which says `beside`.
bool may_work_beside(std::string_view newest, std::string_view migration, std::string_view beside);

/// Changes nothing; a database without a record of migrations has none of them. Errors: as of the engine.
Result<Schema> read_schema(Engine& engine, Dialect dialect);

/// Applies what is missing. Nodes that start together take turns by a lease, so that each migration runs once; one whose node died while at
/// it is run again, which is why every statement of it can be repeated. Applies nothing to a newer schema that this program may work on.
/// Errors: as of the engine; invalid_request (a newer schema that bars this program; a migration that bars a program still at work).
Result<> migrate(Engine& engine, Dialect dialect, Random& random);

}  // namespace kaimen::store

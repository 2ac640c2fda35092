#include "app/schema.h"

#include <unistd.h>

#include <set>

#include "store/database.h"
#include "store/migrations_embedded.h"

namespace kaimen::app {

OrFail<SchemaState> read_schema(const std::string& database_path) {
  SchemaState state;
  std::set<std::string> applied;
  state.exists = access(database_path.c_str(), F_OK) == 0;
  if (state.exists) {
    auto database = store::Database::open(database_path, 4000);
    if (!database) return fail(database.error().detail);
    store::Statement table(*database.value(), "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'");
    const auto has_table = table.step();
    if (!has_table) return fail(has_table.error().detail);
    if (has_table.value()) {
      store::Statement rows(*database.value(), "SELECT name FROM schema_migrations");
      for (;;) {
        const auto row = rows.step();
        if (!row) return fail(row.error().detail);
        if (!row.value()) break;
        applied.insert(rows.text(0));
      }
    }
  }
  state.applied.assign(applied.begin(), applied.end());
  for (const auto& migration : store::kEmbeddedMigrations) {
    if (applied.erase(migration.name) == 0) state.missing.emplace_back(migration.name);
  }
  state.unknown.assign(applied.begin(), applied.end());
  return state;
}

}  // namespace kaimen::app

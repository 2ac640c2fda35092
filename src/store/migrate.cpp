#include "store/migrate.h"

#include <set>

#include "store/migrations_embedded.h"

namespace kaimen::store {

namespace {

Result<bool> has_table(Database& db, std::string_view name) {
  Statement found(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  found.bind(name);
  return found.step();
}

Result<std::set<std::string>> applied(Database& db) {
  TRY(const bool ours, has_table(db, "schema_migrations"));
  std::set<std::string> names;
  if (!ours) {
    Statement any(db, "SELECT 1 FROM sqlite_schema LIMIT 1");
    TRY(const bool used, any.step());
    if (used) return make_error(ErrorCode::invalid_request, "the database holds tables of another program");
    TRY(db.run("CREATE TABLE schema_migrations (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL) WITHOUT ROWID"));
  }
  Statement rows(db, "SELECT name FROM schema_migrations");
  for (;;) {
    TRY(const bool row, rows.step());
    if (!row) return names;
    names.insert(rows.text(0));
  }
}

Result<> apply_missing(Database& db, Time now) {
  TRY(auto done, applied(db));
  for (const EmbeddedMigration& migration : kEmbeddedMigrations) {
    if (done.erase(migration.name) != 0) continue;
    TRY(db.script(migration.sql));
    TRY(db.run("INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)", migration.name, now));
  }
  if (!done.empty()) {
    return make_error(ErrorCode::invalid_request, "the database was written by a newer version of Kaimen (it has " + *done.begin() + ")");
  }
  return ok();
}

}  // namespace

Result<> migrate(Database& db, Time now) {
  TRY(db.script("BEGIN IMMEDIATE"));
  auto applied_all = apply_missing(db, now);
  if (applied_all) applied_all = db.script("COMMIT");
  if (!applied_all && db.in_transaction()) static_cast<void>(db.script("ROLLBACK"));
  return applied_all;
}

}  // namespace kaimen::store

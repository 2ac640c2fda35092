// The list of migrations, alone in its file: a test links a list of its own instead, and is the program of another version.
#include "store/migrate.h"
#include "store/migrations_embedded.h"

namespace kaimen::store {

std::vector<Migration> migrations(Dialect dialect) {
  std::vector<Migration> all;
  const auto add = [&all](const auto& embedded) {
    for (const EmbeddedMigration& migration : embedded) all.push_back({migration.name, migration.sql});
  };
  if (dialect == Dialect::sqlite) add(k_sqlite_migrations);
  if (dialect == Dialect::postgres) add(k_postgres_migrations);
  if (dialect == Dialect::mysql) add(k_mysql_migrations);
  return all;
}

}  // namespace kaimen::store

// The program of a version to come: the real one, whose list of migrations goes on with the .sql files that NEXT_MIGRATIONS names. Linked
// instead of src/store/migrations.cpp; nothing else differs.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "store/migrate.h"
#include "store/migrations_embedded.h"

namespace kaimen::store {

namespace {

/// One text for each file of the directory, which live as long as the program.
std::vector<Migration> read_more() {
  static std::deque<std::string> texts;
  std::vector<Migration> more;
  const char* directory = std::getenv("NEXT_MIGRATIONS");
  if (!directory) return more;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    std::stringstream sql;
    sql << std::ifstream(file.path()).rdbuf();
    const std::string& name = texts.emplace_back(file.path().stem().string());
    more.push_back({name, texts.emplace_back(sql.str())});
  }
  std::ranges::sort(more, {}, &Migration::name);
  return more;
}

}  // namespace

std::vector<Migration> migrations(Dialect dialect) {
  static const std::vector<Migration> more = read_more();
  std::vector<Migration> all;
  const auto add = [&all](const auto& embedded) {
    for (const EmbeddedMigration& migration : embedded) all.push_back({migration.name, migration.sql});
  };
  if (dialect == Dialect::sqlite) add(k_sqlite_migrations);
  if (dialect == Dialect::postgres) add(k_postgres_migrations);
  if (dialect == Dialect::mysql) add(k_mysql_migrations);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace kaimen::store

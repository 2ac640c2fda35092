#include "store/open.h"

#include <unistd.h>

#include "store/marks.h"
#include "store/mysql_engine.h"
#include "store/postgres_engine.h"
#include "store/sqlite_engine.h"

namespace kaimen::store {

namespace {

constexpr std::string_view kSqlite = "sqlite://";

/// A file with tables but without our record is another program's.
Result<> refuse_foreign(Database& database) {
  Statement ours(database, "SELECT count(*), count(CASE WHEN name = 'schema_migrations' THEN 1 END) FROM sqlite_schema");
  TRY(ours.step());
  if (ours.integer(0) == 0 || ours.integer(1) != 0) return ok();
  return make_error(ErrorCode::invalid_request, "the database holds tables of another program");
}

Result<std::unique_ptr<SqliteEngine>> open_file(const SqliteOptions& options, const Clock& clock) {
  TRY(auto database, Database::open(options.path, options.checkpoint_pages));
  TRY(refuse_foreign(*database));
  return std::make_unique<SqliteEngine>(std::move(database), options.path, options.checkpoint_pages, clock);
}

}  // namespace

std::optional<Dialect> dialect_of(std::string_view url) {
  if (url.starts_with(kSqlite)) return Dialect::sqlite;
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) return Dialect::postgres;
  if (url.starts_with("mysql://") || url.starts_with("mariadb://")) return Dialect::mysql;
  return std::nullopt;
}

Result<std::unique_ptr<SqlStore>> open_sqlite(SqliteOptions options, const Clock& clock) {
  TRY(auto engine, open_file(options, clock));
  SystemRandom random;
  TRY(migrate(*engine, Dialect::sqlite, random));
  TRY(refuse_marked(*engine));
  ::unlink(snapshot_path(options.path).c_str());  // nobody has taken it
  std::vector<std::unique_ptr<Engine>> engines;
  engines.push_back(std::move(engine));
  SqlStore::Options store_options;
  store_options.steady = std::move(options.steady);
  store_options.events_kept = options.events_kept;
  return std::make_unique<SqlStore>(std::move(engines), nullptr, std::move(store_options), clock);
}

Result<std::unique_ptr<Engine>> open_engine(const std::string& url, const Clock& clock) {
  switch (dialect_of(url).value_or(Dialect::sqlite)) {
    case Dialect::postgres:
      return open_postgres(url);
    case Dialect::mysql:
      return open_mysql(url);
    case Dialect::sqlite:
      break;
  }
  if (!url.starts_with(kSqlite)) return make_error(ErrorCode::invalid_request, "no database is named by a URL of this kind");
  TRY(auto engine, open_file({url.substr(kSqlite.size())}, clock));
  return std::unique_ptr<Engine>(std::move(engine));
}

Result<std::unique_ptr<SqlStore>> open_store(StoreOptions options, const Clock& clock) {
  const auto dialect = dialect_of(options.url);
  if (!dialect) return make_error(ErrorCode::invalid_request, "no database is named by a URL of this kind");
  if (*dialect == Dialect::sqlite) {
    SqliteOptions sqlite{options.url.substr(kSqlite.size())};
    sqlite.steady = std::move(options.steady);
    sqlite.events_kept = options.events_kept;
    return open_sqlite(std::move(sqlite), clock);
  }

  TRY(auto follow, open_engine(options.url, clock));
  SystemRandom random;
  TRY(migrate(*follow, *dialect, random));
  TRY(refuse_marked(*follow));
  std::vector<std::unique_ptr<Engine>> acts;
  for (int i = 0; i < options.connections; ++i) {
    TRY(auto engine, open_engine(options.url, clock));
    acts.push_back(std::move(engine));
  }
  SqlStore::Options store_options;
  store_options.shared = true;
  store_options.steady = std::move(options.steady);
  store_options.events_kept = options.events_kept;
  return std::make_unique<SqlStore>(std::move(acts), std::move(follow), std::move(store_options), clock);
}

}  // namespace kaimen::store

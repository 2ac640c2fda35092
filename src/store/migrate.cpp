#include "store/migrate.h"

#include <algorithm>
#include <thread>

#include "store/migrations_embedded.h"
#include "store/rows.h"
#include "store/transaction.h"

namespace kaimen::store {

namespace {

/// A migration that is applied, or that somebody is at.
struct MigrationRow {
  std::string name;
  int64_t version = 0;
  Id owner;
  Time lease_until{}, applied_at{};
};

}  // namespace

template <>
struct Table<MigrationRow> {
  static constexpr std::string_view name = "schema_migrations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"name", &MigrationRow::name},
      Column{"version", &MigrationRow::version},
      Column{"owner", &MigrationRow::owner},
      Column{"lease_until", &MigrationRow::lease_until},
      Column{"applied_at", &MigrationRow::applied_at},
  };
};

namespace {

constexpr auto kLease = std::chrono::minutes(2);
constexpr Scan kAll{&kTable<MigrationRow>, "", "name"};

std::string record_table(Dialect dialect) {
  const bool text_is_bytes = dialect == Dialect::mysql;
  const std::string text = text_is_bytes ? "VARBINARY(64)" : "VARCHAR(64)";
  const std::string bytes = dialect == Dialect::postgres ? "BYTEA" : "VARBINARY(16)";
  return "CREATE TABLE IF NOT EXISTS schema_migrations (name " + text + " NOT NULL PRIMARY KEY, version BIGINT NOT NULL, owner " + bytes +
         " NOT NULL, lease_until BIGINT NOT NULL, applied_at BIGINT NOT NULL)";
}

Result<std::vector<MigrationRow>> read_record(Engine& engine) {
  std::vector<MigrationRow> rows;
  TRY(in_transaction(engine, false, [&](std::vector<Write>&) {
    rows.clear();
    return engine.scan(kAll, {}, [&](std::span<const Cell> cells) { rows.push_back(row_of<MigrationRow>(cells)); });
  }));
  return rows;
}

Result<> make_record(Engine& engine, Dialect dialect) {
  // Two nodes that make it at the same moment may meet in the catalogue; then it is there.
  for (int tries = 1;; ++tries) {
    auto made = engine.script(record_table(dialect));
    if (made) return ok();
    engine.roll_back();
    if (made.error().code != ErrorCode::conflict || tries == kConflictTries) return made.error();
    std::this_thread::sleep_for(kConflictPause);
  }
}

Result<std::optional<MigrationRow>> read_one(Engine& engine, std::string_view name) {
  std::optional<MigrationRow> row;
  const Cell key{Kind::text, false, 0, name};
  const Read read{&kByKey<MigrationRow>, {&key, 1}, [&row](std::span<const Cell> cells) { row = row_of<MigrationRow>(cells); }};
  TRY(engine.read({&read, 1}));
  return row;
}

/// Takes the lease on one migration; false: another holds it.
Result<bool> lease(Engine& engine, std::string_view name, const Id& owner) {
  bool leased = false;
  MigrationRow row;
  std::vector<Cell> cells;
  TRY(in_transaction(engine, true, [&](std::vector<Write>& changes) -> Result<> {
    TRY(const Time now, engine.time());
    TRY(const auto before, read_one(engine, name));
    leased = !before || (before->applied_at == Time{} && before->lease_until <= now);
    if (!leased) return ok();
    row = MigrationRow{std::string(name), before ? before->version : 0, owner, now + kLease, Time{}};
    const auto all = detail::cells_of(row);
    cells.assign(all.begin(), before ? all.begin() + 4 : all.end());
    changes.push_back({before ? Write::What::update : Write::What::insert, &kTable<MigrationRow>, before ? 0b1100U : 0U, cells, 1});
    return ok();
  }));
  return leased;
}

/// Lets another try at once what could not be applied.
Result<> release(Engine& engine, std::string_view name) {
  MigrationRow row;
  std::vector<Cell> cells;
  return in_transaction(engine, true, [&](std::vector<Write>& changes) -> Result<> {
    TRY(const auto before, read_one(engine, name));
    if (!before || before->applied_at != Time{}) return ok();
    row = *before;
    row.lease_until = Time{};
    const auto all = detail::cells_of(row);
    cells = {all[0], all[1], all[3]};
    changes.push_back({Write::What::update, &kTable<MigrationRow>, 0b1000, cells, 1});
    return ok();
  });
}

/// The migration and the record of it; one transaction where the engine's DDL can be in one.
std::string script_of(const Migration& migration, Dialect dialect, Time now) {
  std::string sql(migration.sql);
  sql += "\nUPDATE schema_migrations SET applied_at = " + std::to_string(epoch_ms(now)) + " WHERE name = '" + std::string(migration.name) + "';";
  return dialect == Dialect::mysql ? sql : "BEGIN;\n" + sql + "\nCOMMIT;";
}

Schema compare(const std::vector<MigrationRow>& rows, Dialect dialect) {
  Schema schema;
  std::vector<std::string> known;
  for (const Migration& migration : migrations(dialect)) known.emplace_back(migration.name);
  for (const MigrationRow& row : rows) {
    if (std::ranges::find(known, row.name) == known.end()) schema.unknown.push_back(row.name);
    if (row.applied_at != Time{}) schema.applied.push_back(row.name);
  }
  for (const std::string& name : known) {
    if (std::ranges::find(schema.applied, name) == schema.applied.end()) schema.missing.push_back(name);
  }
  return schema;
}

}  // namespace

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

Result<Schema> read_schema(Engine& engine, Dialect dialect) {
  const auto rows = read_record(engine);
  if (rows) return compare(rows.value(), dialect);
  // That a table is not there is a mistake in the statement to every engine.
  if (rows.error().code == ErrorCode::internal) return compare({}, dialect);
  return rows.error();
}

Result<> migrate(Engine& engine, Dialect dialect, Random& random) {
  TRY(const Id owner, Id::make(Time{}, random));
  TRY(make_record(engine, dialect));
  for (;;) {
    TRY(const Schema schema, read_schema(engine, dialect));
    if (!schema.unknown.empty()) {
      return make_error(ErrorCode::invalid_request, "the database was written by a newer version of Kaimen (it has " + schema.unknown.front() + ")");
    }
    if (schema.missing.empty()) return ok();
    TRY(const bool leased, lease(engine, schema.missing.front(), owner));
    if (!leased) {
      std::this_thread::sleep_for(kConflictPause);
      continue;
    }
    const auto all = migrations(dialect);
    const auto next = std::ranges::find(all, std::string_view(schema.missing.front()), &Migration::name);
    TRY(const Time now, engine.time());
    auto applied = engine.script(script_of(*next, dialect, now));
    if (applied) continue;
    engine.roll_back();
    static_cast<void>(release(engine, next->name));
    return applied.error();
  }
}

}  // namespace kaimen::store

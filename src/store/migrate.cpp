#include "store/migrate.h"

#include <algorithm>
#include <thread>

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

/// What an unknown migration says of older programs.
struct CompatibilityRow {
  std::string name;
  std::string beside;  // four digits
};

/// A node as every version has it, and what later ones say of themselves.
struct BeatRow {
  Id id;
  Time beat_at{};
};
struct NewestRow {
  Id node;
  std::string newest;
};

}  // namespace

template <>
struct Table<CompatibilityRow> {
  static constexpr std::string_view name = "schema_compatibility";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{Column{"name", &CompatibilityRow::name}, Column{"beside", &CompatibilityRow::beside}};
};

template <>
struct Table<BeatRow> {
  static constexpr std::string_view name = "nodes";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{Column{"id", &BeatRow::id}, Column{"beat_at", &BeatRow::beat_at}};
};

template <>
struct Table<NewestRow> {
  static constexpr std::string_view name = "node_programs";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{Column{"node_id", &NewestRow::node}, Column{"newest", &NewestRow::newest}};
};

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
constexpr auto kAtWork = std::chrono::seconds(15);  // a node that has beaten since then may still be there
constexpr size_t kNumberDigits = 4;
constexpr std::string_view kBeside = "-- Beside: ";
constexpr Scan kAll{&kTable<MigrationRow>, "", "name"};
constexpr Scan kCompatible{&kTable<CompatibilityRow>, "", "name"};
constexpr Scan kAlive{&kTable<BeatRow>, "beat_at > ?", "id"};
constexpr Scan kPrograms{&kTable<NewestRow>, "", "node_id"};

std::string record_tables(Dialect dialect) {
  const bool text_is_bytes = dialect == Dialect::mysql;
  const std::string text = text_is_bytes ? "VARBINARY(64)" : "VARCHAR(64)";
  const std::string bytes = dialect == Dialect::postgres ? "BYTEA" : "VARBINARY(16)";
  return "CREATE TABLE IF NOT EXISTS schema_migrations (name " + text + " NOT NULL PRIMARY KEY, version BIGINT NOT NULL, owner " + bytes +
         " NOT NULL, lease_until BIGINT NOT NULL, applied_at BIGINT NOT NULL);\n"
         "CREATE TABLE IF NOT EXISTS schema_compatibility (name " + text + " NOT NULL PRIMARY KEY, beside " + text + " NOT NULL);";
}

/// All rows of the scan. A table that is not there has none: that is a mistake in the statement to every engine.
template <class Row, class... Values>
Result<std::vector<Row>> rows_of(Engine& engine, const Scan& scan, const Values&... values) {
  std::vector<Row> rows;
  const std::array<Cell, sizeof...(Values)> cells{cell_of(values)...};
  const auto done = in_transaction(engine, false, [&](std::vector<Write>&) {
    rows.clear();
    return engine.scan(scan, cells, [&](std::span<const Cell> row) { rows.push_back(row_of<Row>(row)); });
  });
  if (!done && done.error().code != ErrorCode::internal) return done.error();
  return rows;
}

Result<> make_record(Engine& engine, Dialect dialect) {
  // Two nodes that make it at the same moment may meet in the catalogue; then it is there.
  for (int tries = 1;; ++tries) {
    auto made = engine.script(record_tables(dialect));
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

/// Takes the lease on one migration, and says what it means to older programs; false: another holds it.
Result<bool> lease(Engine& engine, const Migration& migration, const Id& owner) {
  const std::string_view name = migration.name;
  bool leased = false;
  MigrationRow row;
  const CompatibilityRow compatibility{std::string(name), std::string(oldest_beside(migration))};
  const auto compatibility_cells = detail::cells_of(compatibility);
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
    bool said = compatibility.beside.empty();
    const Read read{&kByKey<CompatibilityRow>, {compatibility_cells.data(), 1}, [&said](std::span<const Cell>) { said = true; }};
    TRY(engine.read({&read, 1}));
    if (!said) changes.push_back({Write::What::insert, &kTable<CompatibilityRow>, 0, compatibility_cells, 1});
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

Schema compare(const std::vector<MigrationRow>& rows, const std::vector<CompatibilityRow>& compatibility, Dialect dialect) {
  Schema schema;
  std::vector<std::string> known;
  for (const Migration& migration : migrations(dialect)) known.emplace_back(migration.name);
  for (const MigrationRow& row : rows) {
    if (row.applied_at != Time{}) schema.applied.push_back(row.name);
    if (std::ranges::find(known, row.name) != known.end()) continue;
    // Also of one that somebody is just at, or died at: its first statements may be there.
    schema.unknown.push_back(row.name);
    const auto said = std::ranges::find(compatibility, row.name, &CompatibilityRow::name);
    if (!may_work_beside(known.back(), row.name, said == compatibility.end() ? "" : said->beside)) schema.barring.push_back(row.name);
  }
  for (const std::string& name : known) {
    if (std::ranges::find(schema.applied, name) == schema.applied.end()) schema.missing.push_back(name);
  }
  return schema;
}

/// That no node is at work which must not work beside `migration`. `first`: the name of the first migration there ever was.
Result<> expect_nobody_barred(Engine& engine, const Migration& migration, std::string_view first) {
  const std::string_view beside = oldest_beside(migration);
  if (may_work_beside(first, migration.name, beside)) return ok();
  TRY(const Time now, engine.time());
  TRY(const auto alive, rows_of<BeatRow>(engine, kAlive, Time(now - kAtWork)));
  TRY(const auto programs, rows_of<NewestRow>(engine, kPrograms));
  for (const BeatRow& node : alive) {
    const auto program = std::ranges::find(programs, node.id, &NewestRow::node);
    if (may_work_beside(program == programs.end() ? "" : program->newest, migration.name, beside)) continue;
    return make_error(ErrorCode::invalid_request, "nodes of an older version are at work, which cannot bear migration " +
                                                      std::string(migration.name) + ": stop all of them (one that did not stop in good order counts for 15 s more), then start this version");
  }
  return ok();
}

Error refusal(const Schema& schema) {
  if (schema.barring.empty()) {
    return make_error(ErrorCode::invalid_request, "the database is of another line of versions of Kaimen (it has " + schema.unknown.front() +
                                                      " and lacks " + schema.missing.front() + ")");
  }
  return make_error(ErrorCode::invalid_request, "the database was written by a newer version of Kaimen that this one cannot work beside (it has " +
                                                    schema.barring.front() + ")");
}

}  // namespace

std::string_view oldest_beside(const Migration& migration) {
  if (!migration.sql.starts_with(kBeside)) return {};
  return migration.sql.substr(kBeside.size(), kNumberDigits);
}

bool may_work_beside(std::string_view newest, std::string_view migration, std::string_view beside) {
  newest = newest.substr(0, kNumberDigits);
  return newest >= migration.substr(0, kNumberDigits) || (!beside.empty() && newest >= beside);
}

Result<Schema> read_schema(Engine& engine, Dialect dialect) {
  // In this order: whatever is in the first had said by then what is in the second.
  TRY(const auto rows, rows_of<MigrationRow>(engine, kAll));
  TRY(const auto compatibility, rows_of<CompatibilityRow>(engine, kCompatible));
  return compare(rows, compatibility, dialect);
}

Result<> migrate(Engine& engine, Dialect dialect, Random& random) {
  TRY(const Id owner, Id::make(Time{}, random));
  const auto all = migrations(dialect);
  for (bool recorded = false;;) {
    TRY(const Schema schema, read_schema(engine, dialect));
    if (!schema.is_compatible()) return refusal(schema);
    if (schema.missing.empty()) return ok();  // also for a user who may not make tables
    if (!std::exchange(recorded, true)) {
      TRY(make_record(engine, dialect));
    }
    const Migration& next = *std::ranges::find(all, std::string_view(schema.missing.front()), &Migration::name);
    if (!schema.applied.empty()) {
      TRY(expect_nobody_barred(engine, next, all.front().name));
    }
    TRY(const bool leased, lease(engine, next, owner));
    if (!leased) {
      std::this_thread::sleep_for(kConflictPause);
      continue;
    }
    TRY(const Time now, engine.time());
    auto applied = engine.script(script_of(next, dialect, now));
    if (applied) continue;
    engine.roll_back();
    static_cast<void>(release(engine, next.name));
    return applied.error();
  }
}

}  // namespace kaimen::store

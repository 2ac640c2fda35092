// What the tests of the PostgreSQL engine share: a table of their own, its rows as cells, and a database for each test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "store/postgres_connection.h"
#include "store/postgres_engine.h"
#include "store/table.h"
#include "tests/servers/urls.h"

namespace kaimen::store {

// A table of the test's own: two columns of key, a guard, one column of each kind that may be NULL, one that is unique.
struct ProbeRow {
  int64_t shard = 0;
  std::string key;
  int64_t version = 0;
  std::optional<int64_t> number;
  std::optional<std::string> text;
  std::optional<Bytes> bytes;
  std::optional<std::string> sole;
  bool operator==(const ProbeRow&) const = default;
};
template <>
struct Table<ProbeRow> {
  static constexpr std::string_view name = "probes";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"shard", &ProbeRow::shard}, Column{"key", &ProbeRow::key},     Column{"version", &ProbeRow::version},
      Column{"number", &ProbeRow::number}, Column{"text", &ProbeRow::text}, Column{"bytes", &ProbeRow::bytes},
      Column{"sole", &ProbeRow::sole},
  };
};

inline constexpr const char* kProbes =
    "CREATE TABLE probes (shard BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL, version BIGINT NOT NULL, number BIGINT, text TEXT,"
    " bytes BYTEA, sole TEXT UNIQUE, PRIMARY KEY (shard, key));"
    "CREATE TABLE once_marks (mark BYTEA PRIMARY KEY, marked_at BIGINT NOT NULL)";
inline constexpr Lookup kByShard{&kTable<ProbeRow>, {0}, 1};
inline constexpr Lookup kNumbered{&kTable<ProbeRow>, {0}, 1, "number IS NOT NULL AND number >= 0"};
inline constexpr Lookup kByKeyNumbered{&kTable<ProbeRow>, {0, 1}, 2, "number IS NOT NULL"};
inline constexpr Scan kAll{&kTable<ProbeRow>, "", "shard, key"};
inline constexpr Scan kSome{&kTable<ProbeRow>, "shard = ? AND key > ?", "key", true};
inline constexpr Scan kSlow{&kTable<ProbeRow>, "pg_sleep(60) IS NULL", ""};

// ---- rows as cells ----

template <class Row>
void append(std::vector<Cell>& cells, const Row& row, size_t first, size_t count) {
  for_each_column(row, [&](size_t i, const auto& member) {
    if (i >= first && i < first + count) cells.push_back(cell_of(member));
  });
}

/// A write and the cells it points to.
struct Change {
  std::vector<Cell> cells;
  Write write;
};

template <class Row>
Change change(Write::What what, const std::vector<Row>& rows, uint64_t columns = 0) {
  Change made{{}, {what, &kTable<Row>, columns, {}, rows.size()}};
  const bool guard = what == Write::What::update && Table<Row>::guarded;
  const size_t fixed = what == Write::What::insert ? kColumns<Row> : Table<Row>::keys + (guard ? 1 : 0);
  for (const Row& row : rows) {
    append(made.cells, row, 0, fixed);
    for (size_t i = 0; i < kColumns<Row>; ++i) {
      if (columns >> i & 1) append(made.cells, row, i, 1);
    }
  }
  made.write.cells = made.cells;
  return made;
}
template <class Row>
Change insert(const std::vector<Row>& rows) { return change(Write::What::insert, rows); }
template <class Row>
Change update(const std::vector<Row>& rows, uint64_t columns) { return change(Write::What::update, rows, columns); }
template <class Row>
Change remove(const std::vector<Row>& rows) { return change(Write::What::remove, rows); }

inline constexpr uint64_t kNumber = 1 << 3, kText = 1 << 4, kBytes = 1 << 5, kSole = 1 << 6;

template <class T>
std::string outcome(const Result<T>& result) {
  return result ? "ok" : std::string(name_of(result.error().code)) + ": " + result.error().detail;
}
template <class T>
std::string code(const Result<T>& result) {
  return result ? "ok" : std::string(name_of(result.error().code));
}

/// An engine and what the tests ask of it.
struct Node {
  std::unique_ptr<Engine> engine;
  explicit Node(const std::string& url) : engine(open_postgres(url).value()) {}

  Result<> begin(bool writes = true) { return engine->begin(writes); }
  Result<> commit(const std::vector<Change>& changes) {
    std::vector<Write> writes;
    for (const Change& one : changes) writes.push_back(one.write);
    return engine->commit(writes, unknown);
  }
  /// The whole of a transaction.
  Result<> write(const std::vector<Change>& changes) {
    TRY(begin());
    auto done = commit(changes);
    if (!done) engine->roll_back();
    return done;
  }
  Result<std::vector<ProbeRow>> find(const Lookup& lookup, const std::vector<Cell>& values) {
    std::vector<ProbeRow> rows;
    const Read read{&lookup, values, [&](std::span<const Cell> cells) { rows.push_back(row_of<ProbeRow>(cells)); }};
    TRY(engine->read({&read, 1}));
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return std::tie(a.shard, a.key) < std::tie(b.shard, b.key); });
    return rows;
  }
  Result<std::vector<ProbeRow>> scan(const Scan& scan, const std::vector<Cell>& values = {}) {
    std::vector<ProbeRow> rows;
    TRY(engine->scan(scan, values, [&](std::span<const Cell> cells) { rows.push_back(row_of<ProbeRow>(cells)); }));
    return rows;
  }
  std::vector<ProbeRow> all() {
    EXPECT_EQ(outcome(begin(false)), "ok");
    auto rows = scan(kAll);
    EXPECT_EQ(outcome(rows), "ok");
    EXPECT_EQ(outcome(commit({})), "ok");
    return rows ? rows.value() : std::vector<ProbeRow>{};
  }
  bool unknown = false;
};

class PostgresTest : public testing::Test {
 protected:
  PostgresTest() {
    EXPECT_EQ(outcome(node.engine->script(kProbes)), "ok");
  }
  /// Runs SQL on a connection of its own.
  servers::Rows run(const std::string& sql) const { return servers::execute(servers::Engine::postgres, url, sql); }
  /// Ends the server's side of all connections of this test, and waits until they are gone.
  void cut_lines() const {
    run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kaimen'");
  }

  const servers::Database database{servers::Engine::postgres};
  const std::string url = database.url();
  Node node{url};
};

inline std::vector<ProbeRow> rows(int count, int64_t shard = 1) {
  std::vector<ProbeRow> made;
  for (int i = 0; i < count; ++i) {
    ProbeRow row{shard, "key-" + std::to_string(1000 + i), 0, i, "text", Bytes{"bytes"}, std::nullopt};
    made.push_back(row);
  }
  return made;
}

}  // namespace kaimen::store

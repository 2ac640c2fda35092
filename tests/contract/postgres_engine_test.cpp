// The PostgreSQL engine by itself, on a real server: each shape of statement, what becomes of two engines that want the same, and what a
// server that leaves, only reads or does not answer looks like from here.
#include "store/postgres_engine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "store/postgres_connection.h"
#include "store/tables.h"

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

namespace {

constexpr const char* kProbes =
    "CREATE TABLE probes (shard BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL, version BIGINT NOT NULL, number BIGINT, text TEXT,"
    " bytes BYTEA, sole TEXT UNIQUE, PRIMARY KEY (shard, key));"
    "CREATE TABLE once_marks (mark BYTEA PRIMARY KEY, marked_at BIGINT NOT NULL)";
constexpr Lookup kByShard{&kTable<ProbeRow>, {0}, 1};
constexpr Lookup kNumbered{&kTable<ProbeRow>, {0}, 1, "number IS NOT NULL AND number >= 0"};
constexpr Lookup kByKeyNumbered{&kTable<ProbeRow>, {0, 1}, 2, "number IS NOT NULL"};
constexpr Scan kAll{&kTable<ProbeRow>, "", "shard, key"};
constexpr Scan kSome{&kTable<ProbeRow>, "shard = ? AND key > ?", "key", true};
constexpr Scan kSlow{&kTable<ProbeRow>, "pg_sleep(60) IS NULL", ""};

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

constexpr uint64_t kNumber = 1 << 3, kText = 1 << 4, kBytes = 1 << 5, kSole = 1 << 6;

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

class PostgresEngine : public testing::Test {
 protected:
  void SetUp() override {
    const char* server = std::getenv("KAIMEN_TEST_POSTGRES");
    ASSERT_TRUE(server && *server) << "KAIMEN_TEST_POSTGRES must hold the URL of a PostgreSQL where schemas may be made";
    schema = "engine_" + std::to_string(::getpid());
    url = server;
    admin = std::make_unique<Node>(url);
    url += (url.find('?') == std::string::npos ? "?" : "&") + std::string("options=-csearch_path%3D") + schema;
    ASSERT_EQ(outcome(admin->engine->script("DROP SCHEMA IF EXISTS " + schema + " CASCADE; CREATE SCHEMA " + schema)), "ok");
    ASSERT_EQ(outcome(Node(url).engine->script(kProbes)), "ok");
    node = std::make_unique<Node>(url);
  }
  void TearDown() override {
    node.reset();
    if (!admin) return;
    EXPECT_EQ(outcome(admin->engine->script("DROP SCHEMA IF EXISTS " + schema + " CASCADE")), "ok");
  }
  /// Ends the server's side of all connections of this test.
  void cut_lines() {
    const std::string ours = "application_name = '" + schema + "'";
    ASSERT_EQ(outcome(admin->engine->script("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " + ours)), "ok");
  }
  /// A node whose connections cut_lines() finds.
  std::unique_ptr<Node> named() { return std::make_unique<Node>(url + "&application_name=" + schema); }

  std::string schema, url;
  std::unique_ptr<Node> admin, node;
};

std::vector<ProbeRow> rows(int count, int64_t shard = 1) {
  std::vector<ProbeRow> made;
  for (int i = 0; i < count; ++i) {
    ProbeRow row{shard, "key-" + std::to_string(1000 + i), 0, i, "text", Bytes{"bytes"}, std::nullopt};
    made.push_back(row);
  }
  return made;
}

// ---- shapes ----

TEST_F(PostgresEngine, rows_come_back_as_they_went) {
  std::vector<ProbeRow> written{
      {INT64_MIN, "", 0, INT64_MAX, "", Bytes{""}, ""},
      {-1, "null", 3, std::nullopt, std::nullopt, std::nullopt, std::nullopt},
      {0, "zeros", 1, -1, "a\"b\\c,{}'", Bytes{std::string("\0\1\xff\0", 4)}, "x"},
      {7, "小程序 🎫 é", INT64_MAX, 0, "登录", Bytes{"\xe4"}, std::nullopt},
  };
  ASSERT_EQ(outcome(node->write({insert(written)})), "ok");
  EXPECT_EQ(node->all(), written);
  // As parameters of a look-up and of a change as well.
  ASSERT_EQ(outcome(node->begin()), "ok");
  EXPECT_EQ(node->find(kByKey<ProbeRow>, {cell_of(written[3].shard), cell_of(written[3].key)}).value(), std::vector{written[3]});
  std::swap(written[1].bytes, written[2].bytes);
  std::swap(written[1].text, written[2].text);
  ASSERT_EQ(outcome(node->commit({update<ProbeRow>({written[1], written[2]}, kBytes | kText)})), "ok");
  ++written[1].version, ++written[2].version;
  EXPECT_EQ(node->all(), written);
}

TEST_F(PostgresEngine, each_shape_with_none_one_and_many_rows) {
  for (const int count : {0, 1, 2, 1000}) {
    SCOPED_TRACE(count);
    auto written = rows(count);
    ASSERT_EQ(outcome(node->write({insert(written)})), "ok");
    EXPECT_EQ(node->all(), written);

    std::vector<Cell> keys;
    for (const ProbeRow& row : written) append(keys, row, 0, 2);
    ASSERT_EQ(outcome(node->begin()), "ok");
    EXPECT_EQ(node->find(kByKey<ProbeRow>, keys).value(), written);
    for (ProbeRow& row : written) row.number = *row.number * 2;
    ASSERT_EQ(outcome(node->commit({update(written, kNumber)})), "ok");
    for (ProbeRow& row : written) ++row.version;
    EXPECT_EQ(node->all(), written);

    ASSERT_EQ(outcome(node->write({update(written, 0)})), "ok");  // the guard alone
    for (ProbeRow& row : written) ++row.version;
    EXPECT_EQ(node->all(), written);

    ASSERT_EQ(outcome(node->write({remove(written)})), "ok");
    EXPECT_TRUE(node->all().empty());
  }
}

TEST_F(PostgresEngine, a_table_with_one_key_and_no_guard) {
  std::vector<OnceMarkRow> marks{{Bytes{std::string(1, '\0')}, from_epoch_ms(1)}, {Bytes{"b"}, from_epoch_ms(2)}};
  ASSERT_EQ(outcome(node->write({insert(marks)})), "ok");
  marks[1].marked_at = from_epoch_ms(9);
  ASSERT_EQ(outcome(node->write({update<OnceMarkRow>({marks[1]}, 1 << 1), remove<OnceMarkRow>({marks[0]})})), "ok");
  std::vector<int64_t> found;
  const std::vector<Cell> values{cell_of(marks[0].mark), cell_of(marks[1].mark)};
  const Read read{&kByKey<OnceMarkRow>, values, [&](std::span<const Cell> cells) { found.push_back(cells[1].integer); }};
  ASSERT_EQ(outcome(node->begin(false)), "ok");
  ASSERT_EQ(outcome(node->engine->read({&read, 1})), "ok");
  EXPECT_EQ(found, std::vector<int64_t>{9});
}

TEST_F(PostgresEngine, many_lookups_in_one_read) {
  auto first = rows(3, 1), second = rows(2, 2);
  first[0].number.reset();
  first[1].number = -1;
  ASSERT_EQ(outcome(node->write({insert(first), insert(second)})), "ok");
  size_t of_shards = 0, numbered = 0, by_key = 0, of_nobody = 0, none = 0;
  const auto counts = [](size_t& counter) { return [&counter](std::span<const Cell>) { ++counter; }; };
  const std::vector<Cell> both{cell_of(int64_t{1}), cell_of(int64_t{2})}, nobody{cell_of(int64_t{3})};
  std::vector<Cell> keys;
  append(keys, first[0], 0, 2);
  append(keys, second[0], 0, 2);
  const std::vector<Read> reads{{&kByShard, both, counts(of_shards)},
                                {&kNumbered, both, counts(numbered)},
                                {&kByKeyNumbered, keys, counts(by_key)},
                                {&kByShard, nobody, counts(of_nobody)},
                                {&kByKey<ProbeRow>, {}, counts(none)}};
  ASSERT_EQ(outcome(node->begin(false)), "ok");
  ASSERT_EQ(outcome(node->engine->read(reads)), "ok");
  EXPECT_EQ((std::vector{of_shards, numbered, by_key, of_nobody, none}), (std::vector<size_t>{5, 3, 1, 0, 0}));
}

TEST_F(PostgresEngine, a_scan_in_order_and_with_a_limit) {
  const auto written = rows(10);
  ASSERT_EQ(outcome(node->write({insert(written), insert(rows(5, 2))})), "ok");
  ASSERT_EQ(outcome(node->begin(false)), "ok");
  const std::vector<Cell> values{cell_of(int64_t{1}), cell_of(written[3].key), cell_of(int64_t{4})};
  EXPECT_EQ(node->scan(kSome, values).value(), (std::vector<ProbeRow>{written.begin() + 4, written.begin() + 8}));
  EXPECT_EQ(node->scan(kAll).value().size(), 15u);
  EXPECT_EQ(outcome(node->commit({})), "ok");
}

TEST_F(PostgresEngine, a_transaction_sees_one_moment_and_nothing_of_it_stays_without_commit) {
  Node other(url);
  ASSERT_EQ(outcome(node->begin()), "ok");
  EXPECT_TRUE(node->scan(kAll).value().empty());
  ASSERT_EQ(outcome(other.write({insert(rows(1))})), "ok");
  EXPECT_TRUE(node->scan(kAll).value().empty());
  node->engine->roll_back();
  EXPECT_EQ(node->all().size(), 1u);
}

TEST_F(PostgresEngine, the_time_is_the_servers) {
  const Time before = SystemClock().now();
  const auto first = node->engine->time();
  ASSERT_EQ(outcome(first), "ok");
  EXPECT_LT(std::chrono::abs(first.value() - before), Seconds{5});  // the same machine
  ASSERT_EQ(outcome(node->begin()), "ok");
  node->scan(kAll).value();
  std::this_thread::sleep_for(Millis{20});
  EXPECT_GE(node->engine->time().value(), first.value() + Millis{20}) << "not the transaction's";
}

// ---- conflicts ----

TEST_F(PostgresEngine, of_two_that_change_what_they_read_one_wins) {
  const auto written = rows(2);
  ASSERT_EQ(outcome(node->write({insert(written)})), "ok");
  Node other(url);
  for (Node* one : {node.get(), &other}) {
    ASSERT_EQ(outcome(one->begin()), "ok");
    ASSERT_EQ(one->scan(kAll).value().size(), 2u);
  }
  auto theirs = written, ours = written;
  theirs[1].number = 77;
  ours[0].number = 55;
  ASSERT_EQ(outcome(other.commit({update<ProbeRow>({theirs[1]}, kNumber)})), "ok");
  EXPECT_EQ(code(node->commit({update(ours, kNumber)})), "conflict");
  EXPECT_FALSE(node->unknown);
  const auto left = node->all();
  EXPECT_EQ(left[0].number, 0) << "what lost must leave nothing";
  EXPECT_EQ(left[1].number, 77);
}

TEST_F(PostgresEngine, a_guard_of_another_version_is_a_conflict) {
  auto written = rows(2);
  ASSERT_EQ(outcome(node->write({insert(written)})), "ok");
  written[1].version = 5;
  written[0].number = written[1].number = 99;
  EXPECT_EQ(code(node->write({insert(rows(1, 2)), update(written, kNumber)})), "conflict");
  EXPECT_FALSE(node->unknown);
  EXPECT_EQ(node->all(), rows(2)) << "neither the row that fits nor the change before it";
}

TEST_F(PostgresEngine, a_row_that_is_gone_is_a_conflict) {
  const auto written = rows(2);
  ASSERT_EQ(outcome(node->write({insert<ProbeRow>({written[0]})})), "ok");
  EXPECT_EQ(code(node->write({remove(written)})), "conflict");
  EXPECT_EQ(code(node->write({update(written, kText)})), "conflict");
  EXPECT_EQ(code(node->write({update<OnceMarkRow>({{Bytes{"m"}, Time{}}}, 1 << 1)})), "conflict") << "without a guard";
  EXPECT_EQ(node->all().size(), 1u);
}

TEST_F(PostgresEngine, a_row_or_a_unique_value_that_is_there_is_a_conflict) {
  auto written = rows(2);
  written[0].sole = "mine";
  ASSERT_EQ(outcome(node->write({insert(written)})), "ok");
  EXPECT_EQ(code(node->write({insert<ProbeRow>({written[1]})})), "conflict");
  written[1].sole = "mine";
  EXPECT_EQ(code(node->write({update<ProbeRow>({written[1]}, kSole)})), "conflict");
  // One that another inserted meanwhile, which this transaction's snapshot does not show.
  Node other(url);
  ASSERT_EQ(outcome(node->begin()), "ok");
  ASSERT_EQ(node->scan(kAll).value().size(), 2u);
  ASSERT_EQ(outcome(other.write({insert(rows(1, 9))})), "ok");
  EXPECT_EQ(code(node->commit({insert(rows(1, 9))})), "conflict");
  EXPECT_EQ(node->all().size(), 3u);
}

TEST_F(PostgresEngine, two_engines_that_count_lose_nothing) {
  ASSERT_EQ(outcome(node->write({insert(rows(1))})), "ok");
  const auto count_to = [this](int times) {
    Node one(url);
    for (int done = 0; done < times;) {
      if (!one.begin()) return;
      const auto found = one.find(kByShard, {cell_of(int64_t{1})});
      if (!found) return;
      auto next = found.value();
      ++*next[0].number;
      const auto written = one.commit({update(next, kNumber)});
      if (!written && written.error().code != ErrorCode::conflict) return;
      if (written) ++done;
    }
  };
  std::thread first(count_to, 100), second(count_to, 100);
  first.join();
  second.join();
  EXPECT_EQ(node->all()[0].number, 200);
}

// ---- servers that fail ----

TEST_F(PostgresEngine, connects_again_when_the_server_ended_the_line) {
  const auto cut = named();
  ASSERT_EQ(outcome(cut->write({insert(rows(1))})), "ok");
  cut_lines();
  EXPECT_EQ(cut->all().size(), 1u) << "an idle line that is gone is noticed before it is used";

  ASSERT_EQ(outcome(cut->begin()), "ok");
  ASSERT_EQ(cut->scan(kAll).value().size(), 1u);
  cut_lines();
  EXPECT_EQ(code(cut->commit({insert(rows(1, 2))})), "unavailable");
  EXPECT_EQ(cut->all().size(), 1u);
}

TEST_F(PostgresEngine, a_line_that_breaks_before_the_answer_to_commit_leaves_it_unknown) {
  // A deferred constraint makes the server sleep inside of COMMIT.
  ASSERT_EQ(outcome(Node(url).engine->script(
      "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON probes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nap()")), "ok");
  const auto cut = named();
  ASSERT_EQ(outcome(cut->begin()), "ok");
  std::thread cutter([this] {
    std::this_thread::sleep_for(Millis{500});
    cut_lines();
  });
  EXPECT_EQ(code(cut->commit({insert(rows(1))})), "unavailable");
  EXPECT_TRUE(cut->unknown);
  cutter.join();
}

TEST_F(PostgresEngine, a_commit_that_its_standby_did_not_confirm_is_unknown) {
  // The server commits with a warning when it may not wait any longer for a standby; to take that for a success would be to lose a login
  // in the next failover.
  ASSERT_EQ(outcome(Node(url).engine->script(
      "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''canceling wait''; RETURN NULL; END';"
      "CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON probes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION warn()")), "ok");
  EXPECT_EQ(code(node->write({insert(rows(1))})), "unavailable");
  EXPECT_TRUE(node->unknown);
}

TEST_F(PostgresEngine, a_server_that_became_one_that_only_reads_is_left) {
  const auto line = PostgresConnection::open(url).value();
  ASSERT_FALSE(line->script("SET default_transaction_read_only = on", deadline_in(Millis{1000})));
  const auto refused = line->script("INSERT INTO probes VALUES (1, 'b', 0)", deadline_in(Millis{1000}));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->sqlstate, "25006");
  EXPECT_EQ(refused->error().code, ErrorCode::unavailable);
  EXPECT_FALSE(line->alive());

  Node reader(url + "%20-cdefault_transaction_read_only%3Don");
  EXPECT_EQ(code(reader.begin()), "unavailable") << "target_session_attrs=read-write";
  Node patient(url + "%20-cdefault_transaction_read_only%3Don&target_session_attrs=any");
  EXPECT_EQ(code(patient.write({insert(rows(1))})), "unavailable");
  EXPECT_FALSE(patient.unknown);
}

TEST_F(PostgresEngine, nobody_there_is_unavailable) {
  Node lost("postgres://kaimen:top-secret@127.0.0.1:1/kaimen");
  const auto begun = lost.begin();
  EXPECT_EQ(code(begun), "unavailable");
  EXPECT_EQ(begun.error().detail.find("top-secret"), std::string::npos);
  EXPECT_EQ(code(lost.engine->time()), "unavailable");
}

TEST_F(PostgresEngine, a_statement_that_takes_too_long_is_unavailable_and_the_line_stays) {
  ASSERT_EQ(outcome(node->write({insert(rows(1))})), "ok");
  ASSERT_EQ(outcome(node->begin(false)), "ok");
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(code(node->scan(kSlow)), "unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - started, Seconds{7});
  EXPECT_EQ(node->all().size(), 1u);
}

TEST_F(PostgresEngine, a_transaction_that_grew_too_old_does_not_commit) {
  ASSERT_EQ(outcome(node->begin()), "ok");
  for (int i = 0; i < 3; ++i) {  // none of the parts is too long
    ASSERT_EQ(node->scan(kAll).value().size(), 0u);
    std::this_thread::sleep_for(Millis{1700});
  }
  EXPECT_EQ(code(node->commit({insert(rows(1))})), "unavailable");
  EXPECT_FALSE(node->unknown);
  EXPECT_TRUE(node->all().empty());
}

TEST_F(PostgresEngine, a_bug_is_internal_and_tells_no_values) {
  EXPECT_EQ(code(node->write({insert<ProbeRow>({{1, std::string("nul\0", 4), 0, {}, {}, {}, {}}})})), "internal");
  auto twice = rows(1);
  twice[0].sole = "private";
  ASSERT_EQ(outcome(node->write({insert(twice)})), "ok");
  twice[0].key = "other";
  const auto refused = node->write({insert(twice)});
  EXPECT_EQ(code(refused), "conflict");
  EXPECT_EQ(refused.error().detail.find("private"), std::string::npos) << refused.error().detail;
  EXPECT_EQ(code(node->engine->script("NONSENSE")), "internal");
  EXPECT_EQ(code(node->engine->script(kProbes)), "conflict") << "a migration that another node was faster with";
  ASSERT_EQ(outcome(node->begin(false)), "ok");
  EXPECT_EQ(code(node->commit({insert(rows(1))})), "internal") << "begun to read only";
  EXPECT_EQ(node->all().size(), 1u);
}

// ---- the schema ----

/// Fails where the server would read the table from end to end, although the table is empty and it has no statistics to tell it better.
template <class Row>
void goes_by_index(const std::string& url) {
  SCOPED_TRACE(Table<Row>::name);
  const auto line = PostgresConnection::open(url).value();
  const std::vector<Cell> cells(kColumns<Row> * 2);
  uint64_t last = uint64_t{1} << (kColumns<Row> - 1);
  const Write update{Write::What::update, &kTable<Row>, last, cells, 2}, remove{Write::What::remove, &kTable<Row>, 0, cells, 2};
  for (const auto& sql : {lookup_sql(kByKey<Row>, true), lookup_sql(kByKey<Row>, false), write_sql(update), write_sql(remove)}) {
    std::string values = "NULL";
    for (size_t i = 1; i < sql.types.size(); ++i) values += ", NULL";
    const auto failure = line->script(
        "PREPARE probe AS " + sql.text + "; DO $do$ DECLARE line text; BEGIN FOR line IN EXECUTE 'EXPLAIN EXECUTE probe(" + values +
        ")' LOOP IF line ~ 'Seq Scan|Hash|Merge' THEN RAISE '%', line; END IF; END LOOP; END $do$; DEALLOCATE probe",
        deadline_in(Millis{5000}));
    EXPECT_FALSE(failure) << failure->message << "\n" << sql.text;
  }
}

template <class Row>
void round_trip(Node& node, const std::string& url) {
  goes_by_index<Row>(url);
  SCOPED_TRACE(Table<Row>::name);
  const std::vector<Row> written(1);
  ASSERT_EQ(outcome(node.write({insert(written)})), "ok");
  ASSERT_EQ(outcome(node.begin()), "ok");
  int found = 0;
  std::vector<Cell> key;
  append(key, written[0], 0, Table<Row>::keys);
  const Read read{&kByKey<Row>, key, [&](std::span<const Cell> cells) { found += cells.size() == kColumns<Row>; }};
  ASSERT_EQ(outcome(node.engine->read({&read, 1})), "ok");
  EXPECT_EQ(found, 1);
  ASSERT_EQ(outcome(node.commit({remove(written)})), "ok");
}

TEST_F(PostgresEngine, the_migration_makes_every_table_as_it_is_described) {
  std::ifstream file(KAIMEN_VECTORS "/../../src/store/migrations/postgres/0001_first.sql");
  std::stringstream sql;
  sql << "DROP TABLE probes, once_marks;" << file.rdbuf();
  ASSERT_EQ(outcome(node->engine->script(sql.str())), "ok");
  round_trip<UserRow>(*node, url);
  round_trip<IdentityRow>(*node, url);
  round_trip<UnionidRow>(*node, url);
  round_trip<SessionRow>(*node, url);
  round_trip<CodeRow>(*node, url);
  round_trip<RevocationRow>(*node, url);
  round_trip<EventRow>(*node, url);
  round_trip<OnceMarkRow>(*node, url);
  round_trip<ProjectRow>(*node, url);
  round_trip<AppTableRow>(*node, url);
  round_trip<TicketKeyTableRow>(*node, url);
  round_trip<AccessKeyTableRow>(*node, url);
  round_trip<AccessTokenTableRow>(*node, url);
  round_trip<MetaRow>(*node, url);
  round_trip<NodeRow>(*node, url);
}

// ---- without a server ----

TEST(PostgresUrl, is_checked_without_connecting_and_never_repeated) {
  for (const char* good : {"postgres://u:p@h1:5432,h2:5433/db?sslmode=verify-full", "postgresql://h/db", "postgres://u:p%40w@h/db",
                           "postgres:///db?host=/run/postgresql"}) {
    EXPECT_EQ(outcome(check_postgres_url(good)), "ok") << good;
  }
  for (const char* bad : {"", "mysql://u:p@h/db", "postgres://u:top@secret@h/db", "postgres://u:top/secret@h/db",
                          "postgres://u:top:secret@h:x/db", "postgres://u:%zztop-secret@h/db", "postgres://u:p@h/db?top=secret",
                          "postgres://u:p@h:12x/db"}) {
    const auto checked = check_postgres_url(bad);
    EXPECT_EQ(code(checked), "invalid_request") << bad;
    if (checked) continue;
    EXPECT_EQ(checked.error().detail.find("secret"), std::string::npos) << checked.error().detail;
    EXPECT_EQ(code(open_postgres(bad)), "invalid_request") << bad;
  }
}

TEST(PostgresErrors, are_told_apart_by_their_sqlstate) {
  for (const char* state : {"40001", "40P01", "23505", "23P01"}) EXPECT_EQ(code_of_sqlstate(state), ErrorCode::conflict) << state;
  for (const char* state : {"", "08006", "57P01", "57014", "53300", "25006", "58030", "55P03", "25P03", "40003"}) {
    EXPECT_EQ(code_of_sqlstate(state), ErrorCode::unavailable) << state;
  }
  for (const char* state : {"42P01", "22021", "23502", "25P02", "XX000"}) EXPECT_EQ(code_of_sqlstate(state), ErrorCode::internal) << state;
}

}  // namespace
}  // namespace kaimen::store

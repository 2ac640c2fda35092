// The engine of the MySQL protocol against a real server, each test in a database of its own. What acts do with engines is the contract
// suite's; this is about what an engine promises them.
#include "store/mysql_engine.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "store/mysql_connection.h"
#include "store/migrate.h"
#include "store/mysql_url.h"
#include "store/tables.h"
#include "tests/contract/engine_rows.h"
#include "tests/contract/tcp_relay.h"
#include "tests/servers/urls.h"

namespace kaimen::store {

using namespace contract;

namespace {

std::string server_url() { return servers::server_url(servers::Engine::mysql); }

class MysqlEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    run(url_,
        "CREATE TABLE things (id VARBINARY(16) NOT NULL PRIMARY KEY, version BIGINT NOT NULL, name VARBINARY(64) NOT NULL UNIQUE,"
        "  text VARCHAR(8) CHARACTER SET utf8mb4 NOT NULL, raw VARBINARY(64) NOT NULL, note VARCHAR(64) CHARACTER SET utf8mb4,"
        "  number BIGINT, raw_or_null VARBINARY(64)) ENGINE=InnoDB;"
        "CREATE TABLE pairs (a VARBINARY(64) NOT NULL, b BIGINT NOT NULL, value BIGINT NOT NULL, note VARCHAR(8),"
        "  PRIMARY KEY (a, b)) ENGINE=InnoDB;");
  }
  static std::unique_ptr<MysqlConnection> connect(const std::string& url) {
    const auto parsed = parse_mysql_url(url).value();
    auto connection = MysqlConnection::open(parsed, parsed.hosts.empty() ? nullptr : &parsed.hosts[0], MysqlConnection::Use::migrations);
    EXPECT_TRUE(connection) << connection.error().detail;
    return connection ? std::move(connection).value() : nullptr;
  }
  /// The first value of each row of the last statement.
  static std::vector<std::string> run(const std::string& url, const std::string& sql) {
    std::vector<std::string> values;
    auto connection = connect(url);
    if (!connection) return values;
    const auto done = connection->run(sql, [&](size_t, std::span<const std::string_view> row) { values.emplace_back(row[0]); });
    EXPECT_TRUE(done) << done.error().detail;
    return values;
  }
  std::unique_ptr<Engine> open() const { return open_mysql(url_).value(); }
  TcpRelay relay() const {
    const auto parsed = parse_mysql_url(url_).value();
    return TcpRelay(parsed.hosts.at(0).port);
  }
  std::string url_through(const TcpRelay& relay) const {
    const size_t at = url_.find('@');
    return url_.substr(0, at + 1) + "127.0.0.1:" + std::to_string(relay.port()) + url_.substr(url_.find('/', at));
  }
  /// Ends the connection of every engine of this test.
  void kill_all() const {
    const std::string name = parse_mysql_url(url_).value().database;
    for (const auto& id : run(server_url(), "SELECT id FROM information_schema.processlist WHERE db = '" + name + "';")) {
      run(server_url(), "KILL " + id + ";");
    }
  }

  const servers::Database database_{servers::Engine::mysql};
  const std::string url_ = database_.url();
};

Thing thing(uint8_t number) {
  Thing row;
  row.id.bytes = {1, 2, 3, number};
  row.name = "thing " + std::to_string(number);
  row.raw.raw = std::string(1, static_cast<char>(number));
  return row;
}
std::vector<Thing> things(int count) {
  std::vector<Thing> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back(thing(0));
    rows.back().id.bytes[4] = static_cast<uint8_t>(i >> 8);
    rows.back().id.bytes[5] = static_cast<uint8_t>(i);
    rows.back().name = "many " + std::to_string(i);
    rows.back().number = i;
  }
  return rows;
}
std::vector<Id> ids(const std::vector<Thing>& rows) {
  std::vector<Id> result;
  for (const auto& row : rows) result.push_back(row.id);
  return result;
}

// ---- values ----

TEST_F(MysqlEngineTest, EveryValueComesBackAsItWas) {
  auto engine = open();
  std::vector<Thing> rows = {thing(1), thing(2), thing(3), thing(4)};
  rows[0].text = "王小明😀";
  rows[0].note = "";
  rows[0].number = INT64_MIN;
  rows[0].raw.raw = std::string("\0'\\\"\n\x1a\xff;--", 10);
  rows[0].raw_or_null = Bytes{};
  rows[1].text = "x'41' \\'";
  rows[1].number = INT64_MAX;
  rows[1].raw_or_null = Bytes{std::string(64, '\0')};
  rows[2].text = "ends  ";
  rows[2].note = "'; DROP TABLE things; -- ?";
  rows[3].number = 0;
  ASSERT_TRUE(insert(*engine, rows));
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows)), rows);
}

TEST_F(MysqlEngineTest, KeysDifferInCaseAndTrailingSpaces) {
  auto engine = open();
  const std::vector<Pair> rows = {{"Ab", 1, 1}, {"ab", 1, 2}, {"ab ", 1, 3}, {"ab", 2, 4}, {"äb", 1, 5}};
  ASSERT_TRUE(insert(*engine, rows));
  EXPECT_EQ(fetch_pairs(*engine, {{"ab", 1}}), (std::vector<Pair>{rows[1]}));
  EXPECT_EQ(fetch_pairs(*engine, {{"Ab", 1}, {"ab ", 1}, {"ab  ", 1}, {"äb", 1}}), (std::vector<Pair>{rows[0], rows[2], rows[4]}));
}

TEST_F(MysqlEngineTest, TextThatIsTooLongIsRefusedNotCut) {
  auto engine = open();
  std::vector<Thing> rows = {thing(1)};
  rows[0].text = "123456789";
  const auto refused = insert(*engine, rows);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::internal);
  rows[0].text = "12345678";
  ASSERT_TRUE(insert(*engine, rows));
  rows[0].text = "123456789";
  EXPECT_FALSE(update(*engine, rows, {"text"}));
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows))[0].text, "12345678");
}

TEST_F(MysqlEngineTest, BytesThatAreNoTextAreRefusedAsText) {
  auto engine = open();
  std::vector<Thing> rows = {thing(1)};
  rows[0].text = "\xff\xfe";
  const auto refused = insert(*engine, rows);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail.find("xFF"), std::string::npos) << "an error repeats a value: " << refused.error().detail;
}

// Whatever the server's defaults are.
TEST_F(MysqlEngineTest, TheSessionIsSetUp) {
  const auto parsed = parse_mysql_url(url_).value();
  auto session = MysqlConnection::open(parsed, &parsed.hosts.at(0), MysqlConnection::Use::acts).value();
  std::map<std::string, std::string, std::less<>> is;
  ASSERT_TRUE(session->run("SHOW SESSION VARIABLES;", [&](size_t, std::span<const std::string_view> row) { is.emplace(row[0], row[1]); }));
  EXPECT_EQ(is["sql_mode"], "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION");
  EXPECT_EQ(is.contains("transaction_isolation") ? is["transaction_isolation"] : is["tx_isolation"], "REPEATABLE-READ");
  EXPECT_EQ(is["character_set_client"] + is["character_set_connection"] + is["character_set_results"], "utf8mb4utf8mb4utf8mb4");
  EXPECT_EQ(is["innodb_lock_wait_timeout"], "3");
  const std::pair<std::string, std::string> where_known[] = {
      {"innodb_snapshot_isolation", "ON"}, {"idle_transaction_timeout", "5"}, {"max_statement_time", "5.000000"}, {"wsrep_sync_wait", "1"}};
  for (const auto& [name, value] : where_known) {
    EXPECT_TRUE(!is.contains(name) || is[name] == value) << name << " is " << is[name];
  }
}

// ---- shapes ----

TEST_F(MysqlEngineTest, InsertsReadsUpdatesAndRemovesAnyNumberOfRows) {
  for (const int count : {0, 1, 2, 255, 256, 257, 700}) {
    auto engine = open();
    auto rows = things(count);
    ASSERT_TRUE(insert(*engine, rows)) << count;
    ASSERT_EQ(fetch<Thing>(*engine, ids(rows)), rows) << count;
    // Types must fit whichever row comes first: NULL or a value, short or long.
    for (int i = 0; i < count; ++i) {
      rows[i].note = i % 3 == 0 ? std::nullopt : std::optional<std::string>("note 注 " + std::string(i % 7, 'x'));
      rows[i].raw_or_null = i % 3 == 1 ? std::nullopt : std::optional<Bytes>(Bytes{std::string(i % 60, '\xfe')});
      rows[i].number = i % 3 == 2 ? std::nullopt : std::optional<int64_t>(int64_t{i} << (i % 40));
      rows[i].text = std::string(i % 8, 't');
    }
    ASSERT_TRUE(update(*engine, rows, {"text", "note", "number", "raw_or_null"})) << count;
    for (auto& row : rows) ++row.version;
    ASSERT_EQ(fetch<Thing>(*engine, ids(rows)), rows) << count;
    ASSERT_TRUE(update(*engine, rows, {})) << count;
    for (auto& row : rows) ++row.version;
    ASSERT_EQ(fetch<Thing>(*engine, ids(rows)), rows) << count;
    ASSERT_TRUE(remove(*engine, rows)) << count;
    ASSERT_TRUE(fetch<Thing>(*engine, ids(rows)).empty()) << count;
  }
}

TEST_F(MysqlEngineTest, UpdatesRowsOfTwoKeysWithoutAGuard) {
  auto engine = open();
  std::vector<Pair> rows = {{"a", 1, 1}, {"a", 2, 2}, {"b", 1, 3}};
  ASSERT_TRUE(insert(*engine, rows));
  for (auto& row : rows) row.value += 10;
  ASSERT_TRUE(update(*engine, rows, {"value"}));
  // Also to what is there already: rows found count, not rows changed.
  ASSERT_TRUE(update(*engine, rows, {"value"}));
  EXPECT_EQ(fetch_pairs(*engine, {{"a", 1}, {"a", 2}, {"b", 1}}), rows);
  ASSERT_TRUE(remove(*engine, std::vector<Pair>{rows[0], rows[2]}));
  EXPECT_EQ(fetch_pairs(*engine, {{"a", 1}, {"a", 2}, {"b", 1}}), (std::vector<Pair>{rows[1]}));
}

TEST_F(MysqlEngineTest, ManyLookupsOfSeveralTablesInOneRead) {
  auto engine = open();
  const std::vector<Thing> rows = {thing(1), thing(2)};
  const std::vector<Pair> pairs = {{"a", 1, 1}, {"a", 2, 2}};
  ASSERT_TRUE(insert(*engine, rows));
  ASSERT_TRUE(insert(*engine, pairs));
  static constexpr Lookup by_a{&kTable<Pair>, {0}, 1, "value > 1"};
  const std::vector<Cell> id_cells = {cell_of(rows[0].id), cell_of(rows[1].id)};
  const std::string name = "a";
  const std::vector<Cell> a_cells = {cell_of(name)};
  std::vector<Thing> found_things;
  std::vector<Pair> found_pairs;
  ASSERT_TRUE(engine->begin(false));
  const Read reads[] = {{&kByKey<Thing>, id_cells, [&](std::span<const Cell> cells) { found_things.push_back(row_of<Thing>(cells)); }},
                        {&by_a, a_cells, [&](std::span<const Cell> cells) { found_pairs.push_back(row_of<Pair>(cells)); }}};
  ASSERT_TRUE(engine->read(reads));
  bool unknown = true;
  ASSERT_TRUE(engine->commit({}, unknown));
  EXPECT_FALSE(unknown);
  EXPECT_EQ(found_things, rows);
  EXPECT_EQ(found_pairs, (std::vector<Pair>{pairs[1]}));
}

TEST_F(MysqlEngineTest, ScansWithConditionOrderAndLimit) {
  auto engine = open();
  const auto rows = things(20);
  ASSERT_TRUE(insert(*engine, rows));
  static constexpr Scan some{&kTable<Thing>, "number >= ? AND name <> ?", "number DESC", true};
  const std::string name = "many 18";
  const auto found = scan<Thing>(*engine, some, {cell_of(int64_t{5}), cell_of(name), cell_of(int64_t{3})});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], rows[19]);
  EXPECT_EQ(found[1], rows[17]);
  EXPECT_EQ(found[2], rows[16]);
  static constexpr Scan all{&kTable<Thing>, "", ""};
  EXPECT_EQ(scan<Thing>(*engine, all, {}).size(), 20U);
}

// Of an IN the server would read so small a table from end to end, and wait for the lock.
TEST_F(MysqlEngineTest, TouchesNoRowsButThoseNamed) {
  auto engine = open();
  const auto rows = things(4);
  const std::vector<Thing> some = {rows[0], rows[3]};
  const std::vector<Pair> pairs = {{"a", 1, 1}, {"a", 2, 2}, {"b", 1, 3}};
  ASSERT_TRUE(insert(*engine, rows));
  ASSERT_TRUE(insert(*engine, pairs));
  auto holder = connect(url_);
  ASSERT_TRUE(holder->run("START TRANSACTION;UPDATE things SET number = 77 WHERE name = 'many 1';"
                          "UPDATE pairs SET value = 5 WHERE a = 'a' AND b = 2;"));
  EXPECT_TRUE(update(*engine, some, {}));
  auto changed = some;
  for (auto& row : changed) ++row.version;
  EXPECT_TRUE(update(*engine, changed, {"note"}));
  EXPECT_TRUE(remove(*engine, some));
  EXPECT_TRUE(remove(*engine, std::vector<Pair>{pairs[0], pairs[2]}));
}

TEST_F(MysqlEngineTest, WritesAreMadeInTheOrderGiven) {
  auto engine = open();
  std::vector<Thing> old = {thing(1)}, fresh = {thing(2)};
  fresh[0].name = old[0].name;  // free only once the old one is gone
  ASSERT_TRUE(insert(*engine, old));
  const auto gone = key_cells(old), made = all_cells(fresh);
  const Write writes[] = {{Write::What::remove, &kTable<Thing>, 0, gone, 1}, {Write::What::insert, &kTable<Thing>, 0, made, 1}};
  bool unknown = true;
  ASSERT_TRUE(engine->begin(true));
  ASSERT_TRUE(engine->commit(writes, unknown));
  EXPECT_EQ(fetch<Thing>(*engine, {old[0].id, fresh[0].id}), fresh);
}

TEST_F(MysqlEngineTest, TimeIsTheDatabasesInUtc) {
  auto engine = open();
  const auto before = std::chrono::system_clock::now();
  const auto time = engine->time();
  ASSERT_TRUE(time);
  EXPECT_LT(std::chrono::abs(time.value() - before), std::chrono::seconds(5));
}

TEST_F(MysqlEngineTest, TheMigrationCanBeRunAgain) {
  auto engine = open();
  std::string sql;
  for (const Migration& migration : migrations(Dialect::mysql)) sql += migration.sql;
  ASSERT_FALSE(sql.empty());
  for (int i = 0; i < 2; ++i) {
    const auto done = engine->script(sql);
    ASSERT_TRUE(done) << done.error().detail;
  }
  UserRow user;
  user.id.bytes = {0xab, 0xcd};
  user.project = "default";
  user.external_id = "外-1";
  user.nickname = "王小明😀";
  ASSERT_TRUE(insert(*engine, std::vector<UserRow>{user}));
  EXPECT_EQ(run(url_, "SELECT CONCAT(id, project, external_id, state, nickname) FROM kaimen_users_v1;"),
            (std::vector<std::string>{"abcd" + std::string(28, '0') + "default外-1active王小明😀"}));
  IdentityRow identity;
  identity.provider = "wechat";
  identity.user = user.id;
  ASSERT_TRUE(insert(*engine, std::vector<IdentityRow>{identity}));
  EXPECT_EQ(run(url_, "SELECT provider FROM kaimen_identities_v1;"), (std::vector<std::string>{"wechat"}));
}

template <class Row>
void expect_columns(Engine& engine) {
  static constexpr Scan all{&kTable<Row>, "", ""};
  ASSERT_TRUE(engine.begin(false));
  const auto scanned = engine.scan(all, {}, [](std::span<const Cell>) {});
  EXPECT_TRUE(scanned) << scanned.error().detail;
}
TEST_F(MysqlEngineTest, TheMigrationHasEveryTableAndColumn) {
  auto engine = open();
  std::string sql;
  for (const Migration& migration : migrations(Dialect::mysql)) sql += migration.sql;
  ASSERT_TRUE(engine->script(sql));
  expect_columns<UserRow>(*engine);
  expect_columns<IdentityRow>(*engine);
  expect_columns<UnionidRow>(*engine);
  expect_columns<SessionRow>(*engine);
  expect_columns<CodeRow>(*engine);
  expect_columns<RevocationRow>(*engine);
  expect_columns<EventRow>(*engine);
  expect_columns<OnceMarkRow>(*engine);
  expect_columns<ProjectRow>(*engine);
  expect_columns<AppTableRow>(*engine);
  expect_columns<TicketKeyTableRow>(*engine);
  expect_columns<AccessKeyTableRow>(*engine);
  expect_columns<AccessTokenTableRow>(*engine);
  expect_columns<MetaRow>(*engine);
  expect_columns<NodeRow>(*engine);
  expect_columns<NodeProgramRow>(*engine);
  expect_columns<ProjectDetailsRow>(*engine);
}

// ---- conflicts ----

void expect_conflict(const Result<>& done) {
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::conflict) << done.error().detail;
}

TEST_F(MysqlEngineTest, AGuardFindsTheRowChangedByAnother) {
  auto one = open(), other = open();
  auto rows = things(3);
  ASSERT_TRUE(insert(*one, rows));
  ASSERT_TRUE(update(*other, std::vector{rows[1]}, {}));
  for (auto& row : rows) row.note = "mine";
  expect_conflict(update(*one, rows, {"note"}));
  expect_conflict(update(*one, rows, {}));
  // Nothing of the refused transaction stays, and the engine goes on.
  EXPECT_EQ(fetch<Thing>(*one, {rows[0].id})[0].note, std::nullopt);
  EXPECT_EQ(fetch<Thing>(*one, {rows[0].id})[0].version, 0);
  ++rows[1].version;
  EXPECT_TRUE(update(*one, rows, {"note"}));
}

TEST_F(MysqlEngineTest, OfTwoOpenTransactionsOneWins) {
  auto one = open(), other = open();
  const auto rows = things(1);
  ASSERT_TRUE(insert(*one, rows));
  for (Engine* engine : {one.get(), other.get()}) {
    ASSERT_TRUE(engine->begin(true));
    ASSERT_EQ(fetch_within<Thing>(*engine, ids(rows)), rows);
  }
  const auto cells = update_cells(rows, {});
  const Write bump[] = {{Write::What::update, &kTable<Thing>, 0, cells, 1}};
  bool unknown = true;
  ASSERT_TRUE(one->commit(bump, unknown));
  expect_conflict(other->commit(bump, unknown));
  EXPECT_FALSE(unknown);
}

// Without a guard only the server can tell. MariaDB does since 10.11.8 (innodb_snapshot_isolation).
TEST_F(MysqlEngineTest, AnUnguardedRowChangedSinceTheSnapshotIsAConflict) {
  if (run(server_url(), "SHOW VARIABLES LIKE 'innodb_snapshot_isolation';").empty()) GTEST_SKIP() << "the server does not look";
  auto one = open(), other = open();
  std::vector<Pair> rows = {{"a", 1, 1}};
  ASSERT_TRUE(insert(*one, rows));
  ASSERT_TRUE(one->begin(true));
  ASSERT_EQ(fetch_pairs_within(*one, {{"a", 1}}), rows);
  rows[0].value = 2;
  ASSERT_TRUE(update(*other, rows, {"value"}));
  const auto cells = update_cells(rows, {"value"});
  const Write write[] = {{Write::What::update, &kTable<Pair>, column_bits<Pair>({"value"}), cells, 1}};
  bool unknown = true;
  expect_conflict(one->commit(write, unknown));
}

TEST_F(MysqlEngineTest, AUniqueValueThatIsThereIsAConflictAndIsNotRepeated) {
  auto engine = open();
  std::vector<Thing> rows = {thing(1), thing(2)};
  ASSERT_TRUE(insert(*engine, rows));
  expect_conflict(insert(*engine, std::vector{rows[0]}));
  rows[1].id.bytes[0] = 9;
  rows[1].name = "thing 1";
  const auto refused = insert(*engine, std::vector{rows[1]});
  expect_conflict(refused);
  EXPECT_EQ(refused.error().detail.find("thing 1"), std::string::npos) << refused.error().detail;
}

TEST_F(MysqlEngineTest, UpdateAndRemoveOfAVanishedRowAreConflicts) {
  auto engine = open();
  const auto rows = things(3);
  const std::vector<Pair> pairs = {{"a", 1, 1}, {"a", 2, 2}};
  ASSERT_TRUE(insert(*engine, std::vector<Thing>{rows[0], rows[2]}));
  ASSERT_TRUE(insert(*engine, std::vector<Pair>{pairs[0]}));
  expect_conflict(update(*engine, rows, {"note"}));
  expect_conflict(update(*engine, std::vector{rows[1]}, {"note"}));
  expect_conflict(update(*engine, rows, {}));
  expect_conflict(remove(*engine, rows));
  expect_conflict(update(*engine, pairs, {"value"}));
  expect_conflict(update(*engine, std::vector{pairs[1]}, {"value"}));
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows)), (std::vector<Thing>{rows[0], rows[2]}));
}

TEST_F(MysqlEngineTest, ADeadlockIsAConflict) {
  auto one = open(), other = open();
  std::vector<Pair> rows = {{"a", 1, 1}, {"b", 1, 1}};
  ASSERT_TRUE(insert(*one, rows));
  int conflicts = 0;
  const auto cross = [&](Engine& engine, int first) {
    const std::vector<Pair> one_row = {rows[first]}, other_row = {rows[1 - first]};
    const auto left = update_cells(one_row, {"value"}), right = update_cells(other_row, {"value"});
    const uint64_t bits = column_bits<Pair>({"value"});
    std::vector<Write> writes = {{Write::What::update, &kTable<Pair>, bits, left, 1}, {Write::What::update, &kTable<Pair>, bits, right, 1}};
    int refused = 0;
    for (int i = 0; i < 200; ++i) {
      bool unknown = false;
      EXPECT_TRUE(engine.begin(true));
      if (const auto done = engine.commit(writes, unknown); !done) {
        EXPECT_EQ(done.error().code, ErrorCode::conflict) << done.error().detail;
        ++refused;
        engine.roll_back();
      }
    }
    return refused;
  };
  int others = 0;
  std::thread thread([&] { others = cross(*other, 1); });
  conflicts = cross(*one, 0);
  thread.join();
  EXPECT_LT(conflicts + others, 400);
}

// ---- lines that break ----

TEST_F(MysqlEngineTest, AConnectionCutWhileIdleIsNotNoticed) {
  auto engine = open();
  const auto rows = things(2);
  ASSERT_TRUE(insert(*engine, rows));
  kill_all();
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows)), rows);
  kill_all();
  EXPECT_TRUE(engine->time());
  kill_all();
  EXPECT_TRUE(update(*engine, rows, {}));
}

TEST_F(MysqlEngineTest, AConnectionCutInATransactionIsUnavailableAndNothingWasDone) {
  auto engine = open();
  const auto rows = things(2);
  ASSERT_TRUE(insert(*engine, rows));
  ASSERT_TRUE(engine->begin(true));
  ASSERT_EQ(fetch_within<Thing>(*engine, ids(rows)), rows);
  kill_all();
  const auto cells = update_cells(rows, {});
  const Write bump[] = {{Write::What::update, &kTable<Thing>, 0, cells, 2}};
  bool unknown = true;
  const auto done = engine->commit(bump, unknown);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unavailable) << done.error().detail;
  EXPECT_FALSE(unknown);
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows)), rows);
}

TEST_F(MysqlEngineTest, ALineThatBreaksAfterCommitWasSentLeavesTheOutcomeUnknown) {
  for (const bool delivered : {true, false}) {
    auto through = relay();
    auto engine = open_mysql(url_through(through)).value();
    const std::vector<Thing> rows = {thing(delivered ? 1 : 2)};
    ASSERT_TRUE(engine->time()) << "connects";
    through.cut_at("COMMIT", delivered);
    const auto cells = all_cells(rows);
    const Write write[] = {{Write::What::insert, &kTable<Thing>, 0, cells, 1}};
    bool unknown = false;
    ASSERT_TRUE(engine->begin(true));
    const auto done = engine->commit(write, unknown);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(unknown);
    // The same again tells: a conflict where it was done.
    auto other = open();
    EXPECT_EQ(fetch<Thing>(*other, ids(rows)).size(), delivered ? 1U : 0U);
  }
}

TEST_F(MysqlEngineTest, AServerThatHangsIsUnavailableSoon) {
  auto through = relay();
  auto engine = open_mysql(url_through(through)).value();
  ASSERT_TRUE(engine->time());
  through.hang();
  const auto start = std::chrono::steady_clock::now();
  const auto time = engine->time();
  ASSERT_FALSE(time);
  EXPECT_EQ(time.error().code, ErrorCode::unavailable);
  // Nor does connecting take long.
  EXPECT_FALSE(engine->begin(false));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(MysqlEngineTest, ABrokenHostIsLeftForTheNext) {
  auto through = relay();
  const auto parsed = parse_mysql_url(url_).value();
  std::string both = url_through(through);
  both.insert(both.find('/', both.find('@')), ",127.0.0.1:" + std::to_string(parsed.hosts[0].port));
  auto engine = open_mysql(both).value();
  const auto rows = things(1);
  ASSERT_TRUE(insert(*engine, rows));
  EXPECT_EQ(through.connections(), 1);
  through.stop();
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows)), rows);
}

TEST_F(MysqlEngineTest, ALockHeldForLongIsAConflict) {
  auto one = open(), other = open();
  std::vector<Pair> rows = {{"a", 1, 1}};
  ASSERT_TRUE(insert(*one, rows));
  auto holder = connect(url_);
  ASSERT_TRUE(holder->run("START TRANSACTION;UPDATE pairs SET value = 5;"));
  expect_conflict(update(*other, rows, {"value"}));
}

TEST_F(MysqlEngineTest, ATableThatCannotBeReadIsUnavailable) {
  auto engine = open();
  auto holder = connect(url_);
  ASSERT_TRUE(holder->run("LOCK TABLES things WRITE;"));
  ASSERT_TRUE(engine->begin(false));
  static constexpr Scan all{&kTable<Thing>, "", ""};
  const auto scanned = engine->scan(all, {}, [](std::span<const Cell>) {});
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, ErrorCode::unavailable) << scanned.error().detail;
}

TEST_F(MysqlEngineTest, ATransactionThatTakesTooLongIsNotCommitted) {
  auto engine = open();
  const auto rows = things(1);
  ASSERT_TRUE(insert(*engine, rows));
  ASSERT_TRUE(engine->begin(true));
  ASSERT_EQ(fetch_within<Thing>(*engine, ids(rows)), rows);
  std::this_thread::sleep_for(std::chrono::milliseconds(5500));
  const auto cells = update_cells(rows, {});
  const Write bump[] = {{Write::What::update, &kTable<Thing>, 0, cells, 1}};
  bool unknown = true;
  const auto done = engine->commit(bump, unknown);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::unavailable);
  EXPECT_FALSE(unknown);
  EXPECT_EQ(fetch<Thing>(*engine, ids(rows)), rows);
}

TEST_F(MysqlEngineTest, AWrongPasswordIsUnavailableAndNotRepeated) {
  const size_t colon = url_.find(':', 8), at = url_.find('@');
  const auto engine = open_mysql(url_.substr(0, colon + 1) + "s3cr%65t-canary" + url_.substr(at)).value();
  const auto begun = engine->begin(false);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::unavailable);
  EXPECT_EQ(begun.error().detail.find("canary"), std::string::npos);
}

// The client library would go on in clear.
TEST_F(MysqlEngineTest, AServerWithoutTlsIsRefusedWhereTlsIsRequired) {
  if (run(url_, "SHOW VARIABLES WHERE Variable_name = 'have_ssl' AND Value <> 'YES';").empty()) GTEST_SKIP() << "the server has TLS";
  for (const char* how : {"required", "verify"}) {
    const auto begun = open_mysql(url_ + "?tls=" + how).value()->begin(false);
    ASSERT_FALSE(begun) << how;
    EXPECT_EQ(begun.error().code, ErrorCode::unavailable);
  }
}

// ---- a server that only reads: for all its clients, so this must run alone ----

using MysqlReadOnlyServerTest = MysqlEngineTest;

TEST_F(MysqlReadOnlyServerTest, IsUnavailable) {
  auto before = open();
  ASSERT_TRUE(before->time());
  // New connections of ours refuse such a server, so it is unlocked over one that was there before.
  auto admin = connect(server_url());
  ASSERT_TRUE(admin->run("SET GLOBAL read_only = 1;"));
  const auto begun = open()->begin(false);
  EXPECT_TRUE(admin->run("SET GLOBAL read_only = 0;"));
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::unavailable);
  EXPECT_NE(begun.error().detail.find("only reads"), std::string::npos) << begun.error().detail;
}

// ---- without a server ----

TEST(MysqlErrors, AreToldApart) {
  for (const unsigned number : {1213U, 1205U, 1062U, 1020U, 9007U, 8002U, 8022U}) {
    EXPECT_EQ(classify_mysql(number), ErrorCode::conflict) << number;
  }
  for (const unsigned number : {2002U, 2003U, 2006U, 2013U, 2055U, 1040U, 1047U, 1053U, 1290U, 1836U, 1792U, 3100U, 1021U, 1114U, 1317U,
                                1969U, 1927U, 1045U}) {
    EXPECT_EQ(classify_mysql(number), ErrorCode::unavailable) << number;
  }
  for (const unsigned number : {1064U, 1146U, 1054U, 1406U, 1366U, 2014U}) EXPECT_EQ(classify_mysql(number), ErrorCode::internal) << number;
}

TEST(MysqlUrls, AreParsed) {
  const auto url = parse_mysql_url("mysql://u%40x:p%2Fw%3a@db-1:3307,[::1]:3308,10.0.0.1/kai%6den?tls=verify&tls_ca=/a%20b").value();
  EXPECT_EQ(url.user, "u@x");
  EXPECT_EQ(url.password.reveal(), "p/w:");
  ASSERT_EQ(url.hosts.size(), 3U);
  EXPECT_EQ(url.hosts[0].name, "db-1");
  EXPECT_EQ(url.hosts[0].port, 3307);
  EXPECT_EQ(url.hosts[1].name, "::1");
  EXPECT_EQ(url.hosts[1].port, 3308);
  EXPECT_EQ(url.hosts[2].port, 3306);
  EXPECT_EQ(url.database, "kaimen");
  EXPECT_EQ(url.tls, MysqlUrl::Tls::verify);
  EXPECT_EQ(url.tls_ca, "/a b");
  const auto socket = parse_mysql_url("mariadb://kaimen@/db?socket=/run/mysqld/mysqld.sock").value();
  EXPECT_EQ(socket.socket, "/run/mysqld/mysqld.sock");
  EXPECT_TRUE(socket.hosts.empty());
}

TEST(MysqlUrls, AskForTlsBeyondThisMachineUnlessToldNotTo) {
  EXPECT_EQ(parse_mysql_url("mysql://u@127.0.0.1,localhost,[::1]/d").value().tls, MysqlUrl::Tls::off);
  EXPECT_EQ(parse_mysql_url("mysql://u@127.0.0.1,db/d").value().tls, MysqlUrl::Tls::required);
  EXPECT_EQ(parse_mysql_url("mysql://u@db/d?tls=off").value().tls, MysqlUrl::Tls::off);
}

TEST(MysqlUrls, WrongOnesAreRefusedWithoutRepeatingThem) {
  for (const char* url : {"", "mysql://", "postgres://canary@h/d", "mysql://canary/d", "mysql://canary@h", "mysql://canary@h/",
                          "mysql://:canary@h/d", "mysql://canary@/d", "mysql://u:canary@h:0/d", "mysql://u:canary@h:65536/d",
                          "mysql://u:canary@h:/d",
                          "mysql://u:canary@h,/d",
                          "mysql://u:canary@h,,i/d", "mysql://u:canary@h;x/d", "mysql://u:canary@h=x/d", "mysql://u:canary@[::1/d",
                          "mysql://u:canary@[x]/d",
                          "mysql://u:canary%@h/d", "mysql://u:canary%0@h/d", "mysql://u:canary%00@h/d", "mysql://u:canary%zz@h/d",
                          "mysql://u:canary@h/d?tls=yes", "mysql://u:canary@h/d?canary=1", "mysql://u:canary@h/d?socket=/s",
                          "mysql://u:canary@/d?socket=s",
                          "mysql://u:canary@/d?socket=/s&tls=verify", "mysql://u:canary@h/d?tls_ca=/f", "mysql://u:canary@h/d/e"}) {
    const auto checked = check_mysql_url(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_request);
    EXPECT_EQ(checked.error().detail.find("canary"), std::string::npos) << checked.error().detail;
    EXPECT_FALSE(open_mysql(url));
  }
}

}  // namespace
}  // namespace kaimen::store

// The engine of the MySQL protocol against a real server: values, each shape of statement, the schema. What acts do with engines is the
// contract suite's; this is about what an engine promises them.
#include <map>

#include "store/migrate.h"
#include "store/tables.h"
#include "tests/contract/mysql_fixture.h"

namespace kaimen::store {

using namespace contract;

namespace {

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

// ---- the schema ----

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
template <class... Row>
void expect_tables(Engine& engine, TableList<Row...>) {
  (expect_columns<Row>(engine), ...);
}

TEST_F(MysqlEngineTest, TheMigrationHasEveryTableAndColumn) {
  auto engine = open();
  std::string sql;
  for (const Migration& migration : migrations(Dialect::mysql)) sql += migration.sql;
  ASSERT_TRUE(engine->script(sql));
  expect_tables(*engine, AllTables{});
}

}  // namespace

}  // namespace kaimen::store

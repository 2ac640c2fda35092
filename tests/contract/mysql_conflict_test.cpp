// What becomes of two that want the same rows of a MySQL or MariaDB: one has them, the other is told that it was a conflict.
#include <thread>

#include "tests/contract/mysql_fixture.h"

namespace kaimen::store {

using namespace contract;

namespace {

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
  ASSERT_FALSE(run(server_url(), "SHOW VARIABLES LIKE 'innodb_snapshot_isolation';").empty()) << "Debian 12's looks";
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

TEST_F(MysqlEngineTest, ALockHeldForLongIsAConflict) {
  auto one = open(), other = open();
  std::vector<Pair> rows = {{"a", 1, 1}};
  ASSERT_TRUE(insert(*one, rows));
  auto holder = connect(url_);
  ASSERT_TRUE(holder->run("START TRANSACTION;UPDATE pairs SET value = 5;"));
  expect_conflict(update(*other, rows, {"value"}));
}

}  // namespace

}  // namespace kaimen::store

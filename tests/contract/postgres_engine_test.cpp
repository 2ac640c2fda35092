// The PostgreSQL engine by itself, on a real server: each shape of statement, what becomes of two engines that want the same, the schema.
#include <thread>

#include "store/migrate.h"
#include "store/tables.h"
#include "tests/contract/postgres_fixture.h"

namespace kaimen::store {

namespace {

using PostgresEngine = PostgresTest;

// ---- shapes ----

TEST_F(PostgresEngine, rows_come_back_as_they_went) {
  std::vector<ProbeRow> written{
      {INT64_MIN, "", 0, INT64_MAX, "", Bytes{""}, ""},
      {-1, "null", 3, std::nullopt, std::nullopt, std::nullopt, std::nullopt},
      {0, "zeros", 1, -1, "a\"b\\c,{}'", Bytes{std::string("\0\1\xff\0", 4)}, "x"},
      {7, "小程序 🎫 é", INT64_MAX, 0, "登录", Bytes{"\xe4"}, std::nullopt},
  };
  ASSERT_EQ(outcome(node.write({insert(written)})), "ok");
  EXPECT_EQ(node.all(), written);
  // As parameters of a look-up and of a change as well.
  ASSERT_EQ(outcome(node.begin()), "ok");
  EXPECT_EQ(node.find(kByKey<ProbeRow>, {cell_of(written[3].shard), cell_of(written[3].key)}).value(), std::vector{written[3]});
  std::swap(written[1].bytes, written[2].bytes);
  std::swap(written[1].text, written[2].text);
  ASSERT_EQ(outcome(node.commit({update<ProbeRow>({written[1], written[2]}, kBytes | kText)})), "ok");
  ++written[1].version, ++written[2].version;
  EXPECT_EQ(node.all(), written);
}

TEST_F(PostgresEngine, each_shape_with_none_one_and_many_rows) {
  for (const int count : {0, 1, 2, 1000}) {
    SCOPED_TRACE(count);
    auto written = rows(count);
    ASSERT_EQ(outcome(node.write({insert(written)})), "ok");
    EXPECT_EQ(node.all(), written);

    std::vector<Cell> keys;
    for (const ProbeRow& row : written) append(keys, row, 0, 2);
    ASSERT_EQ(outcome(node.begin()), "ok");
    EXPECT_EQ(node.find(kByKey<ProbeRow>, keys).value(), written);
    for (ProbeRow& row : written) row.number = *row.number * 2;
    ASSERT_EQ(outcome(node.commit({update(written, kNumber)})), "ok");
    for (ProbeRow& row : written) ++row.version;
    EXPECT_EQ(node.all(), written);

    ASSERT_EQ(outcome(node.write({update(written, 0)})), "ok");  // the guard alone
    for (ProbeRow& row : written) ++row.version;
    EXPECT_EQ(node.all(), written);

    ASSERT_EQ(outcome(node.write({remove(written)})), "ok");
    EXPECT_TRUE(node.all().empty());
  }
}

TEST_F(PostgresEngine, a_table_with_one_key_and_no_guard) {
  std::vector<OnceMarkRow> marks{{Bytes{std::string(1, '\0')}, from_epoch_ms(1)}, {Bytes{"b"}, from_epoch_ms(2)}};
  ASSERT_EQ(outcome(node.write({insert(marks)})), "ok");
  marks[1].marked_at = from_epoch_ms(9);
  ASSERT_EQ(outcome(node.write({update<OnceMarkRow>({marks[1]}, 1 << 1), remove<OnceMarkRow>({marks[0]})})), "ok");
  std::vector<int64_t> found;
  const std::vector<Cell> values{cell_of(marks[0].mark), cell_of(marks[1].mark)};
  const Read read{&kByKey<OnceMarkRow>, values, [&](std::span<const Cell> cells) { found.push_back(cells[1].integer); }};
  ASSERT_EQ(outcome(node.begin(false)), "ok");
  ASSERT_EQ(outcome(node.engine->read({&read, 1})), "ok");
  EXPECT_EQ(found, std::vector<int64_t>{9});
}

TEST_F(PostgresEngine, many_lookups_in_one_read) {
  auto first = rows(3, 1), second = rows(2, 2);
  first[0].number.reset();
  first[1].number = -1;
  ASSERT_EQ(outcome(node.write({insert(first), insert(second)})), "ok");
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
  ASSERT_EQ(outcome(node.begin(false)), "ok");
  ASSERT_EQ(outcome(node.engine->read(reads)), "ok");
  EXPECT_EQ((std::vector{of_shards, numbered, by_key, of_nobody, none}), (std::vector<size_t>{5, 3, 1, 0, 0}));
}

TEST_F(PostgresEngine, a_scan_in_order_and_with_a_limit) {
  const auto written = rows(10);
  ASSERT_EQ(outcome(node.write({insert(written), insert(rows(5, 2))})), "ok");
  ASSERT_EQ(outcome(node.begin(false)), "ok");
  const std::vector<Cell> values{cell_of(int64_t{1}), cell_of(written[3].key), cell_of(int64_t{4})};
  EXPECT_EQ(node.scan(kSome, values).value(), (std::vector<ProbeRow>{written.begin() + 4, written.begin() + 8}));
  EXPECT_EQ(node.scan(kAll).value().size(), 15u);
  EXPECT_EQ(outcome(node.commit({})), "ok");
}

TEST_F(PostgresEngine, a_transaction_sees_one_moment_and_nothing_of_it_stays_without_commit) {
  Node other(url);
  for (const bool writes : {false, true}) {
    const auto before = node.all();
    ASSERT_EQ(outcome(node.begin(writes)), "ok");
    EXPECT_EQ(node.scan(kAll).value(), before);
    ASSERT_EQ(outcome(other.write({insert(rows(1, writes))})), "ok");
    EXPECT_EQ(node.scan(kAll).value(), before);
    node.engine->roll_back();
    EXPECT_EQ(node.all().size(), before.size() + 1);
  }
}

TEST_F(PostgresEngine, the_time_is_the_servers) {
  const Time before = SystemClock().now();
  const auto first = node.engine->time();
  ASSERT_EQ(outcome(first), "ok");
  EXPECT_LT(std::chrono::abs(first.value() - before), Seconds{5});  // the same machine
  ASSERT_EQ(outcome(node.begin()), "ok");
  node.scan(kAll).value();
  std::this_thread::sleep_for(Millis{20});
  EXPECT_GE(node.engine->time().value(), first.value() + Millis{20}) << "not the transaction's";
}

// ---- conflicts ----

TEST_F(PostgresEngine, of_two_that_change_what_they_read_one_wins) {
  const auto written = rows(2);
  ASSERT_EQ(outcome(node.write({insert(written)})), "ok");
  Node other(url);
  for (Node* one : {&node, &other}) {
    ASSERT_EQ(outcome(one->begin()), "ok");
    ASSERT_EQ(one->scan(kAll).value().size(), 2u);
  }
  auto theirs = written, ours = written;
  theirs[1].number = 77;
  ours[0].number = 55;
  ASSERT_EQ(outcome(other.commit({update<ProbeRow>({theirs[1]}, kNumber)})), "ok");
  EXPECT_EQ(code(node.commit({update(ours, kNumber)})), "conflict");
  EXPECT_FALSE(node.unknown);
  const auto left = node.all();
  EXPECT_EQ(left[0].number, 0) << "what lost must leave nothing";
  EXPECT_EQ(left[1].number, 77);
}

TEST_F(PostgresEngine, a_guard_of_another_version_is_a_conflict) {
  auto written = rows(2);
  ASSERT_EQ(outcome(node.write({insert(written)})), "ok");
  written[1].version = 5;
  written[0].number = written[1].number = 99;
  EXPECT_EQ(code(node.write({insert(rows(1, 2)), update(written, kNumber)})), "conflict");
  EXPECT_FALSE(node.unknown);
  EXPECT_EQ(node.all(), rows(2)) << "neither the row that fits nor the change before it";
}

TEST_F(PostgresEngine, a_row_that_is_gone_is_a_conflict) {
  const auto written = rows(2);
  ASSERT_EQ(outcome(node.write({insert<ProbeRow>({written[0]})})), "ok");
  EXPECT_EQ(code(node.write({remove(written)})), "conflict");
  EXPECT_EQ(code(node.write({update(written, kText)})), "conflict");
  EXPECT_EQ(code(node.write({update<OnceMarkRow>({{Bytes{"m"}, Time{}}}, 1 << 1)})), "conflict") << "without a guard";
  EXPECT_EQ(node.all().size(), 1u);
}

TEST_F(PostgresEngine, a_row_or_a_unique_value_that_is_there_is_a_conflict) {
  auto written = rows(2);
  written[0].sole = "mine";
  ASSERT_EQ(outcome(node.write({insert(written)})), "ok");
  EXPECT_EQ(code(node.write({insert<ProbeRow>({written[1]})})), "conflict");
  written[1].sole = "mine";
  EXPECT_EQ(code(node.write({update<ProbeRow>({written[1]}, kSole)})), "conflict");
  // One that another inserted meanwhile, which this transaction's snapshot does not show.
  Node other(url);
  ASSERT_EQ(outcome(node.begin()), "ok");
  ASSERT_EQ(node.scan(kAll).value().size(), 2u);
  ASSERT_EQ(outcome(other.write({insert(rows(1, 9))})), "ok");
  EXPECT_EQ(code(node.commit({insert(rows(1, 9))})), "conflict");
  EXPECT_EQ(node.all().size(), 3u);
}

TEST_F(PostgresEngine, two_engines_that_count_lose_nothing) {
  ASSERT_EQ(outcome(node.write({insert(rows(1))})), "ok");
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
  EXPECT_EQ(node.all()[0].number, 200);
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

template <class... Row>
void round_trips(Node& node, const std::string& url, TableList<Row...>) {
  (round_trip<Row>(node, url), ...);
}

TEST_F(PostgresEngine, the_migration_makes_every_table_as_it_is_described) {
  std::string sql = "DROP TABLE probes, once_marks;";
  for (const Migration& migration : migrations(Dialect::postgres)) sql += migration.sql;
  ASSERT_EQ(outcome(node.engine->script(sql)), "ok");
  round_trips(node, url, AllTables{});
}

}  // namespace

}  // namespace kaimen::store

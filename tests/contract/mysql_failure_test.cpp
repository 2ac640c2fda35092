// What a MySQL or MariaDB that leaves, hangs, only reads or lets nobody in looks like from here.
#include <thread>

#include "tests/contract/mysql_fixture.h"
#include "tests/contract/tcp_relay.h"

namespace kaimen::store {

using namespace contract;

namespace {

class MysqlFailures : public MysqlEngineTest {
 protected:
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
};

// ---- lines that break ----

TEST_F(MysqlFailures, AConnectionCutWhileIdleIsNotNoticed) {
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

TEST_F(MysqlFailures, AConnectionCutInATransactionIsUnavailableAndNothingWasDone) {
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

TEST_F(MysqlFailures, ALineThatBreaksAfterCommitWasSentLeavesTheOutcomeUnknown) {
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

TEST_F(MysqlFailures, AServerThatHangsIsUnavailableSoon) {
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

TEST_F(MysqlFailures, ABrokenHostIsLeftForTheNext) {
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

TEST_F(MysqlFailures, ATableThatCannotBeReadIsUnavailable) {
  auto engine = open();
  auto holder = connect(url_);
  ASSERT_TRUE(holder->run("LOCK TABLES things WRITE;"));
  ASSERT_TRUE(engine->begin(false));
  static constexpr Scan all{&kTable<Thing>, "", ""};
  const auto scanned = engine->scan(all, {}, [](std::span<const Cell>) {});
  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code, ErrorCode::unavailable) << scanned.error().detail;
}

TEST_F(MysqlFailures, ATransactionThatTakesTooLongIsNotCommitted) {
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

TEST_F(MysqlFailures, AWrongPasswordIsUnavailableAndNotRepeated) {
  const size_t colon = url_.find(':', 8), at = url_.find('@');
  const auto engine = open_mysql(url_.substr(0, colon + 1) + "s3cr%65t-canary" + url_.substr(at)).value();
  const auto begun = engine->begin(false);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, ErrorCode::unavailable);
  EXPECT_EQ(begun.error().detail.find("canary"), std::string::npos);
}

// The client library would go on in clear.
TEST_F(MysqlFailures, AServerWithoutTlsIsRefusedWhereTlsIsRequired) {
  ASSERT_FALSE(run(url_, "SHOW VARIABLES WHERE Variable_name = 'have_ssl' AND Value <> 'YES';").empty()) << "the tests' own server has none";
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

// ---- errors of the server, by their numbers ----

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

}  // namespace

}  // namespace kaimen::store

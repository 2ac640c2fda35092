// The SQLite store passes the contract, and what is its own: how it opens, its queue, and its distrust of a clock that jumps.
#include "tests/contract/directory_contract.h"
#include "tests/contract/journal_contract.h"
#include "tests/contract/sqlite_factory.h"

#include <sys/stat.h>

#include <fstream>

#include "base/limits.h"
#include "core/component_store.h"
#include "store/migrate.h"

namespace kaimen::contract {

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values(MakeFactory([] { return std::make_unique<SqliteFactory>(); })),
                         [](const auto&) { return "one_file"; });
INSTANTIATE_TEST_SUITE_P(Sqlite, JournalContract, testing::Values(MakeFactory([] { return std::make_unique<SqliteFactory>(); })),
                         [](const auto&) { return "one_file"; });
INSTANTIATE_TEST_SUITE_P(Sqlite, DirectoryContract, testing::Values(MakeFactory([] { return std::make_unique<SqliteFactory>(); })),
                         [](const auto&) { return "one_file"; });

namespace {

void run_sql(const std::string& file, const std::string& sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  sqlite3_close(handle);
}

Error open_error(SqliteFactory& factory) {
  auto opened = factory.open_sqlite();
  EXPECT_FALSE(opened);
  return opened ? Error{} : opened.error();
}

/// Holds the file's write lock, as an operator's tool might.
class OutsideLock {
 public:
  explicit OutsideLock(const std::string& file) {
    EXPECT_EQ(sqlite3_open(file.c_str(), &handle_), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~OutsideLock() { sqlite3_close(handle_); }
  OutsideLock(const OutsideLock&) = delete;
  OutsideLock& operator=(const OutsideLock&) = delete;

 private:
  sqlite3* handle_ = nullptr;
};

}  // namespace

// A program of before third-party platforms has removed the app and left its authorisation.
TEST(SqliteComponents, an_app_that_is_added_again_has_no_authorisation_of_the_one_before) {
  SqliteFactory factory;
  const auto store = factory.open();
  core::AppRow component;
  component.app_id = "wxc";
  component.number = 9;
  component.platform = "wechat_component";
  component.project = "default";
  ASSERT_TRUE(run_here(store->add_app(component)));
  core::SaveAuthorization act;
  act.component = "wxc";
  act.app_id = "wx1";
  act.refresh_sealed = "r1";
  act.new_app.emplace();
  act.new_app->app_id = "wx1";
  act.new_app->platform = "wechat";
  act.new_app->project = "default";
  const auto remove_as_before = [&] { run_sql(factory.file(), "UPDATE apps SET removed_at = 1, live_app_id = NULL WHERE live_app_id = 'wx1'"); };
  const auto refresh = [&] { return run_here(store->components().refresh_token("wx1")).value(); };
  act.new_app->number = 1;
  ASSERT_TRUE(run_here(store->components().save_authorization(act)));
  ASSERT_EQ(refresh(), "r1");
  remove_as_before();
  act.new_app->number = 2;
  act.refresh_sealed.clear();
  ASSERT_TRUE(run_here(store->components().save_authorization(act)));
  EXPECT_EQ(refresh(), "");
  act.refresh_sealed = "r2";
  ASSERT_TRUE(run_here(store->components().save_authorization(act)));
  remove_as_before();
  core::AppRow plain = *act.new_app;
  plain.number = 3;
  ASSERT_TRUE(run_here(store->add_app(plain)));
  EXPECT_EQ(refresh(), "");
  EXPECT_FALSE(run_here(store->list_apps()).value().at(0).authorization);
}

TEST(SqliteOpen, makes_a_file_only_its_owner_reads) {
  SqliteFactory factory;
  const auto store = factory.open();
  for (const std::string suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((factory.file() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST(SqliteOpen, opens_its_own_file_again) {
  SqliteFactory factory;
  factory.open();
  EXPECT_TRUE(factory.open_sqlite());
  EXPECT_EQ(factory.query("SELECT count(*) FROM schema_migrations")[0][0], std::to_string(store::migrations(store::Dialect::sqlite).size()));
}

TEST(SqliteOpen, refuses_a_file_that_is_no_database) {
  SqliteFactory factory;
  std::ofstream(factory.file()) << std::string(8192, 'x');
  const Error error = open_error(factory);
  EXPECT_EQ(error.code, ErrorCode::invalid_request);
  EXPECT_NE(error.detail.find("not a database"), std::string::npos) << error.detail;
}

TEST(SqliteOpen, refuses_another_programs_database) {
  SqliteFactory factory;
  run_sql(factory.file(), "CREATE TABLE sessions (id)");
  const Error error = open_error(factory);
  EXPECT_EQ(error.code, ErrorCode::invalid_request);
  EXPECT_NE(error.detail.find("another program"), std::string::npos) << error.detail;
  EXPECT_EQ(factory.query("SELECT count(*) FROM sqlite_schema")[0][0], "1");
}

TEST(SqliteOpen, refuses_a_newer_schema) {
  SqliteFactory factory;
  factory.open();
  run_sql(factory.file(), "INSERT INTO schema_migrations VALUES ('9999_later', 0, x'', 0, 1)");
  const Error error = open_error(factory);
  EXPECT_EQ(error.code, ErrorCode::invalid_request);
  EXPECT_NE(error.detail.find("newer version"), std::string::npos) << error.detail;
  EXPECT_NE(error.detail.find("9999_later"), std::string::npos) << error.detail;
}

TEST(SqliteOpen, refuses_a_locked_file) {
  SqliteFactory factory;
  factory.open();
  const OutsideLock lock(factory.file());
  const Error error = open_error(factory);
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_NE(error.detail.find("locked by another process"), std::string::npos) << error.detail;
}

TEST(SqliteOpen, refuses_a_directory_it_cannot_write) {
  ManualClock clock;
  auto opened = store::open_sqlite({.path = "/proc/kaimen.db"}, clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
  EXPECT_NE(opened.error().detail.find("/proc/kaimen.db"), std::string::npos) << opened.error().detail;
}

// ---- the queue ----

/// Spawns `count` writing acts and counts their outcomes by detail.
std::map<std::string, int> outcomes(core::Store& store, int count, const std::function<void()>& after_spawn) {
  LocalLoop loop;
  std::map<std::string, int> seen;
  int waiting = count;
  for (int i = 0; i < count; ++i) {
    spawn<Result<>>(store.touch_access_keys({}, t0), [&](Result<> done) {
      ++seen[done ? "done" : done.error().detail];
      if (--waiting == 0) loop.stop();
    });
  }
  after_spawn();
  loop.run();
  return seen;
}

TEST(SqliteQueue, refuses_at_once_what_does_not_fit) {
  SqliteFactory factory;
  const auto store = factory.open();
  auto lock = std::make_unique<OutsideLock>(factory.file());
  const int count = static_cast<int>(limits::kWaitingActs + limits::kBatchActs) + 500;
  const auto seen = outcomes(*store, count, [&] { lock.reset(); });
  ASSERT_TRUE(seen.contains("the store's queue is full"));
  EXPECT_GE(seen.at("the store's queue is full"), 500);
  EXPECT_GE(seen.at("done"), 10'000);
}

TEST(SqliteQueue, refuses_an_act_that_waited_too_long) {
  SqliteFactory factory;
  const auto store = factory.open();
  auto lock = std::make_unique<OutsideLock>(factory.file());
  // The first batch is held up at the lock; what comes behind it waits, and the clock moves on.
  std::thread first([&] { EXPECT_TRUE(run_here(store->touch_access_keys({}, t0))); });
  std::this_thread::sleep_for(100ms);
  const auto seen = outcomes(*store, 1, [&] {
    factory.pass(5001ms);
    lock.reset();
  });
  first.join();
  EXPECT_EQ(seen, (std::map<std::string, int>{{"waited too long for the store", 1}}));
}

TEST(SqliteQueue, says_unavailable_while_the_file_is_locked_and_heals) {
  SqliteFactory factory;
  const auto store = factory.open();
  {
    const OutsideLock lock(factory.file());
    auto refused = run_here(store->touch_access_keys({}, t0));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(run_here(store->list_apps())) << "reading needs no lock";
  }
  EXPECT_TRUE(run_here(store->touch_access_keys({}, t0)));
}

TEST(SqliteQueue, finishes_what_is_queued_before_it_goes) {
  SqliteFactory factory;
  auto store = factory.open();
  const auto seen = outcomes(*store, 3000, [&] { store.reset(); });
  EXPECT_EQ(seen, (std::map<std::string, int>{{"done", 3000}}));
}

TEST(SqliteQueue, an_act_that_fails_is_internal_and_alone) {
  SqliteFactory factory;
  const auto store = factory.open();
  run_sql(factory.file(), "DROP TABLE once_marks");
  SystemRandom random;
  core::SavePhone act;
  act.user = Id::make(t0, random).value();
  run_sql(factory.file(), "INSERT INTO users (id, project, created_at) VALUES (x'" + act.user.hex() + "', 'default', 0)");
  act.once = std::string(32, 'o');
  auto failed = run_here(store->save_phone(act));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::internal);
  act.once.clear();
  EXPECT_TRUE(run_here(store->save_phone(act)));
}

// ---- claims: what only SQLite keeps in memory ----

TEST(SqliteClaims, a_claim_that_died_with_the_process_can_be_made_again) {
  SqliteFactory factory;
  SystemRandom random;
  const core::ClaimCode first{7, std::string(32, 'c'), Id::make(t0, random).value(), t0};
  const core::ClaimCode second{7, std::string(32, 'c'), Id::make(t0, random).value(), t0};
  auto store = factory.open();
  ASSERT_EQ(run_here(store->claim_code(first)).value().kind, core::CodeClaim::Kind::claimed);
  ASSERT_EQ(run_here(store->claim_code(second)).value().kind, core::CodeClaim::Kind::pending);
  store.reset();
  store = factory.open();
  EXPECT_EQ(run_here(store->claim_code(second)).value().kind, core::CodeClaim::Kind::claimed);
}

TEST(SqliteClaims, a_claim_goes_after_ten_minutes) {
  SqliteFactory factory;
  SystemRandom random;
  const core::ClaimCode first{7, std::string(32, 'c'), Id::make(t0, random).value(), t0};
  const core::ClaimCode second{7, std::string(32, 'c'), Id::make(t0, random).value(), t0};
  const auto store = factory.open();
  ASSERT_TRUE(run_here(store->claim_code(first)));
  factory.pass(10min - 1ms);
  EXPECT_EQ(run_here(store->claim_code(second)).value().kind, core::CodeClaim::Kind::pending);
  factory.pass(1ms);
  EXPECT_EQ(run_here(store->claim_code(second)).value().kind, core::CodeClaim::Kind::claimed);
}

// ---- the clock ----

class SqlitePurge : public testing::Test {
 protected:
  SqlitePurge() : store(factory.open()) { purge(); }
  void purge() { ASSERT_TRUE(run_here(store->purge(wall()))); }
  Time wall() const { return factory.clock.now() + jump; }
  /// Something a purge takes when it is let through: a revocation that is over.
  bool deletes() {
    static int number = 0;
    char id[33];
    std::snprintf(id, sizeof id, "%032x", ++number);
    run_sql(factory.file(), "INSERT INTO revocations VALUES (x'" + std::string(id) + "', 0, 3, 0, 0)");
    purge();
    return factory.query("SELECT count(*) FROM revocations")[0][0] == "0";
  }
  SqliteFactory factory;
  std::unique_ptr<core::Store> store;
  Millis jump{0};  ///< How wrong the wall clock is.
};

TEST_F(SqlitePurge, goes_on_while_the_clock_is_steady) {
  EXPECT_TRUE(deletes());
  factory.pass(24h);
  EXPECT_TRUE(deletes());
}

TEST_F(SqlitePurge, allows_a_jump_of_an_hour) {
  jump = 1h;
  EXPECT_TRUE(deletes());
}

TEST_F(SqlitePurge, pauses_after_a_jump_of_more_than_an_hour) {
  jump = 1h + 1ms;
  EXPECT_FALSE(deletes());
  factory.pass(10min);
  EXPECT_FALSE(deletes());
}

TEST_F(SqlitePurge, believes_a_jump_that_still_stands_ten_minutes_later) {
  jump = 24h;
  EXPECT_FALSE(deletes());
  factory.pass(10min + 1ms);
  EXPECT_TRUE(deletes());
  factory.pass(1min);
  EXPECT_TRUE(deletes());
}

TEST_F(SqlitePurge, does_not_believe_a_clock_that_goes_on_jumping) {
  jump = 24h;
  EXPECT_FALSE(deletes());
  factory.pass(11min);
  jump = 48h;
  EXPECT_FALSE(deletes());
}

TEST_F(SqlitePurge, goes_on_when_a_jump_is_taken_back) {
  jump = 10 * 365 * 24h;
  EXPECT_FALSE(deletes());
  jump = 0h;
  factory.pass(1min);
  EXPECT_TRUE(deletes());
}

TEST_F(SqlitePurge, remembers_the_time_over_a_restart) {
  store.reset();
  store = factory.open();
  jump = 24h;
  EXPECT_FALSE(deletes());
}

}  // namespace kaimen::contract

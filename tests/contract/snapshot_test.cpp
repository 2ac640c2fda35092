// A copy of a SQLite store that is made while it is written to.
#include "tests/contract/sqlite_factory.h"

#include <fstream>

#include "store/sqlite_snapshot.h"

namespace kaimen::contract {

namespace {

constexpr int kKeys = 6000;  // more pages than a step copies

core::TicketKeyRow filling(uint32_t id) { return {id, core::KeyKind::renew, std::string(300, 'k'), {}, t0, t0, false}; }

void fill(core::Store& store) {
  LocalLoop loop;
  int waiting = kKeys;
  for (uint32_t id = 1; id <= kKeys; ++id) {
    spawn<Result<>>(store.add_ticket_key(filling(id)), [&](Result<> added) {
      EXPECT_TRUE(added);
      if (--waiting == 0) loop.stop();
    });
  }
  loop.run();
}

}  // namespace

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() : store_(factory_.open()) { fill(*store_); }

  Result<core::BackupProgress> step(bool anew = false) { return run_here(store_->back_up(anew)); }
  std::string file() const { return store::snapshot_path(factory_.file()); }
  bool is_file_there() const { return std::filesystem::exists(file()); }

  SqliteFactory factory_;
  std::unique_ptr<core::Store> store_;
};

TEST_F(SnapshotTest, what_is_written_meanwhile_is_in_the_copy) {
  auto progress = step(true);
  ASSERT_TRUE(progress);
  ASSERT_FALSE(progress.value().done);
  const uint64_t left = progress.value().left;
  EXPECT_GT(left, 0u);
  EXPECT_LT(left, progress.value().pages);
  // The first pages are copied already; that of the first key among them, if any is.
  ASSERT_TRUE(run_here(store_->drop_ticket_keys({1, 2, 3})));
  ASSERT_TRUE(run_here(store_->add_ticket_key(filling(100'000))));
  int steps = 1;
  for (; progress && !progress.value().done; ++steps) progress = step();
  ASSERT_TRUE(progress);
  EXPECT_GT(steps, 2);
  EXPECT_EQ(progress.value().file, file());

  ASSERT_TRUE(store::check_integrity(file()));
  const auto rows = query_sqlite(file(), "SELECT count(*), sum(id IN (1, 2, 3)), sum(id = 100000) FROM ticket_keys");
  EXPECT_EQ(rows.at(0), (std::vector<std::string>{std::to_string(kKeys - 3 + 1), "0", "1"}));
}

TEST_F(SnapshotTest, the_copy_is_one_file_for_its_owner_alone) {
  auto progress = step(true);
  while (progress && !progress.value().done) progress = step();
  ASSERT_TRUE(progress);
  EXPECT_EQ(std::filesystem::status(file()).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::ifstream in(file(), std::ios::binary);
  std::string head(20, '\0');
  in.read(head.data(), 20);
  EXPECT_EQ(head.substr(18), "\x01\x01") << "no write-ahead log is looked for beside it";
}

TEST_F(SnapshotTest, of_a_copy_that_is_not_whole_nothing_is_left) {
  ASSERT_TRUE(step(true));
  EXPECT_TRUE(is_file_there());
  store_.reset();
  EXPECT_FALSE(is_file_there());
}

TEST_F(SnapshotTest, a_copy_that_nobody_goes_on_with_is_dropped) {
  ASSERT_TRUE(step(true));
  factory_.pass(59s);
  ASSERT_TRUE(run_here(store_->list_access_keys()));
  ASSERT_TRUE(step());
  factory_.pass(61s);
  ASSERT_TRUE(run_here(store_->list_access_keys()));
  EXPECT_FALSE(is_file_there());
  EXPECT_EQ(code_of(step()), ErrorCode::invalid_request);
}

TEST_F(SnapshotTest, a_copy_that_nobody_took_goes_when_the_store_is_opened) {
  auto progress = step(true);
  while (progress && !progress.value().done) progress = step();
  store_.reset();
  ASSERT_TRUE(is_file_there());
  store_ = factory_.open();
  EXPECT_FALSE(is_file_there());
}

TEST_F(SnapshotTest, a_damaged_file_is_found_out) {
  auto progress = step(true);
  while (progress && !progress.value().done) progress = step();
  store_.reset();
  std::fstream damaged(file(), std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(40 * 4096);
  damaged << std::string(8192, '\xff');
  damaged.close();
  EXPECT_EQ(code_of(store::check_integrity(file())), ErrorCode::invalid_request);
}

}  // namespace kaimen::contract

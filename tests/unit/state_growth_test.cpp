// The state file grows before it is full, and nobody who reads it notices.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "check/state_reader.h"
#include "tests/unit/state_file.h"

namespace kaimen::check {
namespace {

/// Files may not become larger than they are: what a full disk says to whoever wants more room.
class NoRoom {
 public:
  explicit NoRoom(rlim_t bytes) : before_(signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &limit_), 0);
    const rlimit less{bytes, limit_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &less), 0);
  }
  ~NoRoom() {
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit_), 0);
    signal(SIGXFSZ, before_);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  sighandler_t before_;
  rlimit limit_{};
};

class StateGrowthTest : public StateFileTest {
 protected:
  void revoke_up_to(uint64_t end) {
    for (; next_ < end; ++next_) revoke(next_, kAllGenerations, Reason::revoked);
  }
  struct stat file() {
    struct stat found{};
    EXPECT_EQ(stat(path_.c_str(), &found), 0);
    return found;
  }
  uint64_t next_ = 0;
};

constexpr uint64_t kGood = 50'000;  // a session that nobody ends

TEST_F(StateGrowthTest, WhenFourFifthsAreInUseAndReadersFollow) {
  write(1000);
  publish();
  const auto before = file();
  ASSERT_EQ(status(ticket(kGood)), 204);
  EXPECT_EQ(writer_->fill().room, 1024U);
  revoke_up_to(819);
  writer_->tend(kNow);
  EXPECT_EQ(writer_->fill().room, 1024U);
  revoke_up_to(820);
  writer_->tend(kNow);
  EXPECT_EQ(writer_->fill().room, 2048U);
  EXPECT_EQ(writer_->fill().grown, 1U);
  EXPECT_EQ(file().st_ino, before.st_ino) << "in place";
  EXPECT_EQ(status(ticket(kGood)), 204) << "at once";
  EXPECT_EQ(reason(ticket(0)), "revoked");
  EXPECT_EQ(reason(ticket(819)), "revoked");
  revoke(kGood, kAllGenerations, Reason::logged_out);
  EXPECT_EQ(reason(ticket(kGood)), "logged_out");
}

TEST_F(StateGrowthTest, WhatIsPastGoesFirst) {
  write(1000);
  publish();
  revoke_up_to(1000);
  writer_->tend(kNow + 2'000'000);
  EXPECT_EQ(writer_->fill().held, 0U);
  EXPECT_EQ(writer_->fill().room, 1024U);
}

TEST_F(StateGrowthTest, ABurstThatNobodyTendedGrowsItTooAndEveryOneOfItHolds) {
  write(1000);
  publish();
  ASSERT_EQ(status(ticket(kGood)), 204);
  for (uint64_t session = 0; session < 9000; ++session) {
    revoke(session, kAllGenerations, Reason::revoked);
    if (session % 500 == 0 || (session & (session - 1)) == 0) {
      ASSERT_EQ(reason(ticket(session)), "revoked") << session;
      ASSERT_EQ(status(ticket(kGood)), 204) << session;
    }
  }
  EXPECT_GE(writer_->fill().grown, 3U);
  for (uint64_t session = 0; session < 9000; session += 7) ASSERT_EQ(reason(ticket(session)), "revoked") << session;
}

// nginx's workers have given up the rights with which it was opened.
TEST_F(StateGrowthTest, AReaderThatCouldNotOpenItAgainFollows) {
  write(1000);
  publish();
  ASSERT_EQ(status(ticket(kGood)), 204);
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".away").c_str()), 0);
  revoke_up_to(5000);
  EXPECT_EQ(status(ticket(kGood)), 204);
  EXPECT_EQ(reason(ticket(4999)), "revoked");
  ASSERT_EQ(rename((path_ + ".away").c_str(), path_.c_str()), 0);
}

TEST_F(StateGrowthTest, MoreThanWasWantedAtTheStartIsNoMatter) {
  for (uint64_t session = 0; session < 5000; ++session) revocations_.put(session_of(session), kAllGenerations, Reason::revoked, kNow + 1'000'000);
  write(1000);
  publish();
  EXPECT_EQ(status(ticket(kGood)), 204);
  EXPECT_EQ(reason(ticket(4999)), "revoked");
}

TEST_F(StateGrowthTest, ItStaysAsLargeAsItWas) {
  write(1000);
  publish();
  revoke_up_to(3000);
  const size_t room = writer_->fill().room;
  write(1000);
  EXPECT_EQ(writer_->fill().room, room);
  EXPECT_EQ(reason(ticket(2999)), "revoked");
  publish();
  EXPECT_EQ(writer_->fill().room, room);
  EXPECT_EQ(status(ticket(kGood)), 204);
  write(20'000);
  EXPECT_EQ(reason(ticket(2999)), "revoked") << "before the new writer has said anything";
  publish();
  EXPECT_EQ(writer_->fill().room, 32'768U) << "and grows to what is configured";
  EXPECT_EQ(status(ticket(kGood)), 204);
  EXPECT_EQ(reason(ticket(2999)), "revoked");
}

TEST_F(StateGrowthTest, WithoutRoomItIsUnknownForAllUntilThereIsSome) {
  write(1000);
  publish();
  const auto bytes = file().st_size;
  ASSERT_EQ(status(ticket(kGood)), 204);
  {
    const NoRoom none(static_cast<rlim_t>(bytes));
    revoke_up_to(900);
    writer_->tend(kNow);
    EXPECT_NE(writer_->fill().failure.find("no room for"), std::string::npos) << writer_->fill().failure;
    EXPECT_FALSE(writer_->fill().overflows);
    EXPECT_EQ(status(ticket(kGood)), 204) << "it is not full yet";
    revoke_up_to(1024);
    EXPECT_EQ(status(ticket(kGood)), 204);
    revoke_up_to(1025);
    EXPECT_EQ(status(ticket(kGood)), 503);
    EXPECT_EQ(who_.unsure, KAIMEN_OVERFLOW);
    EXPECT_EQ(status(ticket(1024)), 503) << "never a pass";
    EXPECT_EQ(writer_->fill().missing, "revocations");
    EXPECT_EQ(file().st_size, bytes) << "nothing is kept of what was not enough";
    revoke_up_to(1100);
    EXPECT_EQ(status(ticket(kGood)), 503);
  }
  for (const uint64_t start = boot_now_ms(); status(ticket(kGood)) != 204;) {
    ASSERT_LT(boot_now_ms() - start, 10'000U);
    usleep(50'000);
    writer_->tend(kNow);
    beat();
  }
  EXPECT_EQ(reason(ticket(1099)), "revoked");
  EXPECT_FALSE(writer_->fill().overflows);
  writer_->tend(kNow);
  EXPECT_EQ(writer_->fill().failure, "");
}

TEST_F(StateGrowthTest, AnotherWriterKnowsThatSomethingIsMissing) {
  write(1000);
  publish();
  {
    const NoRoom none(static_cast<rlim_t>(file().st_size));
    revoke_up_to(1025);
  }
  write(1000);
  writer_->publish_headers(headers_);
  writer_->publish_keys(keys_);
  writer_->publish_apps(apps_);
  beat();
  EXPECT_EQ(status(ticket(kGood)), 503);
  writer_->purge(kNow + 2'000'000);
  EXPECT_EQ(status(ticket(kGood)), 204) << "all are past";
}

TEST_F(StateGrowthTest, AWriterThatDiedBeforeItUsedItsRoomHasDoneNothing) {
  write(1000);
  publish();
  revoke_up_to(600);
  ASSERT_EQ(truncate(path_.c_str(), static_cast<off_t>(state_bytes(4096))), 0);
  EXPECT_EQ(reason(ticket(599)), "revoked");
  write(1000);
  EXPECT_EQ(reason(ticket(599)), "revoked");
  publish();
  revoke_up_to(5000);
  EXPECT_EQ(reason(ticket(4999)), "revoked");
  EXPECT_EQ(status(ticket(kGood)), 204);
}

// A damaged count must cost an answer: behind the end of a file that is mapped there is a SIGBUS.
TEST_F(StateGrowthTest, ACountBeyondTheFilesEndIsNotBelieved) {
  write(1000);
  publish();
  ASSERT_EQ(status(ticket(kGood)), 204);
  const int fd = open(path_.c_str(), O_WRONLY);
  const uint64_t slots = 1 << 20;
  ASSERT_EQ(pwrite(fd, &slots, sizeof slots, offsetof(StateHeader, slots)), static_cast<ssize_t>(sizeof slots));
  close(fd);
  EXPECT_EQ(status(ticket(kGood)), 503);
  EXPECT_EQ(who_.unsure, KAIMEN_GROWN);
}

TEST_F(StateGrowthTest, WhatCouldNotBeMappedIsTriedAgainOnceASecond) {
  write(1000);
  publish();
  ASSERT_EQ(status(ticket(kGood)), 204);
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".away").c_str()), 0) << "so that only what is mapped leads to it";
  const int fd = open((path_ + ".away").c_str(), O_WRONLY);
  const uint64_t slots = 1 << 13;
  const uint64_t tried = boot_now_ms();
  ASSERT_EQ(pwrite(fd, &slots, sizeof slots, offsetof(StateHeader, slots)), static_cast<ssize_t>(sizeof slots));
  EXPECT_EQ(status(ticket(kGood)), 503);
  ASSERT_EQ(ftruncate(fd, static_cast<off_t>(state_bytes(slots))), 0);
  close(fd);
  const int soon = status(ticket(kGood));
  if (boot_now_ms() - tried < 1000) {
    EXPECT_EQ(soon, 503);
  }
  while (status(ticket(kGood)) != 204) {
    ASSERT_LT(boot_now_ms() - tried, 10'000U);
    usleep(20'000);
    beat();
  }
  ASSERT_EQ(rename((path_ + ".away").c_str(), path_.c_str()), 0);
}

// Tables lie with their filters: memory that holds the slots alone is not enough.
TEST(StateReaderTest, TablesThatAreNotMappedWholeAreNotRead) {
  constexpr size_t kSlots = 2048, kWhole = state_bytes(kSlots);
  void* const memory = mmap(nullptr, kWhole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const file = static_cast<StateFile*>(memory);
  file->header.magic = kStateMagic;
  file->header.version = kStateVersion;
  file->header.good_until_ms = 1000;
  for (size_t bytes = kStateTables + 2 * kSlots * sizeof(Slot) - 1; bytes <= kWhole; ++bytes) {
    file->header.slots = kSlots / 2;
    const StateReader reader(file, bytes);
    ASSERT_TRUE(reader.valid());
    ASSERT_EQ(reader.sure(1), Unsure::no) << bytes;
    file->header.slots = kSlots;
    ASSERT_EQ(reader.sure(1), bytes < kWhole ? Unsure::grown : Unsure::no) << bytes;
  }
  munmap(memory, kWhole);
}

TEST_F(StateGrowthTest, ItsBeatsGoOnWhileItGrows) {
  write(1000);
  publish();
  size_t beats = 0;
  writer_->beat_meanwhile([&] {
    ++beats;
    return StateBeat{boot_now_ms() + kGoodMs, static_cast<int64_t>(kNow - boot_now_ms())};
  });
  beat(0);
  ASSERT_EQ(status(ticket(kGood)), 503);
  revoke_up_to(900);
  EXPECT_EQ(beats, 0U) << "nothing of that takes long";
  writer_->tend(kNow);
  EXPECT_GE(beats, 1U);
  EXPECT_EQ(status(ticket(kGood)), 204);
  beat(0);
  beats = 0;
  for (uint64_t session = kGood + 1; session <= kGood + 70'000; ++session) revocations_.put(session_of(session), kAllGenerations, Reason::revoked, kNow + 1'000'000);
  writer_->refill(0);
  EXPECT_GE(beats, 2U) << "room for them, and a table";
  EXPECT_EQ(status(ticket(kGood)), 204);
  EXPECT_EQ(reason(ticket(kGood + 70'000)), "revoked");
  writer_->beat_meanwhile({});
}

}  // namespace
}  // namespace kaimen::check

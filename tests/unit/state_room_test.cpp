// Room for the state file where the file system cannot allocate: a thread's fallocate(2) is answered EOPNOTSUPP.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>

#include "tests/unit/state_file.h"

namespace kaimen::check {
namespace {

// For the calling thread, as long as it lives. False: not here.
bool cannot_allocate() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_F(StateFileTest, WhereTheFileSystemCannotAllocateItGrowsAllTheSame) {
  bool possible = false;
  std::thread([&] {
    if (possible = cannot_allocate(); !possible) return;
    write(1000);
    publish();
    EXPECT_EQ(status(ticket(50'000)), 204);
    for (uint64_t session = 0; session < 5000; ++session) {
      revoke(session, kAllGenerations, Reason::revoked);
      if (session % 100 == 0) writer_->tend(kNow);
    }
    EXPECT_GE(writer_->fill().grown, 2U);
    EXPECT_EQ(writer_->fill().failure, "");
    EXPECT_EQ(status(ticket(50'000)), 204);
    for (uint64_t session = 0; session < 5000; session += 7) EXPECT_EQ(reason(ticket(session)), "revoked") << session;
    struct stat file{};
    EXPECT_EQ(stat(path_.c_str(), &file), 0);
    EXPECT_GE(static_cast<size_t>(file.st_blocks) * 512, state_bytes(8192)) << "there is room behind every byte";
  }).join();
  if (!possible) GTEST_SKIP() << "no seccomp";
}

// Room is got by a thread that holds nothing, ahead of one that already uses it.
TEST_F(StateFileTest, GettingRoomNeverTouchesWhatIsInUse) {
  constexpr size_t kFrom = kStateSlotsMin, kTo = 4 * kFrom;
  std::string error;
  const auto memory = StateMemory::open(path_, kFrom, error);
  ASSERT_TRUE(memory) << error;
  ASSERT_TRUE(memory->reserve(kTo, error)) << error;
  const size_t words = (state_bytes(kTo) - state_bytes(kFrom)) / sizeof(Word);
  auto* const first = reinterpret_cast<Word*>(reinterpret_cast<char*>(memory->file()) + state_bytes(kFrom));
  std::atomic<bool> possible{true}, done{false};
  std::atomic<uint64_t> rounds{0};
  std::thread other([&] {
    if (!cannot_allocate()) possible = false;
    std::string why;
    while (possible && !done) {
      EXPECT_TRUE(memory->allocate(kFrom, kTo, why)) << why;
      ++rounds;
    }
  });
  size_t lost = 0;
  for (uint64_t round = 1; possible && round <= 500; ++round) {
    for (size_t i = 0; i < words; ++i) first[i].store(0, std::memory_order_relaxed);
    for (size_t i = 0; i < words; ++i) first[i].store(~uint64_t{0}, std::memory_order_relaxed);
    for (const uint64_t seen = rounds; possible && rounds < seen + 2;) std::this_thread::yield();
    for (size_t i = 0; i < words; ++i) lost += first[i].load(std::memory_order_relaxed) != ~uint64_t{0};
  }
  done = true;
  other.join();
  if (!possible) GTEST_SKIP() << "no seccomp";
  EXPECT_EQ(lost, 0U);
}

}  // namespace
}  // namespace kaimen::check

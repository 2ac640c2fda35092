// Many checks while the writer does all that it may do, growing included: every session ended before a check began is refused, every other is good.
#include <atomic>
#include <thread>

#include "tests/unit/state_file.h"

namespace kaimen::check {
namespace {

TEST_F(StateFileTest, NoRevocationIsMissedAndNoGoodTicketRefusedWhileTablesChange) {
  constexpr uint64_t kSessions = 400, kLiving = 1'000'000, kOthers = 20'000;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr uint64_t kChecks = 100'000;
#else
  constexpr uint64_t kChecks = 500'000;  // of each of two threads
#endif
  write(100);
  publish();
  handle();
  std::vector<std::string> tickets;
  for (uint64_t session = 0; session < kSessions; ++session) tickets.push_back(ticket(session));
  const std::string living = ticket(kLiving);

  std::atomic<uint64_t> ended{0}, missed{0}, wrong{0}, unsure{0};
  std::atomic<int> readers{2};
  const auto read = [&](uint64_t seed) {
    kaimen_identity who;
    for (uint64_t i = 0; i < kChecks; ++i) {
      const uint64_t known = ended.load(std::memory_order_acquire);
      if (i % 2 == 0 && known != 0) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        const std::string& text = tickets[(seed >> 33) % known];
        const int status = kaimen_check_ticket(handle_, text.data(), text.size(), &who);
        if (status == 204) ++missed;
        else if (status == 503) ++unsure;
        else if (who.reason != KAIMEN_LOGGED_OUT) ++wrong;
      } else {
        const int status = kaimen_check_ticket(handle_, living.data(), living.size(), &who);
        if (status == 503) ++unsure;
        else if (status != 204 || who.expires == 0) ++wrong;
      }
    }
    --readers;
  };
  std::thread first(read, 1), second(read, 2);
  uint64_t changes = 0, others = 0;
  while (readers.load() != 0) {
    if (ended < kSessions && changes % 8 == 0) {
      revoke(ended, kAllGenerations, Reason::logged_out);
      ended.fetch_add(1, std::memory_order_release);
    }
    // So many others that the file grows several times, now in time, now when it is full.
    for (int i = 0; i < 20 && others < kOthers; ++i) revoke(kLiving + ++others, kAllGenerations, Reason::revoked);
    if (changes % 5 == 0) writer_->tend(kNow);
    if (changes % 3 == 0) writer_->refill(0);
    if (changes % 16 == 0) writer_->publish_keys(keys_);
    if (changes % 16 == 8) writer_->publish_apps(apps_);
    if (changes % 4 == 0) beat();
    ++changes;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  first.join();
  second.join();
  EXPECT_EQ(missed, 0U);
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(unsure, 0U);
  EXPECT_GT(changes, 50U);
  EXPECT_GT(ended, 5U);
  EXPECT_GE(writer_->fill().grown, 1U);
}

}  // namespace
}  // namespace kaimen::check

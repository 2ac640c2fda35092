#include "check/revocations.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <random>
#include <thread>

#include "tickets.h"

namespace kaimen::check {
namespace {

constexpr uint64_t kForEver = std::numeric_limits<uint64_t>::max();
const auto kSession = session_of(1);

TEST(Revocations, an_empty_table_knows_nobody) {
  const Revocations table;
  EXPECT_EQ(table.find(kSession, 0), Reason::none);
  EXPECT_EQ(table.size(), 0U);
}
TEST(Revocations, kills_up_to_a_generation) {
  Revocations table;
  table.put(kSession, 5, Reason::renew, kForEver);
  EXPECT_EQ(table.find(kSession, 0), Reason::renew);
  EXPECT_EQ(table.find(kSession, 5), Reason::renew);
  EXPECT_EQ(table.find(kSession, 6), Reason::none);
}
TEST(Revocations, kills_all_generations) {
  Revocations table;
  table.put(kSession, kAllGenerations, Reason::logged_out, kForEver);
  EXPECT_EQ(table.find(kSession, kAllGenerations), Reason::logged_out);
}
TEST(Revocations, generation_0_can_be_killed) {
  Revocations table;
  table.put(kSession, 0, Reason::renew, 0);
  EXPECT_EQ(table.find(kSession, 0), Reason::renew);
}
TEST(Revocations, the_zero_id_is_an_id) {
  Revocations table;
  EXPECT_EQ(table.find({}, 0), Reason::none);
  table.put({}, kAllGenerations, Reason::revoked, kForEver);
  EXPECT_EQ(table.find({}, 0), Reason::revoked);
  EXPECT_EQ(table.find(kSession, 0), Reason::none);
}
TEST(Revocations, every_bit_of_the_id_counts) {
  Revocations table;
  table.put(kSession, kAllGenerations, Reason::revoked, kForEver);
  for (size_t bit = 0; bit < 128; ++bit) {
    auto other = kSession;
    other[bit / 8] = static_cast<uint8_t>(other[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(table.find(other, 0), Reason::none) << bit;
  }
}
TEST(Revocations, a_higher_generation_wins) {
  Revocations table;
  table.put(kSession, 5, Reason::renew, kForEver);
  table.put(kSession, kAllGenerations, Reason::reused, kForEver);
  EXPECT_EQ(table.find(kSession, 5), Reason::reused);
  EXPECT_EQ(table.size(), 1U);
}
TEST(Revocations, a_lower_generation_changes_nothing) {
  Revocations table;
  table.put(kSession, kAllGenerations, Reason::reused, kForEver);
  table.put(kSession, 5, Reason::renew, kForEver);
  EXPECT_EQ(table.find(kSession, 5), Reason::reused);
  EXPECT_EQ(table.find(kSession, 6), Reason::reused);
}
TEST(Revocations, among_equals_the_first_reason_stays) {
  Revocations table;
  table.put(kSession, kAllGenerations, Reason::logged_out, kForEver);
  table.put(kSession, kAllGenerations, Reason::revoked, kForEver);
  EXPECT_EQ(table.find(kSession, 0), Reason::logged_out);
}
TEST(Revocations, a_row_without_reason_still_kills) {
  Revocations table;
  table.put(kSession, kAllGenerations, Reason::none, kForEver);
  EXPECT_EQ(table.find(kSession, 0), Reason::revoked);
}

TEST(Revocations, purging_forgets_what_is_past_and_keeps_what_is_not) {
  Revocations table;
  table.put(session_of(1), kAllGenerations, Reason::revoked, 1000);
  table.put(session_of(2), kAllGenerations, Reason::revoked, 1001);
  table.purge(1001);
  EXPECT_EQ(table.find(session_of(1), 0), Reason::none);
  EXPECT_EQ(table.find(session_of(2), 0), Reason::revoked);
  EXPECT_EQ(table.size(), 1U);
}
TEST(Revocations, purging_keeps_generation_and_reason) {
  Revocations table;
  table.put(session_of(1), kAllGenerations, Reason::revoked, 1000);
  table.put(session_of(2), 4, Reason::renew, 2000);
  table.purge(1001);
  EXPECT_EQ(table.find(session_of(2), 4), Reason::renew);
  EXPECT_EQ(table.find(session_of(2), 5), Reason::none);
}
TEST(Revocations, until_grows) {
  Revocations table;
  table.put(kSession, 5, Reason::renew, 1000);
  table.put(kSession, 5, Reason::renew, 2000);
  table.purge(1500);
  EXPECT_EQ(table.find(kSession, 5), Reason::renew);
}
TEST(Revocations, until_never_shrinks) {
  Revocations table;
  table.put(kSession, 5, Reason::renew, 2000);
  table.put(kSession, kAllGenerations, Reason::revoked, 1000);
  table.purge(1500);
  EXPECT_EQ(table.find(kSession, 5), Reason::revoked);
}
TEST(Revocations, an_id_comes_back_after_it_was_forgotten) {
  Revocations table;
  table.put(kSession, kAllGenerations, Reason::revoked, 1000);
  table.purge(1001);
  table.put(kSession, 2, Reason::renew, 2000);
  EXPECT_EQ(table.find(kSession, 2), Reason::renew);
  EXPECT_EQ(table.find(kSession, 3), Reason::none);
}
TEST(Revocations, tables_are_used_again_and_never_more_than_two_of_a_size) {
  Revocations table;
  for (uint64_t round = 1; round <= 50; ++round) {
    for (uint64_t i = 0; i < 5000; ++i) table.put(session_of(round * 10'000 + i), kAllGenerations, Reason::revoked, round);
    table.purge(round + 1);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.find(session_of(round * 10'000), 0), Reason::none) << "nothing is left of the round before";
  }
  EXPECT_LE(table.tables(), 8U);  // 1,024 to 16,384 slots
}

// Whoever makes room for all of them must never hear of fewer than there are.
TEST(Revocations, their_number_holds_while_tables_change) {
  constexpr uint64_t kKept = 100, kPassing = 50, kRounds = 1000;
  Revocations table;
  for (uint64_t i = 0; i < kKept; ++i) table.put(session_of(i), kAllGenerations, Reason::revoked, 2 * kRounds);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> fewer{0};
  std::thread reader([&] {
    while (!done.load(std::memory_order_relaxed)) fewer += table.size() < kKept;
  });
  for (uint64_t round = 0; round < kRounds; ++round) {
    for (uint64_t i = 0; i < kPassing; ++i) table.put(session_of(kKept + i), kAllGenerations, Reason::revoked, round);
    table.purge(round + 1);
    EXPECT_EQ(table.size(), kKept);
  }
  done = true;
  reader.join();
  EXPECT_EQ(fewer, 0U);
}

TEST(Revocations, grows_to_a_million_and_forgets_them_again) {
  constexpr uint64_t kSessions = 1'000'000;
  Revocations table;
  for (uint64_t i = 0; i < kSessions; ++i) table.put(session_of(i), static_cast<uint32_t>(i % 7), Reason::renew, i < kSessions - 10 ? 1000 : 2000);
  EXPECT_EQ(table.size(), kSessions);
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < kSessions; ++i) {
    wrong += table.find(session_of(i), static_cast<uint32_t>(i % 7)) != Reason::renew || table.find(session_of(i), static_cast<uint32_t>(i % 7) + 1) != Reason::none ||
             table.find(session_of(kSessions + i), 0) != Reason::none;
  }
  EXPECT_EQ(wrong, 0U);
  table.purge(1500);
  EXPECT_EQ(table.size(), 10U);
  for (uint64_t i = kSessions - 10; i < kSessions; ++i) EXPECT_EQ(table.find(session_of(i), 0), Reason::renew);
}

// The promise that logout rests on: once put has returned anywhere, every check that begins afterwards refuses, whatever the writer does
// to the table meanwhile. `known` tells the readers how far the writer has come.
TEST(Revocations, what_was_revoked_before_a_look_began_is_always_found) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr uint64_t kSessions = 60'000;
#else
  constexpr uint64_t kSessions = 150'000;
#endif
  constexpr uint64_t kShortLived = uint64_t{1} << 40;
  Revocations table;
  std::atomic<uint64_t> known{0}, missed{0}, invented{0}, looks{0};
  std::vector<std::thread> readers;
  for (unsigned r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      std::mt19937_64 noise(r);
      uint64_t mine = 0;
      for (uint64_t until = 0; until < kSessions;) {
        until = known.load(std::memory_order_acquire);
        for (int i = 0; i < 64 && until != 0; ++i, ++mine) {
          // Half of the looks are at what was put last, where the races are.
          const uint64_t at = i % 2 == 0 ? until - 1 - noise() % std::min<uint64_t>(until, 8) : noise() % until;
          if (table.find(session_of(at), 0) != Reason::logged_out) ++missed;
          if (table.find(session_of(2 * kSessions + at), 0) != Reason::none) ++invented;
        }
      }
      looks += mine;
    });
  }
  for (uint64_t i = 0; i < kSessions; ++i) {
    // First replaced, then ended: readers must see the later state.
    if (i % 3 == 0) table.put(session_of(i), 0, Reason::renew, 1000);
    table.put(session_of(i), kAllGenerations, Reason::logged_out, kForEver);
    known.store(i + 1, std::memory_order_release);
    table.put(session_of(kShortLived + i), kAllGenerations, Reason::revoked, i);
    if (i % 1000 == 999) table.purge(i);
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(missed, 0U);
  EXPECT_EQ(invented, 0U);
  EXPECT_GT(looks, 1000U);
}

}  // namespace
}  // namespace kaimen::check

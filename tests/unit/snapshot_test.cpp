#include "base/snapshot.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace kaimen {
namespace {

TEST(Snapshot, a_reader_sees_the_value_set_last) {
  SnapshotCell<int> cell(std::make_shared<const int>(1));
  SnapshotCell<int>::Reader reader(cell);
  EXPECT_EQ(reader.get(), 1);
  cell.set(std::make_shared<const int>(2));
  EXPECT_EQ(reader.get(), 2);
  EXPECT_EQ(*cell.get(), 2);
}
TEST(Snapshot, a_replaced_value_lives_until_its_last_reader_moves_on) {
  auto first = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watched = first;
  SnapshotCell<int> cell(std::move(first));
  SnapshotCell<int>::Reader reader(cell);
  const int& held = reader.get();
  cell.set(std::make_shared<const int>(2));
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(held, 1);
  reader.get();
  EXPECT_TRUE(watched.expired());
}
TEST(Snapshot, readers_never_see_half_a_value_or_an_older_one) {
  using Pair = std::pair<int, int>;
  SnapshotCell<Pair> cell(std::make_shared<const Pair>(0, 0));
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      SnapshotCell<Pair>::Reader reader(cell);
      for (int last = 0; last < 20'000;) {
        const Pair& seen = reader.get();
        if (seen.first != seen.second || seen.first < last) ++wrong;
        last = seen.first;
      }
    });
  }
  for (int i = 1; i <= 20'000; ++i) cell.set(std::make_shared<const Pair>(i, i));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace kaimen

// How many different users a sketch says there were.
#include "core/user_sketch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kaimen::core {

namespace {

std::vector<Id> users(int count, int from = 0) {
  SystemRandom random;
  static std::vector<Id> made;
  while (made.size() < static_cast<size_t>(from + count)) made.push_back(Id::make(from_epoch_ms(1), random).value());
  return {made.begin() + from, made.begin() + from + count};
}

UserSketch sketch_of(const std::vector<Id>& all) {
  UserSketch sketch;
  for (const Id& user : all) sketch.add(user);
  return sketch;
}

}  // namespace

TEST(UserSketch, FewUsersAreCountedExactlyAndOnce) {
  EXPECT_EQ(UserSketch().count(), 0);
  for (const int count : {1, 2, 63, 500}) {
    UserSketch sketch = sketch_of(users(count));
    for (const Id& user : users(count)) sketch.add(user);
    EXPECT_EQ(sketch.count(), count);
    EXPECT_EQ(UserSketch::of(sketch.text()).count(), count);
  }
}

TEST(UserSketch, ManyUsersAreCountedWithinAFewPerCent) {
  for (const int count : {501, 2'000, 5'000, 20'000, 100'000}) {
    const auto counted = static_cast<double>(sketch_of(users(count)).count());
    EXPECT_LT(std::abs(counted - count) / count, 0.12) << count;  // five standard errors
  }
}

TEST(UserSketch, SketchesUniteWhateverTheirKind) {
  for (const auto& [mine, theirs] : std::vector<std::pair<int, int>>{{10, 10}, {10, 3'000}, {3'000, 10}, {3'000, 3'000}, {400, 400}}) {
    UserSketch all = sketch_of(users(mine));
    all.unite(UserSketch::of(sketch_of(users(theirs, mine / 2)).text()));
    const double expected = std::max(mine, mine / 2 + theirs);
    EXPECT_LT(std::abs(static_cast<double>(all.count()) - expected), expected <= 500 ? 0.5 : 0.12 * expected) << mine << " " << theirs;
  }
}

TEST(UserSketch, WhatIsNoneIsEmptyAndATextHasItsLimit) {
  for (const char* text : {"", "x", "d", "dshort", "e", "e1234567"}) EXPECT_EQ(UserSketch::of(text).count(), 0) << text;
  EXPECT_EQ(sketch_of(users(500)).text().size(), 4001u);
  EXPECT_EQ(sketch_of(users(501)).text().size(), 2049u);
}

}  // namespace kaimen::core

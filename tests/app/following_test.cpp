// What the thread that polls leaves behind when the node ends.
#include "app/following.h"

#include "tests/core/many_nodes.h"

namespace kaimen::test {
namespace {

class FollowingTest : public ManyNodesTest {
 protected:
  /// Whether others still reckon with the node once its polling has ended, its draining in time or late.
  bool is_reckoned_with_after(bool late) {
    const auto one = node();
    EXPECT_EQ(shared.beats().size(), 1U);
    const size_t polls = shared.polls().size();
    {
      app::Following following(*one->services.follower, 5ms);
      while (shared.polls().size() < polls + 2) std::this_thread::sleep_for(1ms);
      if (late) following.ends_late();
    }
    return !shared.beats().empty();
  }
};

TEST_F(FollowingTest, ANodeThatEndsInGoodOrderSaysThatItIsGone) { EXPECT_FALSE(is_reckoned_with_after(false)); }

// What is still under way may act in the store yet.
TEST_F(FollowingTest, OneWhoseEndIsLateDoesNot) { EXPECT_TRUE(is_reckoned_with_after(true)); }

}  // namespace
}  // namespace kaimen::test

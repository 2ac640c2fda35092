// A login code is exchanged by exactly one caller, and its result is told to those who bring it again.
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

using core::CodeClaim;

TEST_P(StoreContract, of_a_hundred_that_claim_a_code_one_gets_it) {
  // Two nodes once posted the same code to WeChat; the second answer, 40163, undid the login of the first.
  std::atomic<int> claimed{0}, pending{0};
  at_once(100, [&](int) {
    const auto kind = claim(login_act("c1")).value().kind;
    ++(kind == CodeClaim::Kind::claimed ? claimed : pending);
  });
  EXPECT_EQ(claimed, 1);
  EXPECT_EQ(pending, 99);
}

TEST_P(StoreContract, the_same_claim_again_is_still_claimed) {
  const auto act = login_act("c1");
  EXPECT_EQ(claim(act).value().kind, CodeClaim::Kind::claimed);
  EXPECT_EQ(claim(act).value().kind, CodeClaim::Kind::claimed);
}

TEST_P(StoreContract, a_code_of_another_app_is_another_code) {
  EXPECT_EQ(claim(login_act("c1")).value().kind, CodeClaim::Kind::claimed);
  auto other = login_act("c1");
  other.app = 8;
  EXPECT_EQ(claim(other).value().kind, CodeClaim::Kind::claimed);
}

TEST_P(StoreContract, a_dead_claim_is_not_taken_over) {
  ASSERT_TRUE(claim(login_act("c1")));
  factory().pass(9min);
  EXPECT_EQ(claim(login_act("c1")).value().kind, CodeClaim::Kind::pending);
}

TEST_P(StoreContract, a_forgotten_claim_leaves_the_code_unspent) {
  const auto first = login_act("c1");
  ASSERT_TRUE(claim(first));
  ASSERT_TRUE(run_here(store().settle_code(7, first.code_hash, first.owner, std::nullopt)));
  EXPECT_EQ(claim(login_act("c1")).value().kind, CodeClaim::Kind::claimed);
}

TEST_P(StoreContract, a_settled_claim_answers_its_error) {
  const auto first = login_act("c1");
  ASSERT_TRUE(claim(first));
  ASSERT_TRUE(run_here(store().settle_code(7, first.code_hash, first.owner, ErrorCode::risk_blocked)));
  const auto again = claim(login_act("c1")).value();
  EXPECT_EQ(again.kind, CodeClaim::Kind::failed);
  EXPECT_EQ(again.error, ErrorCode::risk_blocked);
}

TEST_P(StoreContract, a_claim_is_settled_by_its_owner_only) {
  const auto first = login_act("c1");
  ASSERT_TRUE(claim(first));
  ASSERT_TRUE(run_here(store().settle_code(7, first.code_hash, new_id(), ErrorCode::risk_blocked)));
  EXPECT_EQ(claim(login_act("c1")).value().kind, CodeClaim::Kind::pending);
  EXPECT_TRUE(run_here(store().record_login(first)));
}

TEST_P(StoreContract, a_login_without_a_claim_is_refused) {
  EXPECT_EQ(code_of(run_here(store().record_login(login_act("c1")))), ErrorCode::code_used);
}

TEST_P(StoreContract, a_login_on_the_claim_of_another_is_refused) {
  ASSERT_TRUE(claim(login_act("c1")));
  EXPECT_EQ(code_of(run_here(store().record_login(login_act("c1")))), ErrorCode::code_used);
}

TEST_P(StoreContract, a_login_on_a_settled_claim_is_refused) {
  const auto act = login_act("c1");
  ASSERT_TRUE(claim(act));
  ASSERT_TRUE(run_here(store().settle_code(7, act.code_hash, act.owner, ErrorCode::upstream_error)));
  EXPECT_EQ(code_of(run_here(store().record_login(act))), ErrorCode::code_used);
}

TEST_P(StoreContract, a_recorded_code_answers_its_login_as_it_stands_now) {
  auto act = login_act("c1");
  act.attempt = "a-1";
  const auto first = login(act);
  ASSERT_TRUE(end(first.session.id, t0 + 1s));
  core::SaveProfile profile;
  profile.user = first.user.id;
  profile.nickname = "later";
  ASSERT_TRUE(run_here(store().save_profile(profile)));

  const auto again = claim(login_act("c1")).value();
  ASSERT_EQ(again.kind, CodeClaim::Kind::done);
  EXPECT_EQ(again.login->session.id, first.session.id);
  EXPECT_EQ(again.login->session.ended, Reason::logged_out);
  EXPECT_EQ(again.login->user.nickname, "later");
  EXPECT_EQ(again.login->attempt, "a-1");
  EXPECT_EQ(again.login->recorded_at, t0);
  EXPECT_TRUE(again.login->is_new_user);
}

TEST_P(StoreContract, a_recorded_code_is_known_after_a_restart) {
  const auto first = login("c1");
  reopen();
  const auto again = claim(login_act("c1")).value();
  ASSERT_EQ(again.kind, CodeClaim::Kind::done);
  EXPECT_EQ(again.login->session.id, first.session.id);
}

TEST_P(StoreContract, a_login_recorded_twice_by_one_owner_is_one_login) {
  login("c0");
  auto act = login_act("c1");
  act.max_per_user = 1;
  const auto first = login(act);
  ASSERT_EQ(first.revocations.size(), 1u);
  const auto again = run_here(store().record_login(act)).value();
  EXPECT_EQ(again.session.id, first.session.id);
  ASSERT_EQ(again.revocations.size(), 1u);
  EXPECT_EQ(again.revocations[0].session, first.revocations[0].session);
  EXPECT_EQ(live_sessions(first.user.id, t0).size(), 1u);
}

TEST_P(StoreContract, a_recorded_code_is_not_recorded_again_for_another_owner) {
  login("c1");
  EXPECT_EQ(code_of(run_here(store().record_login(login_act("c1")))), ErrorCode::code_used);
}

}  // namespace kaimen::contract

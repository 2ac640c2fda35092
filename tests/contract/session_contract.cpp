// How sessions end, one and many, and that an end is durable.
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

TEST_P(StoreContract, a_logout_ends_the_session_and_all_its_tickets) {
  const auto made = login("c1");
  const auto revocations = end(made.session.id, t0 + 1s).value();
  ASSERT_EQ(revocations.size(), 1u);
  EXPECT_EQ(revocations[0].session, made.session.id);
  EXPECT_EQ(revocations[0].generation, 0xffffffffu);
  EXPECT_EQ(revocations[0].reason, Reason::logged_out);
  EXPECT_EQ(revocations[0].until, t0 + 1s + 4h);
  EXPECT_EQ(session_now(made.session.id).ended, Reason::logged_out);
  EXPECT_TRUE(live_sessions(made.user.id, t0 + 1s).empty());
}

TEST_P(StoreContract, a_second_logout_changes_nothing) {
  const auto made = login("c1");
  ASSERT_TRUE(end(made.session.id, t0, Reason::logged_out));
  EXPECT_TRUE(end(made.session.id, t0 + 1s, Reason::revoked).value().empty());
  EXPECT_EQ(session_now(made.session.id).ended, Reason::logged_out);
}

TEST_P(StoreContract, the_logout_of_an_unknown_session_is_not_found) { EXPECT_EQ(code_of(end(new_id(), t0)), ErrorCode::not_found); }

TEST_P(StoreContract, a_session_of_another_user_is_not_found) {
  const auto made = login("c1");
  const auto ended = run_here(store().end_session({made.session.id, new_id(), Reason::logged_out, t0, t0 + 4h, {"r", {}, {}}}));
  EXPECT_EQ(code_of(ended), ErrorCode::not_found);
  EXPECT_EQ(session_now(made.session.id).ended, std::nullopt);
}

TEST_P(StoreContract, a_users_own_session_is_ended_by_id) {
  const auto made = login("c1");
  EXPECT_TRUE(run_here(store().end_session({made.session.id, made.user.id, Reason::logged_out, t0, t0 + 4h, {"r", {}, {}}})));
  EXPECT_EQ(session_now(made.session.id).ended, Reason::logged_out);
}

TEST_P(StoreContract, a_logout_is_known_after_a_restart) {
  const auto made = login("c1");
  ASSERT_TRUE(end(made.session.id, t0));
  reopen();
  EXPECT_EQ(session_now(made.session.id).ended, Reason::logged_out);
  const auto revocations = run_here(store().revocations(t0)).value();
  ASSERT_EQ(revocations.size(), 1u);
  EXPECT_EQ(revocations[0].session, made.session.id);
  EXPECT_EQ(revocations[0].until, t0 + 4h);
}

TEST_P(StoreContract, revocations_are_told_until_their_time) {
  const auto made = login("c1");
  ASSERT_TRUE(end(made.session.id, t0));
  EXPECT_EQ(run_here(store().revocations(t0 + 4h - 1ms)).value().size(), 1u);
  EXPECT_TRUE(run_here(store().revocations(t0 + 4h)).value().empty());
}

TEST_P(StoreContract, all_sessions_of_a_user_end_at_once) {
  const auto first = login("c1"), second = login("c2"), other = login("c3", "o2");
  const core::EndSessions act{first.user.id, std::nullopt, std::nullopt, Reason::revoked, t0, t0 + 4h, {"r", {}, {}}};
  const auto revocations = run_here(store().end_sessions(act)).value();
  EXPECT_EQ(revocations.size(), 2u);
  EXPECT_EQ(session_now(first.session.id).ended, Reason::revoked);
  EXPECT_EQ(session_now(second.session.id).ended, Reason::revoked);
  EXPECT_EQ(session_now(other.session.id).ended, std::nullopt);
}

TEST_P(StoreContract, all_sessions_but_one_end) {
  const auto first = login("c1"), second = login("c2");
  const core::EndSessions act{first.user.id, second.session.id, std::nullopt, Reason::revoked, t0, t0 + 4h, {"r", {}, {}}};
  const auto revocations = run_here(store().end_sessions(act)).value();
  EXPECT_EQ(revocations.size(), 1u);
  EXPECT_EQ(live_sessions(first.user.id, t0), std::vector<Id>{second.session.id});
}

TEST_P(StoreContract, all_sessions_in_one_app_end) {
  auto act = login_act("c1"), elsewhere = login_act("c2");
  act.unionid = elsewhere.unionid = "u1";
  elsewhere.app = 8;
  elsewhere.app_id = "wx8";
  const auto first = login(act), second = login(elsewhere);
  ASSERT_EQ(first.user.id, second.user.id);
  const auto revocations = run_here(store().end_sessions({first.user.id, std::nullopt, 7, Reason::revoked, t0, t0 + 4h, {"r", {}, {}}})).value();
  EXPECT_EQ(revocations.size(), 1u);
  EXPECT_EQ(live_sessions(first.user.id, t0), std::vector<Id>{second.session.id});
}

TEST_P(StoreContract, ending_the_sessions_of_an_unknown_user_ends_none) {
  EXPECT_TRUE(run_here(store().end_sessions({new_id(), std::nullopt, std::nullopt, Reason::revoked, t0, t0 + 4h, {"r", {}, {}}})).value().empty());
}

TEST_P(StoreContract, a_clock_set_back_does_not_revive_a_session_that_had_run_out) {
  const auto made = login("c1");
  const Time later = made.session.idle_expires_at + 1h;
  ASSERT_TRUE(run_here(store().end_sessions({made.user.id, std::nullopt, std::nullopt, Reason::revoked, later, later + 4h, {"r", {}, {}}})));
  EXPECT_TRUE(live_sessions(made.user.id, t0).empty());
}

TEST_P(StoreContract, live_sessions_are_listed_newest_first) {
  const auto first = login(at(login_act("c1"), t0)), second = login(at(login_act("c2"), t0 + 1s));
  const auto third = login(at(login_act("c3"), t0 + 2s));
  ASSERT_TRUE(end(second.session.id, t0 + 3s));
  EXPECT_EQ(live_sessions(first.user.id, t0 + 3s), (std::vector<Id>{third.session.id, first.session.id}));
  EXPECT_EQ(live_sessions(first.user.id, t0 + 30 * 24h), std::vector<Id>{third.session.id});
}

TEST_P(StoreContract, an_unknown_session_is_not_found) {
  EXPECT_EQ(code_of(run_here(store().find_session(new_id()))), ErrorCode::not_found);
}

TEST_P(StoreContract, a_session_is_found_with_its_user) {
  const auto made = login("c1");
  const auto view = run_here(store().find_session(made.session.id)).value();
  EXPECT_EQ(view.session.openid, "o1");
  EXPECT_EQ(view.user.id, made.user.id);
}

}  // namespace kaimen::contract

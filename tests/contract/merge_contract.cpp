// Two users found to be one: what goes over, what stays, and what refuses it.
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

namespace {

/// In place of the vault: names whose number it is, so that a number that was not moved shows.
const core::MovePhone kMovePhone = [](const Id& from, const Id& to, const std::string& sealed) -> Result<core::SealedPhone> {
  if (sealed != "phone of " + from.hex()) return make_error(ErrorCode::internal, "not his");
  return core::SealedPhone{"phone of " + to.hex(), "index of " + to.hex()};
};

core::RecordLogin with_union(core::RecordLogin act, const std::string& unionid, uint32_t app = 7) {
  act.unionid = unionid;
  act.app = app;
  act.app_id = "wx" + std::to_string(app);
  act.move_phone = kMovePhone;
  return act;
}

core::MergeUsers merge_act(const Id& user, const Id& other) { return {user, other, kMovePhone, t0 + 1min, t0 + 4h, {"r", "192.0.2.1", "key k"}}; }

core::SaveProfile nickname_act(const Id& user, const std::string& nickname, Time now) {
  core::SaveProfile act;
  act.user = user;
  act.nickname = nickname;
  act.now = now;
  return act;
}

core::SavePhone phone_act(const Id& user, const std::string& index, Time now) {
  core::SavePhone act;
  act.user = user;
  act.phone_sealed = "phone of " + user.hex();
  act.phone_index = index;
  act.now = now;
  return act;
}

}  // namespace

TEST_P(StoreContract, a_late_unionid_makes_two_users_one) {
  const auto web = login(with_union(login_act("c1", "web"), "u1", 8));
  const auto mini = login(with_union(login_act("c2", "mini"), ""));
  ASSERT_NE(web.user.id, mini.user.id);

  const auto late = login(with_union(login_act("c3", "mini"), "u1"));
  EXPECT_EQ(late.user.id, web.user.id);
  EXPECT_FALSE(late.is_new_user);
  EXPECT_EQ(late.session.unionid, "u1");
  EXPECT_EQ(code_of(run_here(store().find_user(mini.user.id))), ErrorCode::not_found);
  EXPECT_EQ(session_now(mini.session.id).user, web.user.id);
  EXPECT_EQ(live_sessions(web.user.id, t0).size(), 3u);
  // Tickets that name the other are out; his renew token stays good, and brings who he is now.
  ASSERT_EQ(late.revocations.size(), 1u);
  EXPECT_EQ(late.revocations[0].session, mini.session.id);
  EXPECT_EQ(late.revocations[0].reason, Reason::renew);
  const auto renewed = renew(mini.session, 0, t0 + 1s);
  EXPECT_EQ(renewed.kind, core::Renewal::Kind::next);
  EXPECT_EQ(renewed.user->id, web.user.id);
  EXPECT_GT(renewed.session->generation, late.revocations[0].generation);
  // And the next login without unionid is his too.
  EXPECT_EQ(login(with_union(login_act("c4", "mini"), "")).user.id, web.user.id);
}

TEST_P(StoreContract, a_merge_leaves_nothing_of_the_other_but_its_row) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().save_profile(nickname_act(other, "secret name", t0))));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(other, "i", t0))));
  ASSERT_TRUE(run_here(store().merge_users(merge_act(user, other))));
  const auto rows = factory().query("SELECT nickname, phone_sealed, phone_index, state FROM users WHERE state = 2");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"", "NULL", "NULL", "2"}));
  EXPECT_TRUE(factory().query("SELECT 1 FROM identities i JOIN users u ON u.id = i.user_id WHERE u.state = 2").empty());
  EXPECT_TRUE(factory().query("SELECT 1 FROM unionids i JOIN users u ON u.id = i.user_id WHERE u.state = 2").empty());
}

TEST_P(StoreContract, of_two_values_the_one_set_last_stays) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().save_profile(nickname_act(user, "old", t0))));
  ASSERT_TRUE(run_here(store().save_profile(nickname_act(other, "new", t0 + 1s))));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(user, "newer", t0 + 3s))));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(other, "older", t0 + 2s))));
  const auto merged = run_here(store().merge_users(merge_act(user, other))).value();
  EXPECT_EQ(merged.user.nickname, "new");
  EXPECT_EQ(merged.user.phone_sealed, "phone of " + user.hex());
  EXPECT_EQ(factory().query("SELECT 1 FROM users WHERE phone_at = " + std::to_string(epoch_ms(t0 + 3s))).size(), 1u);
}

TEST_P(StoreContract, a_set_value_beats_a_later_empty_one) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().save_profile(nickname_act(user, "kept", t0))));
  ASSERT_TRUE(run_here(store().save_profile(nickname_act(other, "", t0 + 1s))));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(other, "i", t0))));
  const auto merged = run_here(store().merge_users(merge_act(user, other))).value();
  EXPECT_EQ(merged.user.nickname, "kept");
  EXPECT_EQ(merged.user.phone_sealed, "phone of " + user.hex());
}

TEST_P(StoreContract, a_merge_is_told_of_under_both) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().merge_users(merge_act(user, other))));
  const auto events = factory().query("SELECT kind, detail, actor, ip, project FROM events WHERE kind IN ('users_merged', 'merged_into') ORDER BY kind");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0], (std::vector<std::string>{"merged_into", "{\"into\":\"" + user.hex() + "\"}", "key k", "192.0.2.1", "default"}));
  EXPECT_EQ(events[1], (std::vector<std::string>{"users_merged", "{\"other\":\"" + other.hex() + "\"}", "key k", "192.0.2.1", "default"}));
}

TEST_P(StoreContract, a_disabled_user_stays_disabled_in_a_merge) {
  const auto made = login("c1", "o1");
  const Id other = login("c2", "o2").user.id;
  ASSERT_TRUE(disable(other, t0));
  const auto merged = run_here(store().merge_users(merge_act(made.user.id, other))).value();
  EXPECT_TRUE(merged.user.disabled);
  EXPECT_EQ(merged.user.disabled_message, "see the desk");
  EXPECT_EQ(session_now(made.session.id).ended, Reason::disabled);
  EXPECT_EQ(code_of(try_login(login_act("c3", "o1"))), ErrorCode::forbidden);
}

TEST_P(StoreContract, a_disablement_that_is_over_is_not_handed_on_by_a_merge) {
  const auto made = login("c1", "o1");
  const auto other = login("c2", "o2");
  core::DisableUser act;
  act.user = other.user.id;
  act.until = t0 + 30s;
  act.message = "see the desk";
  act.now = t0;
  act.revocations_until = t0 + 4h;
  ASSERT_TRUE(run_here(store().disable_user(act)));
  const auto merged = run_here(store().merge_users(merge_act(made.user.id, other.user.id))).value();
  EXPECT_FALSE(merged.user.disabled);
  EXPECT_EQ(merged.user.disabled_message, "");
  EXPECT_FALSE(session_now(made.session.id).ended);
}

TEST_P(StoreContract, a_login_does_not_leave_a_disablement_behind_by_being_merged) {
  const Id named = login(with_union(login_act("c1", "web"), "u1", 8)).user.id;
  const Id own = login(with_union(login_act("c2", "mini"), "")).user.id;
  ASSERT_TRUE(disable(named, t0));
  EXPECT_EQ(code_of(try_login(with_union(login_act("c3", "mini"), "u1"))), ErrorCode::forbidden);
  ASSERT_TRUE(run_here(store().enable_user(named, t0, {"r", {}, {}})));
  ASSERT_TRUE(disable(own, t0));
  EXPECT_EQ(code_of(try_login(with_union(login_act("c4", "mini"), "u1"))), ErrorCode::forbidden);
  EXPECT_EQ(run_here(store().find_user(own)).value().id, own);
}

// The one whom the unionid names was leaving: neither could come back, whichever app they came by.
TEST_P(StoreContract, who_comes_back_comes_back_as_both_whom_the_unionid_makes_one) {
  const Id named = login(with_union(login_act("c1", "web"), "u1", 8)).user.id;
  login(with_union(login_act("c2", "mini"), ""));
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(named, t0, t0 + 24h))));
  auto back = with_union(login_act("c3", "mini"), "u1");
  EXPECT_EQ(code_of(try_login(back)), ErrorCode::forbidden) << "not without saying so";
  back = with_union(login_act("c4", "mini"), "u1");
  back.restore = true;
  EXPECT_EQ(login(back).user.id, named);
  EXPECT_FALSE(run_here(store().find_user(named)).value().leaving);
}

TEST_P(StoreContract, users_of_two_projects_are_not_merged) {
  const Id user = login("c1", "o1").user.id;
  auto elsewhere = with_union(login_act("c2", "o2"), "", 9);
  elsewhere.project = "other";
  const Id other = login(elsewhere).user.id;
  EXPECT_EQ(code_of(run_here(store().merge_users(merge_act(user, other)))), ErrorCode::conflict);
  EXPECT_EQ(run_here(store().find_user(other)).value().id, other);
}

TEST_P(StoreContract, nobody_is_merged_with_himself_or_with_nobody) {
  const Id user = login("c1", "o1").user.id;
  EXPECT_EQ(code_of(run_here(store().merge_users(merge_act(user, user)))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().merge_users(merge_act(user, new_id())))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().merge_users(merge_act(new_id(), user)))), ErrorCode::not_found);
  EXPECT_EQ(live_sessions(user, t0).size(), 1u);
}

TEST_P(StoreContract, the_limit_counts_the_sessions_that_came_by_a_merge) {
  const auto web = login(with_union(login_act("c1", "web"), "u1"));
  const auto mini = login(at(with_union(login_act("c2", "mini"), ""), t0 + 1s));
  auto late = at(with_union(login_act("c3", "mini"), "u1"), t0 + 2s);
  late.max_per_user = 2;
  const auto made = login(late);
  EXPECT_EQ(session_now(web.session.id).ended, Reason::replaced);
  EXPECT_EQ(live_sessions(made.user.id, t0 + 2s), (std::vector<Id>{made.session.id, mini.session.id}));
}

TEST_P(StoreContract, a_phone_that_cannot_be_moved_refuses_the_merge) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  auto phone = phone_act(other, "i", t0);
  phone.phone_sealed = "damaged";
  ASSERT_TRUE(run_here(store().save_phone(phone)));
  EXPECT_EQ(code_of(run_here(store().merge_users(merge_act(user, other)))), ErrorCode::internal);
  EXPECT_EQ(run_here(store().find_user(other)).value().phone_sealed, "damaged");
}

}  // namespace kaimen::contract

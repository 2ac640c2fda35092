// What a login makes of who comes: user, identity, unionid, key versions, session, and the sessions that make room.
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

TEST_P(StoreContract, a_first_login_makes_a_user_and_a_session) {
  auto act = login_act("c1");
  act.default_nickname = "guest";
  act.env = core::Env::trial;
  act.device = {"d1", "iPhone 15", "iOS 17", "ios"};
  act.unionid = "u1";
  act.attempt = "try";
  const auto made = login(act);
  EXPECT_TRUE(made.is_new_user);
  EXPECT_EQ(made.user.id, act.new_user);
  EXPECT_EQ(made.user.project, "default");
  EXPECT_EQ(made.user.nickname, "guest");
  EXPECT_EQ(made.user.attributes, "{}");
  EXPECT_TRUE(made.user.registered);
  EXPECT_FALSE(made.user.disabled);
  EXPECT_EQ(made.user.created_at, t0);
  EXPECT_EQ(made.attempt, "try");
  EXPECT_EQ(made.recorded_at, t0);
  EXPECT_TRUE(made.revocations.empty());

  const auto stored = session_now(act.new_session);
  EXPECT_EQ(stored.user, act.new_user);
  EXPECT_EQ(stored.app, 7u);
  EXPECT_EQ(stored.openid, "o1");
  EXPECT_EQ(stored.unionid, "u1");
  EXPECT_EQ(stored.env, core::Env::trial);
  EXPECT_EQ(stored.generation, 0u);
  EXPECT_EQ(stored.generation_issued_at, t0);
  EXPECT_EQ(stored.created_at, t0);
  EXPECT_EQ(stored.idle_expires_at, act.idle_expires_at);
  EXPECT_EQ(stored.absolute_expires_at, act.absolute_expires_at);
  EXPECT_EQ(stored.device.id, "d1");
  EXPECT_EQ(stored.device.model, "iPhone 15");
  EXPECT_EQ(stored.device.system, "iOS 17");
  EXPECT_EQ(stored.device.platform, "ios");
  EXPECT_EQ(stored.ended, std::nullopt);
}

TEST_P(StoreContract, a_second_login_finds_the_user) {
  const auto first = login("c1");
  auto act = login_act("c2");
  act.default_nickname = "not for old users";
  const auto second = login(act);
  EXPECT_FALSE(second.is_new_user);
  EXPECT_EQ(second.user.id, first.user.id);
  EXPECT_EQ(second.user.nickname, "");
  EXPECT_EQ(second.session.id, act.new_session);
}

TEST_P(StoreContract, openids_of_two_apps_are_two_people) {
  const auto first = login("c1");
  auto act = login_act("c2");
  act.app = 8;
  act.app_id = "wx8";
  EXPECT_NE(login(act).user.id, first.user.id);
}

TEST_P(StoreContract, openids_of_two_providers_are_two_people) {
  const auto first = login("c1");
  auto act = login_act("c2");
  act.provider = "qq";
  EXPECT_NE(login(act).user.id, first.user.id);
}

TEST_P(StoreContract, many_first_logins_of_one_person_make_one_user) {
  std::vector<Id> users(16);
  at_once(16, [&](int i) { users[size_t(i)] = login("c" + std::to_string(i)).user.id; });
  for (const Id& user : users) EXPECT_EQ(user, users[0]);
}

// ---- unionid ----

core::RecordLogin with_unionid(core::RecordLogin act, const std::string& unionid, const std::string& app_id = "wx7",
                               const std::string& project = "default") {
  act.unionid = unionid;
  act.app_id = app_id;
  act.app = app_id == "wx7" ? 7 : 8;
  act.project = project;
  return act;
}

TEST_P(StoreContract, a_unionid_links_two_apps_of_one_project) {
  const auto first = login(with_unionid(login_act("c1"), "u1"));
  const auto second = login(with_unionid(login_act("c2", "o2"), "u1", "wx8"));
  EXPECT_FALSE(second.is_new_user);
  EXPECT_EQ(second.user.id, first.user.id);
  EXPECT_EQ(second.session.openid, "o2");
  EXPECT_EQ(second.session.unionid, "u1");
}

TEST_P(StoreContract, a_unionid_does_not_link_two_projects) {
  const auto first = login(with_unionid(login_act("c1"), "u1"));
  const auto second = login(with_unionid(login_act("c2", "o2"), "u1", "wx8", "other"));
  EXPECT_TRUE(second.is_new_user);
  EXPECT_NE(second.user.id, first.user.id);
  EXPECT_EQ(second.user.project, "other");
}

TEST_P(StoreContract, a_unionid_does_not_link_two_providers) {
  const auto first = login(with_unionid(login_act("c1"), "u1"));
  auto act = with_unionid(login_act("c2", "o2"), "u1", "wx8");
  act.provider = "qq";
  EXPECT_NE(login(act).user.id, first.user.id);
}

TEST_P(StoreContract, an_empty_unionid_links_nobody) {
  const auto first = login("c1", "o1");
  EXPECT_NE(login("c2", "o2").user.id, first.user.id);
}

TEST_P(StoreContract, a_late_unionid_is_recorded) {
  const auto first = login("c1");
  EXPECT_EQ(login(with_unionid(login_act("c2"), "u1")).session.unionid, "u1");
  EXPECT_EQ(login("c4").session.unionid, "u1");
  EXPECT_EQ(login(with_unionid(login_act("c3", "o2"), "u1", "wx8")).user.id, first.user.id);
}

TEST_P(StoreContract, a_unionid_once_known_stays_known) {
  login(with_unionid(login_act("c1"), "u1"));
  EXPECT_EQ(login("c2").session.unionid, "u1");
}

TEST_P(StoreContract, an_app_given_to_another_project_brings_no_users_along) {
  // Roles and attributes of one project must not count in another, whatever happened to the app.
  const auto first = login(with_unionid(login_act("c1"), "u1"));
  const auto second = login(with_unionid(login_act("c2"), "u1", "wx7", "other"));
  EXPECT_TRUE(second.is_new_user);
  EXPECT_NE(second.user.id, first.user.id);
  EXPECT_EQ(second.user.project, "other");
  EXPECT_EQ(login(with_unionid(login_act("c3"), "", "wx7", "other")).user.id, second.user.id);
}

// ---- session_key versions ----

core::RecordLogin with_key(core::RecordLogin act, const std::string& key) {
  act.session_key_sealed = "sealed " + key + " " + act.code_hash.substr(0, 2);
  act.session_key_index = "index " + key;
  return act;
}

TEST_P(StoreContract, the_last_three_session_keys_are_kept) {
  for (const std::string name : {"1", "2", "3", "4"}) login(with_key(login_act("c" + name), "k" + name));
  EXPECT_EQ(keys_of("o1"), (std::vector<std::string>{"sealed k4 c4", "sealed k3 c3", "sealed k2 c2"}));
}

TEST_P(StoreContract, the_same_session_key_again_is_no_new_version) {
  login(with_key(login_act("c1"), "k1"));
  login(with_key(login_act("c2"), "k2"));
  login(with_key(login_act("c3"), "k2"));
  EXPECT_EQ(keys_of("o1"), (std::vector<std::string>{"sealed k2 c2", "sealed k1 c1"}));
}

TEST_P(StoreContract, a_login_without_session_key_keeps_the_old_ones) {
  login(with_key(login_act("c1"), "k1"));
  login("c2");
  login(with_key(login_act("c3"), "k1"));
  EXPECT_EQ(keys_of("o1"), (std::vector<std::string>{"sealed k1 c1"}));
}

TEST_P(StoreContract, who_has_no_session_key_has_none) {
  login("c1");
  EXPECT_TRUE(keys_of("o1").empty());
  EXPECT_TRUE(keys_of("nobody").empty());
}

// ---- which sessions make room ----

core::RecordLogin on_device(core::RecordLogin act, const std::string& device) {
  act.device.id = device;
  return act;
}

TEST_P(StoreContract, a_login_supersedes_the_session_of_its_device) {
  const auto first = login(on_device(login_act("c1"), "d1"));
  const auto act = at(on_device(login_act("c2"), "d1"), t0 + 1s);
  const auto second = login(act);
  ASSERT_EQ(second.revocations.size(), 1u);
  EXPECT_EQ(second.revocations[0].session, first.session.id);
  EXPECT_EQ(second.revocations[0].generation, 0xffffffffu);
  EXPECT_EQ(second.revocations[0].reason, Reason::renew);
  EXPECT_EQ(second.revocations[0].until, act.revocations_until);
  EXPECT_EQ(session_now(first.session.id).ended, Reason::renew);
  EXPECT_EQ(live_sessions(first.user.id, t0 + 1s), std::vector<Id>{second.session.id});
  EXPECT_EQ(run_here(store().revocations(t0 + 1s)).value().size(), 1u);
}

TEST_P(StoreContract, a_login_leaves_the_session_of_another_device) {
  login(on_device(login_act("c1"), "d1"));
  EXPECT_TRUE(login(on_device(login_act("c2"), "d2")).revocations.empty());
}

TEST_P(StoreContract, a_login_leaves_the_session_of_the_same_device_of_another_user) {
  login(on_device(login_act("c1", "o1"), "d1"));
  EXPECT_TRUE(login(on_device(login_act("c2", "o2"), "d1")).revocations.empty());
}

TEST_P(StoreContract, a_login_leaves_the_session_of_the_same_device_in_another_app) {
  login(on_device(with_unionid(login_act("c1"), "u1"), "d1"));
  EXPECT_TRUE(login(on_device(with_unionid(login_act("c2"), "u1", "wx8"), "d1")).revocations.empty());
}

TEST_P(StoreContract, devices_without_id_are_not_the_same) {
  login("c1");
  EXPECT_TRUE(login("c2").revocations.empty());
}

TEST_P(StoreContract, a_login_supersedes_the_session_of_its_old_ticket) {
  const auto first = login("c1");
  auto act = login_act("c2");
  act.old_session = first.session.id;
  EXPECT_EQ(login(act).revocations.size(), 1u);
  EXPECT_EQ(session_now(first.session.id).ended, Reason::renew);
}

TEST_P(StoreContract, an_old_ticket_of_another_user_ends_nothing) {
  const auto other = login("c1", "o1");
  login("c2", "o2");
  auto act = login_act("c3", "o2");
  act.old_session = other.session.id;
  EXPECT_TRUE(login(act).revocations.empty());
  EXPECT_EQ(session_now(other.session.id).ended, std::nullopt);
}

TEST_P(StoreContract, an_old_ticket_of_another_app_ends_nothing) {
  const auto other = login(with_unionid(login_act("c1"), "u1"));
  auto act = with_unionid(login_act("c2"), "u1", "wx8");
  act.old_session = other.session.id;
  EXPECT_TRUE(login(act).revocations.empty());
  EXPECT_EQ(session_now(other.session.id).ended, std::nullopt);
}

core::RecordLogin limited(core::RecordLogin act, int limit) {
  act.max_per_user = limit;
  return act;
}

TEST_P(StoreContract, above_the_limit_the_oldest_session_is_replaced) {
  const auto first = login(at(login_act("c1"), t0));
  const auto second = login(at(login_act("c2"), t0 + 1s));
  const auto third = login(limited(at(login_act("c3"), t0 + 2s), 2));
  ASSERT_EQ(third.revocations.size(), 1u);
  EXPECT_EQ(third.revocations[0].session, first.session.id);
  EXPECT_EQ(third.revocations[0].reason, Reason::replaced);
  EXPECT_EQ(session_now(first.session.id).ended, Reason::replaced);
  EXPECT_EQ(live_sessions(first.user.id, t0 + 2s), (std::vector<Id>{third.session.id, second.session.id}));
}

TEST_P(StoreContract, a_lowered_limit_replaces_as_many_as_it_must) {
  for (const std::string name : {"1", "2", "3", "4"}) login("c" + name);
  const auto last = login(limited(login_act("c5"), 2));
  EXPECT_EQ(last.revocations.size(), 3u);
  EXPECT_EQ(live_sessions(last.user.id, t0).size(), 2u);
}

TEST_P(StoreContract, a_superseded_session_does_not_count_for_the_limit) {
  const auto first = login(at(on_device(login_act("c1"), "d1"), t0));
  login(at(on_device(login_act("c2"), "d2"), t0 + 1s));
  const auto third = login(limited(at(on_device(login_act("c3"), "d2"), t0 + 2s), 2));
  ASSERT_EQ(third.revocations.size(), 1u);
  EXPECT_EQ(third.revocations[0].reason, Reason::renew);
  EXPECT_EQ(session_now(first.session.id).ended, std::nullopt);
}

TEST_P(StoreContract, a_session_that_ran_out_does_not_count_for_the_limit) {
  const auto first = login("c1");
  const auto second = login(limited(at(login_act("c2"), t0 + 30 * 24h), 1));
  EXPECT_TRUE(second.revocations.empty());
  EXPECT_EQ(session_now(first.session.id).ended, std::nullopt);
}

TEST_P(StoreContract, sessions_in_another_app_do_not_count_for_the_limit) {
  login(with_unionid(login_act("c1"), "u1"));
  EXPECT_TRUE(login(limited(with_unionid(login_act("c2"), "u1", "wx8"), 1)).revocations.empty());
}

// A client that cannot renew logs in once for each of its requests that was refused: none of these may put the others out.
TEST_P(StoreContract, what_was_made_since_a_time_is_spared_by_the_limit) {
  const auto old = login(at(login_act("c1"), t0));
  const auto spared = login(at(login_act("c2"), t0 + 60s));
  auto act = limited(at(login_act("c3"), t0 + 61s), 1);
  act.spared_since = t0 + 1s;
  const auto last = login(act);
  ASSERT_EQ(last.revocations.size(), 1u);
  EXPECT_EQ(last.revocations[0].session, old.session.id);
  EXPECT_EQ(live_sessions(last.user.id, t0 + 61s), (std::vector<Id>{last.session.id, spared.session.id}));
}

TEST_P(StoreContract, a_limit_of_zero_is_no_limit) {
  for (int i = 0; i < 25; ++i) EXPECT_TRUE(login("c" + std::to_string(i)).revocations.empty());
}

TEST_P(StoreContract, parallel_logins_keep_the_limit) {
  std::vector<Id> users(24);
  at_once(24, [&](int i) { users[size_t(i)] = login(limited(login_act("c" + std::to_string(i)), 3)).user.id; });
  EXPECT_EQ(live_sessions(users[0], t0).size(), 3u);
}

TEST_P(StoreContract, a_login_writes_one_event) {
  auto act = login_act("c1");
  act.source.request_id = "req-1";
  login(act);
  const auto events = factory().query("SELECT kind, app, request_id FROM events");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0], (std::vector<std::string>{"login_new_user", "7", "req-1"}));
}

}  // namespace kaimen::contract

// A unionid that becomes known of an identity reaches the sessions it opened before: once, and those alone.
#include "tests/contract/account_acts.h"
#include "tests/contract/directory_contract.h"

namespace kaimen::contract {

namespace {

core::RecordLogin knowing(core::RecordLogin act, const std::string& unionid) {
  act.unionid = unionid;
  return act;
}
core::RecordLogin in_app_8(core::RecordLogin act) {
  act.app = 8;
  act.app_id = "wx8";
  return act;
}
core::LinkIdentity linking_act(const Id& user, const std::string& unionid) {
  core::LinkIdentity act;
  act.user = user;
  act.app = 7;
  act.app_id = "wx7";
  act.provider = act.family = "wechat";
  act.openid = "o1";
  act.unionid = unionid;
  act.now = t0 + 1min;
  act.revocations_until = t0 + 4h;
  return act;
}
/// Of an import: the identity o1 has the unionid u1.
core::ImportUser naming_line(const Id& new_user) {
  core::ImportUser line;
  line.new_user = new_user;
  line.identity = core::IdentityName{"wechat", "wx7", "o1"};
  line.app = 7;
  line.unionid = "u1";
  line.family = "wechat";
  return line;
}
/// The sessions whose tickets answer `renew` by these.
std::vector<Id> renewing(const std::vector<core::Revocation>& revocations) {
  std::vector<Id> sessions;
  for (const auto& one : revocations) {
    EXPECT_EQ(one.reason, Reason::renew);
    sessions.push_back(one.session);
  }
  return sessions;
}

}  // namespace

TEST_P(StoreContract, a_late_unionid_reaches_the_sessions_of_before) {
  const auto first = login("c1");
  const auto late = login(knowing(login_act("c2"), "u1"));
  ASSERT_EQ(renewing(late.revocations), std::vector<Id>{first.session.id});
  EXPECT_EQ(session_now(first.session.id).unionid, "u1");
  EXPECT_GT(session_now(first.session.id).generation, late.revocations[0].generation);
  // What every node hears of.
  EXPECT_EQ(renewing(run_here(store().revocations(t0 + 1s)).value()), std::vector<Id>{first.session.id});
  const auto renewed = renew(first.session, 0, t0 + 1s);
  ASSERT_EQ(renewed.kind, core::Renewal::Kind::next);
  EXPECT_EQ(renewed.session->unionid, "u1");
}

TEST_P(StoreContract, a_unionid_that_was_known_outdates_nothing) {
  login("c1");
  login(knowing(login_act("c2"), "u1"));
  const auto before = session_now(login("c3").session.id);
  EXPECT_TRUE(login(knowing(login_act("c4"), "u1")).revocations.empty());
  EXPECT_TRUE(login("c5").revocations.empty());
  EXPECT_EQ(session_now(before.id).generation, before.generation);
}

TEST_P(StoreContract, a_login_that_tells_no_unionid_takes_none_away) {
  const auto first = login(knowing(login_act("c1"), "u1"));
  EXPECT_TRUE(login("c2").revocations.empty());
  EXPECT_EQ(session_now(first.session.id).unionid, "u1");
}

TEST_P(StoreContract, another_unionid_of_the_identity_replaces_the_first) {
  const auto first = login(knowing(login_act("c1"), "u1"));
  EXPECT_EQ(renewing(login(knowing(login_act("c2"), "u2")).revocations), std::vector<Id>{first.session.id});
  EXPECT_EQ(session_now(first.session.id).unionid, "u2");
}

TEST_P(StoreContract, a_late_unionid_leaves_the_users_other_identities_alone) {
  const auto own = login("c1");
  auto other_app = linking_act(own.user.id, "");
  other_app.app = 8;
  other_app.app_id = "wx8";
  ASSERT_TRUE(run_here(store().accounts().link_identity(other_app)));
  auto other_openid = linking_act(own.user.id, "");
  other_openid.openid = "o2";
  ASSERT_TRUE(run_here(store().accounts().link_identity(other_openid)));
  const auto second = login(in_app_8(login_act("c2"))), third = login("c3", "o2");
  ASSERT_EQ(second.user.id, own.user.id);
  ASSERT_EQ(third.user.id, own.user.id);
  EXPECT_EQ(renewing(login(knowing(login_act("c4"), "u1")).revocations), std::vector<Id>{own.session.id});
  EXPECT_EQ(session_now(second.session.id).unionid, "");
  EXPECT_EQ(session_now(third.session.id).unionid, "");
}

TEST_P(StoreContract, a_session_that_the_login_ends_does_not_answer_renew_first) {
  login("c1");
  auto act = knowing(login_act("c2"), "u1");
  act.max_per_user = 1;
  const auto late = login(act);
  ASSERT_EQ(late.revocations.size(), 1u);
  EXPECT_EQ(late.revocations[0].reason, Reason::replaced);
}

TEST_P(StoreContract, a_login_that_merges_by_a_late_unionid_outdates_the_older_session_once) {
  login(knowing(in_app_8(login_act("c1", "web")), "u1"));
  const auto mini = login("c2", "mini");
  const auto late = login(knowing(login_act("c3", "mini"), "u1"));
  EXPECT_EQ(renewing(late.revocations), std::vector<Id>{mini.session.id});
  EXPECT_EQ(session_now(mini.session.id).user, late.user.id);
  EXPECT_EQ(session_now(mini.session.id).unionid, "u1");
  EXPECT_EQ(session_now(mini.session.id).generation, 1u);
  EXPECT_EQ(renew(mini.session, 0, t0 + 1s).session->unionid, "u1");
}

TEST_P(StoreContract, a_unionid_of_a_user_whom_no_merge_may_take_reaches_no_session) {
  // Both have an external id, so they stay two, and the unionid stays the other's.
  const auto named = login(knowing(in_app_8(login_act("c1", "web")), "u1"));
  const auto mini = login("c2", "mini");
  for (const auto& user : {named.user.id, mini.user.id}) {
    core::SetExternalId act;
    act.user = user;
    act.external_id = "x-" + user.hex();
    act.now = t0;
    act.revocations_until = t0 + 4h;
    ASSERT_TRUE(run_here(store().directory().set_external_id(act)));
  }
  EXPECT_TRUE(login(knowing(login_act("c3", "mini"), "u1")).revocations.empty());
  EXPECT_EQ(session_now(mini.session.id).unionid, "");
}

TEST_P(StoreContract, a_late_unionid_recorded_twice_by_one_owner_counts_once) {
  const auto first = login("c1");
  const auto act = knowing(login_act("c2"), "u1");
  login(act);
  const uint32_t generation = session_now(first.session.id).generation;
  const auto again = run_here(store().record_login(act)).value();  // after its answer was lost
  EXPECT_EQ(renewing(again.revocations), std::vector<Id>{first.session.id});
  EXPECT_EQ(session_now(first.session.id).generation, generation);
}

TEST_P(StoreContract, a_late_unionid_reaches_every_session_of_many) {
  std::vector<Id> sessions;
  for (int i = 0; i < 40; ++i) sessions.push_back(login("c" + std::to_string(i)).session.id);
  auto outdated = renewing(login(knowing(login_act("late"), "u1")).revocations);
  std::ranges::sort(outdated);
  std::ranges::sort(sessions);
  EXPECT_EQ(outdated, sessions);
  for (const Id& session : sessions) EXPECT_EQ(session_now(session).unionid, "u1");
}

TEST_P(StoreContract, a_session_that_has_run_out_answers_nothing_of_a_late_unionid) {
  const auto first = login("c1");
  EXPECT_TRUE(login(at(knowing(login_act("c2"), "u1"), t0 + 31 * 24h)).revocations.empty());
  EXPECT_EQ(session_now(first.session.id).unionid, "");
}

TEST_P(StoreContract, a_web_view_learns_the_unionid_with_its_session) {
  const auto parent = login("c1");
  core::HandOver act;
  act.once = hash("once");
  act.parent = parent.session.id;
  act.new_session = new_id();
  act.now = t0;
  act.idle_expires_at = t0 + 24h;
  act.revocations_until = t0 + 4h;
  const auto view = run_here(store().directory().hand_over(act)).value();
  EXPECT_EQ(login(knowing(login_act("c2"), "u1")).revocations.size(), 2u);
  EXPECT_EQ(session_now(view.session.id).unionid, "u1");
}

// ---- by other ways ----

TEST_P(StoreContract, a_link_of_ones_own_identity_tells_its_sessions_the_unionid) {
  const auto who = login("c1");
  const auto linked = run_here(store().accounts().link_identity(linking_act(who.user.id, "u1"))).value();
  EXPECT_EQ(linked.user.id, who.user.id);
  EXPECT_EQ(renewing(linked.revocations), std::vector<Id>{who.session.id});
  EXPECT_EQ(session_now(who.session.id).unionid, "u1");
  EXPECT_TRUE(run_here(store().accounts().link_identity(linking_act(who.user.id, "u1"))).value().revocations.empty());
  EXPECT_TRUE(run_here(store().accounts().link_identity(linking_act(who.user.id, ""))).value().revocations.empty());
}

TEST_P(DirectoryContract, an_import_that_brings_a_unionid_tells_the_sessions_of_the_identity) {
  const auto in = login("k1", "o1");
  const core::ImportUser line = naming_line(new_id());
  const auto imported = import({line});
  EXPECT_EQ(imported.users[0].kind, core::ImportedUser::Kind::updated);
  EXPECT_EQ(renewing(imported.revocations), std::vector<Id>{in.session.id});
  EXPECT_EQ(session_now(in.session.id).unionid, "u1");
  const auto again = import({line});
  EXPECT_EQ(again.users[0].kind, core::ImportedUser::Kind::unchanged);
  EXPECT_TRUE(again.revocations.empty());
}

// The unionid was the user's already, by another app: the line was taken for one that says nothing new.
TEST_P(DirectoryContract, an_import_gives_an_identity_a_unionid_that_its_user_has_by_another) {
  const auto in = login("k1", "o1");
  auto web = linking_act(in.user.id, "u1");
  web.app = 8;
  web.app_id = "wx8";
  web.openid = "web";
  ASSERT_TRUE(run_here(store().accounts().link_identity(web)));
  const core::ImportUser line = naming_line(new_id());
  EXPECT_EQ(renewing(import({line}).revocations), std::vector<Id>{in.session.id});
  EXPECT_EQ(session_now(in.session.id).unionid, "u1");
  EXPECT_EQ(import_one(line).kind, core::ImportedUser::Kind::unchanged);
}

}  // namespace kaimen::contract

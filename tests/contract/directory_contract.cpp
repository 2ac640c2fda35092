// Users as the team's own systems see them: external ids, roles, and how users are found.
#include <algorithm>

#include "tests/contract/account_acts.h"
#include "tests/contract/directory_contract.h"

namespace kaimen::contract {

namespace {

core::SetExternalId external_id_act(const Id& user, const std::string& external_id, Time now = t0 + 1min) {
  return {user, external_id, now, now + 4h, {"r9", "192.0.2.1", "key desk"}};
}
core::SetRoles roles_act(const Id& user, std::vector<std::string> roles, Time now = t0 + 1min) {
  return {user, std::move(roles), now, now + 4h, {"r9", "192.0.2.1", "key desk"}};
}
core::RecordLogin in_project(core::RecordLogin act, const std::string& project, uint32_t app) {
  act.project = project;
  act.app = app;
  act.app_id = "wx" + std::to_string(app);
  return act;
}
std::vector<Id> ids_of(const core::UserPage& page) {
  std::vector<Id> ids;
  for (const auto& found : page.users) ids.push_back(found.user.id);
  return ids;
}
std::vector<Id> sorted(std::vector<Id> ids) {
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

TEST_P(DirectoryContract, an_external_id_outdates_the_tickets_that_lack_it) {
  const auto made = login("c1");
  const auto changed = set(external_id_act(made.user.id, "customer-1")).value();
  EXPECT_EQ(changed.user.external_id, "customer-1");
  ASSERT_EQ(changed.revocations.size(), 1u);
  EXPECT_EQ(changed.revocations[0].session, made.session.id);
  EXPECT_EQ(changed.revocations[0].generation, made.session.generation);
  EXPECT_EQ(changed.revocations[0].reason, Reason::renew);
  EXPECT_EQ(run_here(store().revocations(t0)).value().size(), 1u);
  const auto renewed = renew(made.session, 0, t0 + 2min);
  ASSERT_EQ(renewed.kind, core::Renewal::Kind::next) << "the renew token stays good";
  EXPECT_EQ(renewed.user->external_id, "customer-1");
  EXPECT_GT(renewed.session->generation, changed.revocations[0].generation);
}

TEST_P(DirectoryContract, roles_outdate_the_tickets_that_lack_them) {
  const auto made = login("c1");
  const auto changed = set(roles_act(made.user.id, {"editor", "shop:owner"})).value();
  EXPECT_EQ(changed.user.roles, (std::vector<std::string>{"editor", "shop:owner"}));
  ASSERT_EQ(changed.revocations.size(), 1u);
  EXPECT_EQ(changed.revocations[0].reason, Reason::renew);
  EXPECT_EQ(renew(made.session, 0, t0 + 2min).user->roles, changed.user.roles);
  const auto none = set(roles_act(made.user.id, {}, t0 + 3min)).value();
  EXPECT_TRUE(none.user.roles.empty());
  EXPECT_EQ(none.revocations.size(), 1u);
}

TEST_P(DirectoryContract, what_is_so_already_changes_nothing) {
  const auto made = login("c1");
  ASSERT_TRUE(set(external_id_act(made.user.id, "customer-1")));
  ASSERT_TRUE(set(roles_act(made.user.id, {"editor"})));
  const auto before = session_now(made.session.id).generation;
  EXPECT_TRUE(set(external_id_act(made.user.id, "customer-1")).value().revocations.empty());
  EXPECT_TRUE(set(roles_act(made.user.id, {"editor"})).value().revocations.empty());
  EXPECT_EQ(session_now(made.session.id).generation, before);
  EXPECT_EQ(events_of("user_external_id"), 1u);
  EXPECT_EQ(events_of("user_roles"), 1u);
}

TEST_P(DirectoryContract, each_change_is_an_event_and_told_to_webhooks) {
  const auto made = login("c1");
  const Id webhook = add_webhook({"user.updated"});
  ASSERT_TRUE(set(external_id_act(made.user.id, "customer-1")));
  ASSERT_TRUE(set(roles_act(made.user.id, {"a", "b"})));
  core::ListEvents query;
  query.kind = "user_roles";
  const auto found = events(query).events;
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].user, made.user.id);
  EXPECT_EQ(found[0].project, "default");
  EXPECT_EQ(found[0].actor, "key desk");
  EXPECT_EQ(found[0].request_id, "r9");
  EXPECT_EQ(found[0].detail, R"({"roles":["a","b"]})");
  query.kind = "user_external_id";
  ASSERT_EQ(events(query).events.size(), 1u);
  EXPECT_EQ(events(query).events[0].detail, "") << "an external id may be personal";
  EXPECT_EQ(deliveries(webhook).size(), 2u);
}

TEST_P(DirectoryContract, an_external_id_names_one_user_of_a_project) {
  const Id one = login("c1", "o1").user.id, two = login("c2", "o2").user.id;
  const Id elsewhere = login(in_project(login_act("c3", "o3"), "shop", 8)).user.id;
  ASSERT_TRUE(set(external_id_act(one, "x")));
  EXPECT_EQ(code_of(set(external_id_act(two, "x"))), ErrorCode::conflict);
  EXPECT_EQ(run_here(store().find_user(two)).value().external_id, "");
  EXPECT_TRUE(set(external_id_act(elsewhere, "x"))) << "projects do not know each other's";
  ASSERT_TRUE(set(external_id_act(one, ""))) << "given up";
  EXPECT_EQ(set(external_id_act(two, "x")).value().user.external_id, "x");
  reopen();
  EXPECT_EQ(code_of(set(external_id_act(one, "x"))), ErrorCode::conflict);
}

TEST_P(DirectoryContract, of_many_that_want_one_external_id_one_gets_it) {
  std::vector<Id> users;
  for (int i = 0; i < 6; ++i) users.push_back(login("c" + std::to_string(i), "o" + std::to_string(i)).user.id);
  std::atomic<int> got{0}, refused{0};
  at_once(6, [&](int i) {
    const auto done = set(external_id_act(users[static_cast<size_t>(i)], "x"));
    got += done.has_value();
    refused += done.has_error() && done.error().code == ErrorCode::conflict;
  });
  EXPECT_EQ(got, 1);
  EXPECT_EQ(refused, 5);
}

TEST_P(DirectoryContract, a_login_beside_it_gets_the_roles_or_is_outdated) {
  // The contract's one time hides nothing: a ticket that lacks the roles must be revoked, whichever came first.
  for (int round = 0; round < 8; ++round) {
    const std::string name = std::to_string(round);
    const auto made = login("a" + name, "o" + name);
    const auto second = login_act("b" + name, "o" + name);
    ASSERT_TRUE(claim(second));
    std::optional<core::LoginRecord> late;
    std::vector<core::Revocation> revoked;
    at_once(2, [&](int i) {
      if (i == 0) late = run_here(store().record_login(second)).value();
      else revoked = set(roles_act(made.user.id, {"editor"})).value().revocations;
    });
    const bool outdated = std::ranges::any_of(revoked, [&](const auto& one) { return one.session == late->session.id; });
    EXPECT_TRUE(outdated || late->user.roles == std::vector<std::string>{"editor"}) << round;
  }
}

TEST_P(DirectoryContract, a_user_who_is_not_there_gets_neither) {
  EXPECT_EQ(code_of(set(external_id_act(new_id(), "x"))), ErrorCode::not_found);
  EXPECT_EQ(code_of(set(roles_act(new_id(), {"x"}))), ErrorCode::not_found);
}

TEST_P(DirectoryContract, users_are_found_by_whatever_names_them) {
  auto act = login_act("c1", "o1");
  act.unionid = "u1";
  const Id one = login(act).user.id;
  const Id two = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().save_phone(phone_act(one, "index"))));
  ASSERT_TRUE(set(external_id_act(one, "customer-1")));

  const auto only_one = [&](core::FindUsers query) {
    const auto page = find(std::move(query));
    EXPECT_FALSE(page.next);
    EXPECT_EQ(ids_of(page), std::vector{one});
  };
  core::FindUsers by;
  by.external_id = "customer-1";
  only_one(by);
  by.project = "default";
  only_one(by);
  by.project = "shop";
  EXPECT_TRUE(find(by).users.empty());
  by = {};
  by.identity = core::IdentityName{"wechat", "wx7", "o1"};
  only_one(by);
  by.project = "shop";
  EXPECT_TRUE(find(by).users.empty());
  by = {};
  by.unionid = "u1";
  by.families = {"wechat", "wechat_oauth"};
  only_one(by);
  by.unionid = "u2";
  EXPECT_TRUE(find(by).users.empty());
  by = {};
  by.phone_index = "index";
  only_one(by);
  by = {};
  by.ids = std::vector{one, new_id(), one};
  only_one(by);
  by.ids = std::vector{two, one};
  EXPECT_EQ(ids_of(find(by)), sorted({one, two}));
  by.ids = std::vector<Id>{};
  EXPECT_TRUE(find(by).users.empty());
}

TEST_P(DirectoryContract, a_found_user_comes_with_its_identities) {
  auto act = login_act("c1", "o1");
  act.unionid = "u1";
  const Id user = login(act).user.id;
  auto second = in_project(at(login_act("c2", "o2"), t0 + 1min), "default", 8);
  second.unionid = "u1";
  ASSERT_EQ(login(second).user.id, user);
  core::FindUsers by;
  by.ids = std::vector{user};
  const auto page = find(by);
  ASSERT_EQ(page.users.size(), 1u);
  const auto& identities = page.users[0].identities;
  ASSERT_EQ(identities.size(), 2u);
  EXPECT_EQ(identities[0].provider, "wechat");
  EXPECT_EQ(identities[0].app_id, "wx7");
  EXPECT_EQ(identities[0].subject, "o1");
  EXPECT_EQ(identities[0].unionid, "u1");
  EXPECT_EQ(identities[0].created_at, t0);
  EXPECT_EQ(identities[1].app_id, "wx8");
}

TEST_P(DirectoryContract, all_users_come_page_by_page) {
  std::vector<Id> mine, all;
  for (int i = 0; i < 5; ++i) {
    const std::string name = std::to_string(i);
    mine.push_back(login("a" + name, "o" + name).user.id);
    all.push_back(mine.back());
    all.push_back(login(in_project(login_act("b" + name, "p" + name), "shop", 8)).user.id);
  }
  const Id gone = mine.back();
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(gone, t0))));
  std::erase(mine, gone);
  std::erase(all, gone);
  for (const std::string& project : std::vector<std::string>{"", "default"}) {
    std::vector<Id> seen;
    core::FindUsers query;
    query.project = project;
    query.limit = 2;
    for (int pages = 0; pages < 20; ++pages) {
      const auto page = find(query);
      EXPECT_LE(page.users.size(), 2u);
      for (const auto& id : ids_of(page)) seen.push_back(id);
      query.after = page.next;
      if (!page.next) break;
    }
    EXPECT_EQ(seen, sorted(project.empty() ? all : mine)) << project;
  }
}

// A page looked at so many rows of all projects, and was empty where those were others'.
TEST_P(DirectoryContract, a_page_walks_through_its_own_project_only) {
  for (int i = 0; i < 12; ++i) {
    const std::string name = std::to_string(i);
    login(in_project(login_act("b" + name, "p" + name), "shop", 8));
  }
  const Id last = login("a", "o").user.id;
  core::FindUsers query;
  query.project = "default";
  query.limit = 1;
  EXPECT_EQ(ids_of(find(query)), std::vector<Id>{last});
}

TEST_P(DirectoryContract, a_page_may_be_empty_and_says_where_to_go_on) {
  for (int i = 0; i < 12; ++i) {
    const std::string name = std::to_string(i);
    ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(login("a" + name, "o" + name).user.id, t0))));
  }
  auto act = login_act("last", "last");
  act.new_user.bytes.fill(0xff);
  login(act);
  core::FindUsers query;
  query.project = "default";
  query.limit = 1;
  auto page = find(query);
  EXPECT_TRUE(page.users.empty());
  ASSERT_TRUE(page.next);
  query.after = page.next;
  EXPECT_EQ(ids_of(find(query)), std::vector<Id>{act.new_user});
}

TEST_P(DirectoryContract, who_is_deleted_is_not_found_and_gives_the_external_id_up) {
  const Id one = login("c1", "o1").user.id, two = login("c2", "o2").user.id;
  ASSERT_TRUE(set(external_id_act(one, "x")));
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(one, t0))));
  core::FindUsers by;
  by.ids = std::vector{one};
  EXPECT_TRUE(find(by).users.empty());
  EXPECT_EQ(code_of(set(roles_act(one, {"x"}))), ErrorCode::not_found);
  EXPECT_TRUE(set(external_id_act(two, "x")));
}

}  // namespace kaimen::contract

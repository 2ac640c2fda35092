// Projects: tenants, which can be removed only when nothing is in them.
#include <algorithm>

#include "core/journal_store.h"
#include "core/project_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

namespace {

core::Project project(const std::string& name, const std::string& title = "") { return {name, title, false, t0}; }
core::AppRow app_in(const std::string& name, const std::string& app_id = "wx1", uint32_t number = 1) {
  core::AppRow row;
  row.app_id = app_id;
  row.number = number;
  row.project = name;
  row.platform = "wechat";
  row.secret_sealed = "sealed";
  row.upstream = "wechat";
  row.created_at = t0;
  return row;
}
Id any_id() {
  SystemRandom random;
  return Id::make(t0, random).value();
}
core::AccessKeyRow key_of(const std::string& name) {
  core::AccessKeyRow key;
  key.id = any_id();
  key.name = "k";
  key.hash = std::string(key.id.raw()) + std::string(key.id.raw());
  key.scopes = {"read"};
  key.project = name;
  key.created_at = t0;
  return key;
}
core::Webhook webhook_of(const std::string& name) {
  core::Webhook webhook;
  webhook.id = any_id();
  webhook.project = name;
  webhook.url = "https://example.com/";
  webhook.secret_sealed = "sealed";
  webhook.created_at = t0;
  return webhook;
}

std::vector<std::string> names(core::Store& store) {
  const auto all = run_here(store.projects().list()).value();
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(one.name + (one.title.empty() ? "" : "=" + one.title) + (one.disabled ? "!" : ""));
  return names;
}
Result<> remove(core::Store& store, const std::string& name) { return run_here(store.projects().remove(name, t0 + 1h, {})); }

TEST_P(StoreContract, there_is_a_project_default) { EXPECT_EQ(names(store()), std::vector<std::string>{"default"}); }

TEST_P(StoreContract, an_apps_project_is_a_project) {
  ASSERT_TRUE(run_here(store().add_app(app_in("shop"))));
  EXPECT_EQ(names(store()), (std::vector<std::string>{"default", "shop"}));
}

TEST_P(StoreContract, a_project_is_added_once_and_changed) {
  ASSERT_TRUE(run_here(store().projects().add(project("shop", "茶馆"), {})));
  EXPECT_EQ(code_of(run_here(store().projects().add(project("shop"), {}))), ErrorCode::conflict);
  EXPECT_EQ(names(store()), (std::vector<std::string>{"default", "shop=茶馆"}));
  ASSERT_TRUE(run_here(store().projects().change({"shop", std::nullopt, true, t0, {}})));
  EXPECT_EQ(names(store()), (std::vector<std::string>{"default", "shop=茶馆!"}));
  ASSERT_TRUE(run_here(store().projects().change({"default", "Ours", std::nullopt, t0, {}})));  // has no details yet
  EXPECT_EQ(names(store()), (std::vector<std::string>{"default=Ours", "shop=茶馆!"}));
  EXPECT_EQ(code_of(run_here(store().projects().change({"nowhere", "x", std::nullopt, t0, {}}))), ErrorCode::not_found);
}

TEST_P(StoreContract, no_project_is_removed_while_anything_is_in_it) {
  ASSERT_TRUE(run_here(store().projects().add(project("shop"), {})));
  ASSERT_TRUE(run_here(store().add_app(app_in("shop"))));
  EXPECT_EQ(code_of(remove(store(), "shop")), ErrorCode::conflict);
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));

  const core::AccessKeyRow key = key_of("shop");
  ASSERT_TRUE(run_here(store().add_access_key(key)));
  EXPECT_EQ(code_of(remove(store(), "shop")), ErrorCode::conflict);
  ASSERT_TRUE(run_here(store().revoke_access_key(key.id, t0, {})));

  const core::Webhook webhook = webhook_of("shop");
  ASSERT_TRUE(run_here(store().journal().add_webhook(webhook)));
  EXPECT_EQ(code_of(remove(store(), "shop")), ErrorCode::conflict);
  ASSERT_TRUE(run_here(store().journal().remove_webhook(webhook.id, t0, {})));

  auto act = login_act("c1");
  act.project = "shop";
  login(act);
  EXPECT_EQ(code_of(remove(store(), "shop")), ErrorCode::conflict);
  EXPECT_EQ(names(store()), (std::vector<std::string>{"default", "shop"}));
}

TEST_P(StoreContract, an_empty_project_is_removed_with_its_title_and_may_come_again) {
  ASSERT_TRUE(run_here(store().projects().add(project("shop", "Old"), {})));
  ASSERT_TRUE(remove(store(), "shop"));
  EXPECT_EQ(code_of(remove(store(), "shop")), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().add_access_key(key_of("shop")))), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(run_here(store().journal().add_webhook(webhook_of("shop")))), ErrorCode::invalid_request);
  EXPECT_EQ(names(store()), std::vector<std::string>{"default"});
  ASSERT_TRUE(run_here(store().projects().add(project("shop"), {})));
  EXPECT_EQ(names(store()), (std::vector<std::string>{"default", "shop"}));
}

// Of an app's addition and its project's removal at once, one must see the other.
TEST_P(StoreContract, no_app_is_left_in_a_project_that_is_gone) {
  for (uint32_t round = 0; round < 10; ++round) {
    const std::string name = "shop" + std::to_string(round), app_id = "wx" + std::to_string(100 + round);
    ASSERT_TRUE(run_here(store().projects().add(project(name), {})));
    Result<> added = ok(), removed = ok();
    std::thread other([&] { added = run_here(store().add_app(app_in(name, app_id, 100 + round))); });
    removed = remove(store(), name);
    other.join();
    ASSERT_TRUE(added);
    const auto left = names(store());
    EXPECT_EQ(std::ranges::count(left, name), 1) << (removed ? "the app made it anew" : "it was not removed");
  }
}

// The same of a webhook's and a key's: their project was looked for before the act, in memory.
TEST_P(StoreContract, no_webhook_and_no_key_are_left_in_a_project_that_is_gone) {
  for (uint32_t round = 0; round < 10; ++round) {
    const std::string name = "shop" + std::to_string(round);
    ASSERT_TRUE(run_here(store().projects().add(project(name), {})));
    Result<> added = ok();
    std::thread other([&] {
      if (round % 2 == 0) added = run_here(store().journal().add_webhook(webhook_of(name)));
      else added = run_here(store().add_access_key(key_of(name)));
    });
    const auto removed = remove(store(), name);
    other.join();
    EXPECT_NE(added.has_value(), removed.has_value()) << round;
    if (!added) {
      EXPECT_EQ(code_of(added), ErrorCode::invalid_request);
    }
  }
}

}  // namespace

}  // namespace kaimen::contract

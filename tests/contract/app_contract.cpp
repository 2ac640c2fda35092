// Apps: their numbers, changes and removal, and hosts of Wafer that are one project's.
#include "tests/contract/app_row.h"

namespace kaimen::contract {

void expect_same(const core::AppRow& a, const core::AppRow& b) {
  EXPECT_EQ(a.app_id, b.app_id);
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.project, b.project);
  EXPECT_EQ(a.platform, b.platform);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.secret_sealed, b.secret_sealed);
  EXPECT_EQ(a.old_secret_sealed, b.old_secret_sealed);
  EXPECT_EQ(a.old_secret_until, b.old_secret_until);
  EXPECT_EQ(a.signing_sealed, b.signing_sealed);
  EXPECT_EQ(a.settings, b.settings);
  EXPECT_EQ(a.upstream, b.upstream);
  EXPECT_EQ(a.disabled, b.disabled);
  EXPECT_EQ(a.revoked_before, b.revoked_before);
  EXPECT_EQ(a.created_at, b.created_at);
}

TEST_P(StoreContract, an_app_is_kept_as_it_was_given) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 0xfffffffe))));
  reopen();
  const auto apps = run_here(store().list_apps()).value();
  ASSERT_EQ(apps.size(), 1u);
  expect_same(apps[0], app_row("wx1", 0xfffffffe));
}

TEST_P(StoreContract, an_app_id_is_given_once) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  EXPECT_EQ(code_of(run_here(store().add_app(app_row("wx1", 2)))), ErrorCode::conflict);
}

TEST_P(StoreContract, a_number_is_given_once) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  EXPECT_EQ(code_of(run_here(store().add_app(app_row("wx2", 1)))), ErrorCode::conflict);
}

TEST_P(StoreContract, a_removed_apps_number_is_never_given_again) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  EXPECT_TRUE(run_here(store().list_apps()).value().empty());
  EXPECT_EQ(code_of(run_here(store().add_app(app_row("wx1", 1)))), ErrorCode::conflict);
  EXPECT_EQ(code_of(run_here(store().add_app(app_row("wx2", 1)))), ErrorCode::conflict);
}

TEST_P(StoreContract, a_removed_app_comes_back_under_another_number) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 2))));
  const auto apps = run_here(store().list_apps()).value();
  ASSERT_EQ(apps.size(), 1u);
  EXPECT_EQ(apps[0].number, 2u);
}

TEST_P(StoreContract, a_removed_apps_secrets_are_gone) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  EXPECT_EQ(factory().query("SELECT count(*) FROM apps WHERE length(secret_sealed) + length(old_secret_sealed) > 0")[0][0], "0");
  EXPECT_EQ(factory().query("SELECT count(*) FROM app_signing")[0][0], "0");
}

TEST_P(StoreContract, an_unknown_app_is_not_removed) { EXPECT_EQ(code_of(run_here(store().remove_app("wx1", t0, {}))), ErrorCode::not_found); }

TEST_P(StoreContract, an_unknown_app_is_not_changed) {
  EXPECT_EQ(code_of(run_here(store().change_app(app_row("wx1", 1)))), ErrorCode::not_found);
}

TEST_P(StoreContract, a_change_replaces_all_but_number_and_creation) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  auto changed = app_row("wx1", 99);
  changed.platform = "qq";
  changed.name = "New";
  changed.secret_sealed = "s2";
  changed.old_secret_sealed = "";
  changed.old_secret_until = Time{};
  changed.signing_sealed = std::string(9000, '\xfe');  // two keys and a certificate
  changed.settings = {{"idle_seconds", "300"}};
  changed.upstream = "proxy";
  changed.disabled = true;
  changed.revoked_before = t0;
  changed.created_at = t0 + 1h;
  ASSERT_TRUE(run_here(store().change_app(changed)));
  changed.number = 1;
  changed.created_at = t0;
  expect_same(run_here(store().list_apps()).value().at(0), changed);
}

TEST_P(StoreContract, an_apps_signing_keys_come_and_go) {
  auto app = app_row("wx1", 1);
  app.signing_sealed.clear();
  ASSERT_TRUE(run_here(store().add_app(app)));
  for (const char* sealed : {"one", "two", "", "three"}) {
    auto changed = run_here(store().list_apps()).value().at(0);
    changed.signing_sealed = sealed;
    ASSERT_TRUE(run_here(store().change_app(changed)));
    EXPECT_EQ(run_here(store().list_apps()).value().at(0).signing_sealed, sealed);
  }
}

// Two administrators at once: the second change must not bring back what the first replaced, e.g. a leaked secret.
TEST_P(StoreContract, a_change_of_what_was_changed_since_is_a_conflict) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  auto first = run_here(store().list_apps()).value().at(0), second = first;
  first.secret_sealed = "rotated";
  ASSERT_TRUE(run_here(store().change_app(first)));
  second.name = "New";
  EXPECT_EQ(code_of(run_here(store().change_app(second))), ErrorCode::conflict);
  second = run_here(store().list_apps()).value().at(0);
  EXPECT_EQ(second.secret_sealed, "rotated");
  second.name = "New";
  EXPECT_TRUE(run_here(store().change_app(second)));
}

// ---- hosts of Wafer ----

TEST_P(StoreContract, a_host_of_wafers_is_one_projects) {
  core::AppRow first = app_row("wx1", 1), second = app_row("wx2", 2), other = app_row("wx3", 3);
  first.settings = {{"wafer_hosts", "Shop.example.cn:8443, two.example.cn"}};
  second.settings = {{"wafer_hosts", "shop.example.cn"}};
  other.settings = {{"wafer_hosts", "mine.example.cn,shop.example.cn"}};
  other.project = "other";
  ASSERT_TRUE(run_here(store().add_app(first)));
  EXPECT_TRUE(run_here(store().add_app(second))) << "a project's own business";
  EXPECT_EQ(code_of(run_here(store().add_app(other))), ErrorCode::conflict);
  other.settings["wafer_hosts"] = "mine.example.cn";
  ASSERT_TRUE(run_here(store().add_app(other)));
  auto apps = run_here(store().list_apps()).value();
  for (auto& app : apps) {
    if (app.app_id == "wx3") other = app;
  }
  other.settings["wafer_hosts"] = "mine.example.cn,TWO.example.cn";
  EXPECT_EQ(code_of(run_here(store().change_app(other))), ErrorCode::conflict);
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  EXPECT_TRUE(run_here(store().change_app(other)));
}

TEST_P(StoreContract, of_two_projects_that_ask_for_a_host_at_once_one_gets_it) {
  for (uint32_t round = 0; round < 10; ++round) {
    core::AppRow mine = app_row("wxa" + std::to_string(round), 100 + 2 * round), theirs = app_row("wxb" + std::to_string(round), 101 + 2 * round);
    mine.settings = theirs.settings = {{"wafer_hosts", "h" + std::to_string(round) + ".example.cn"}};
    theirs.project = "other";
    Result<> added = ok();
    std::thread other([&] { added = run_here(store().add_app(theirs)); });
    const auto mine_added = run_here(store().add_app(mine));
    other.join();
    EXPECT_NE(added.has_value(), mine_added.has_value()) << round;
  }
}

}  // namespace kaimen::contract

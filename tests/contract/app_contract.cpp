// Apps, ticket keys, access keys and the custody of access_tokens.
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

core::AppRow app_row(const std::string& app_id, uint32_t number) {
  core::AppRow row;
  row.app_id = app_id;
  row.number = number;
  row.project = "default";
  row.platform = "wechat";
  row.name = "Shop";
  row.secret_sealed = std::string("\x01\0sealed", 8);
  row.old_secret_sealed = "old";
  row.old_secret_until = t0 + 1h;
  row.signing_sealed = std::string("\x02\0signing", 9);
  row.settings = {{"ticket_seconds", "600"}, {"default_nickname", "🧧"}};
  row.upstream = "wechat";
  row.revoked_before = t0 - 1h;
  row.created_at = t0;
  return row;
}

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

// ---- ticket keys ----

core::TicketKeyRow key_row(uint32_t id, core::KeyKind kind = core::KeyKind::ticket) {
  return {id, kind, std::string("\0key", 4), {7, 0xffffffff}, t0, t0 + 1h, false};
}

TEST_P(StoreContract, a_ticket_key_is_kept_as_it_was_given) {
  ASSERT_TRUE(run_here(store().add_ticket_key(key_row(0xffffffff, core::KeyKind::renew))));
  reopen();
  const auto keys = run_here(store().list_ticket_keys()).value();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].id, 0xffffffffu);
  EXPECT_EQ(keys[0].kind, core::KeyKind::renew);
  EXPECT_EQ(keys[0].key_sealed, std::string("\0key", 4));
  EXPECT_EQ(keys[0].apps, (std::vector<uint32_t>{7, 0xffffffff}));
  EXPECT_EQ(keys[0].created_at, t0);
  EXPECT_EQ(keys[0].seals_from, t0 + 1h);
  EXPECT_FALSE(keys[0].retired);
}

TEST_P(StoreContract, a_ticket_key_for_all_apps_stays_one) {
  auto row = key_row(1);
  row.apps.clear();
  ASSERT_TRUE(run_here(store().add_ticket_key(row)));
  EXPECT_TRUE(run_here(store().list_ticket_keys()).value().at(0).apps.empty());
}

TEST_P(StoreContract, a_ticket_key_is_not_replaced_by_another_of_its_id) {
  ASSERT_TRUE(run_here(store().add_ticket_key(key_row(1))));
  auto other = key_row(1);
  other.key_sealed = "other";
  EXPECT_EQ(code_of(run_here(store().add_ticket_key(other))), ErrorCode::conflict);
  EXPECT_EQ(run_here(store().list_ticket_keys()).value().at(0).key_sealed, std::string("\0key", 4));
}

TEST_P(StoreContract, retiring_concerns_the_tickets_keys_made_so_far) {
  ASSERT_TRUE(run_here(store().add_ticket_key(key_row(1))));
  ASSERT_TRUE(run_here(store().add_ticket_key(key_row(2, core::KeyKind::renew))));
  ASSERT_TRUE(run_here(store().retire_ticket_keys(t0, {"r", {}, {}})));
  ASSERT_TRUE(run_here(store().add_ticket_key(key_row(3))));
  std::vector<std::pair<uint32_t, bool>> retired;
  const auto keys = run_here(store().list_ticket_keys()).value();
  for (const auto& key : keys) retired.emplace_back(key.id, key.retired);
  EXPECT_EQ(retired, (std::vector<std::pair<uint32_t, bool>>{{1, true}, {2, false}, {3, false}}));
}

TEST_P(StoreContract, dropped_ticket_keys_are_gone) {
  for (const uint32_t id : {1u, 2u, 3u}) ASSERT_TRUE(run_here(store().add_ticket_key(key_row(id))));
  ASSERT_TRUE(run_here(store().drop_ticket_keys({1, 3, 99})));
  const auto keys = run_here(store().list_ticket_keys()).value();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].id, 2u);
}

// ---- access keys ----

core::AccessKeyRow access_row(const Id& id, const std::string& hash) { return {id, "ops", hash, {"read", "admin"}, "default", t0, {}, {}}; }

TEST_P(StoreContract, an_access_key_is_kept_as_it_was_given) {
  const auto row = access_row(new_id(), hash("h"));
  ASSERT_TRUE(run_here(store().add_access_key(row)));
  reopen();
  const auto keys = run_here(store().list_access_keys()).value();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].id, row.id);
  EXPECT_EQ(keys[0].name, "ops");
  EXPECT_EQ(keys[0].hash, row.hash);
  EXPECT_EQ(keys[0].scopes, row.scopes);
  EXPECT_EQ(keys[0].project, "default");
  EXPECT_EQ(keys[0].created_at, t0);
  EXPECT_EQ(keys[0].last_used_at, std::nullopt);
  EXPECT_EQ(keys[0].revoked_at, std::nullopt);
}

TEST_P(StoreContract, an_access_key_is_added_once) {
  const auto row = access_row(new_id(), hash("h"));
  ASSERT_TRUE(run_here(store().add_access_key(row)));
  EXPECT_EQ(code_of(run_here(store().add_access_key(row))), ErrorCode::conflict);
  EXPECT_EQ(code_of(run_here(store().add_access_key(access_row(new_id(), hash("h"))))), ErrorCode::conflict);
}

TEST_P(StoreContract, a_revoked_access_key_says_since_when) {
  const auto row = access_row(new_id(), hash("h"));
  ASSERT_TRUE(run_here(store().add_access_key(row)));
  ASSERT_TRUE(run_here(store().revoke_access_key(row.id, t0 + 1s, {"r", {}, {}})));
  ASSERT_TRUE(run_here(store().revoke_access_key(row.id, t0 + 2s, {"r", {}, {}})));
  EXPECT_EQ(run_here(store().list_access_keys()).value().at(0).revoked_at, t0 + 1s);
}

TEST_P(StoreContract, an_unknown_access_key_is_not_revoked) {
  EXPECT_EQ(code_of(run_here(store().revoke_access_key(new_id(), t0, {"r", {}, {}}))), ErrorCode::not_found);
}

TEST_P(StoreContract, access_keys_say_when_they_were_used) {
  const auto used = access_row(new_id(), hash("h1")), unused = access_row(new_id(), hash("h2"));
  ASSERT_TRUE(run_here(store().add_access_key(used)));
  ASSERT_TRUE(run_here(store().add_access_key(unused)));
  ASSERT_TRUE(run_here(store().touch_access_keys({used.id, new_id()}, t0 + 1s)));
  const auto keys = run_here(store().list_access_keys()).value();
  for (const auto& key : keys) EXPECT_EQ(key.last_used_at, key.id == used.id ? std::optional(t0 + 1s) : std::nullopt);
}

// ---- access_token custody ----

TEST_P(StoreContract, an_app_without_access_token_has_an_empty_one) {
  const auto row = run_here(store().access_token("wx1")).value();
  EXPECT_EQ(row.token_sealed, "");
  EXPECT_EQ(row.lease, 0u);
}

TEST_P(StoreContract, a_token_says_whose_it_is_and_goes_with_the_app) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 5s)).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *lease, "sealed", t0 + 2h, t0)).value());
  auto row = run_here(store().access_token("wx1")).value();
  EXPECT_EQ(row.app, 1u);
  EXPECT_EQ(row.upstream, "wechat");
  EXPECT_EQ(row.token_sealed, "sealed");
  const auto under_way = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 5s)).value();
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  EXPECT_EQ(run_here(store().access_token("wx1")).value().app, 0u);
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 2))));
  EXPECT_FALSE(run_here(store().save_access_token("wx1", *under_way, "late", t0 + 2h, t0)).value()) << "the fetch was for the app before";
  row = run_here(store().access_token("wx1")).value();
  EXPECT_EQ(row.app, 2u);
  EXPECT_EQ(row.token_sealed, "");
}

// Also where nobody had asked for a token before.
TEST_P(StoreContract, a_first_lease_does_not_outlive_the_app) {
  for (uint32_t round = 0; round < 10; ++round) {
    const std::string app_id = "wx" + std::to_string(round);
    ASSERT_TRUE(run_here(store().add_app(app_row(app_id, 1 + round))));
    std::optional<uint64_t> lease;
    std::thread other([&] { lease = run_here(store().lease_access_token(app_id, new_id(), t0, t0 + 5s)).value(); });
    ASSERT_TRUE(run_here(store().remove_app(app_id, t0, {})));
    other.join();
    ASSERT_TRUE(lease);
    // Either it began before the removal, and its save is none; or after, and its look tells it that the app is gone.
    const bool saved = run_here(store().save_access_token(app_id, *lease, "sealed", t0 + 2h, t0)).value();
    EXPECT_TRUE(!saved || run_here(store().access_token(app_id)).value().app == 0) << round;
  }
}

TEST_P(StoreContract, another_upstream_begins_without_a_token) {
  ASSERT_TRUE(run_here(store().add_app(app_row("wx1", 1))));
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 5s)).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *lease, "sealed", t0 + 2h, t0)).value());
  core::AppRow app = run_here(store().list_apps()).value().at(0);
  app.name = "another";
  ASSERT_TRUE(run_here(store().change_app(app)));
  EXPECT_EQ(run_here(store().access_token("wx1")).value().token_sealed, "sealed");
  app = run_here(store().list_apps()).value().at(0);
  app.upstream = "sandbox";
  ASSERT_TRUE(run_here(store().change_app(app)));
  const auto row = run_here(store().access_token("wx1")).value();
  EXPECT_EQ(row.upstream, "sandbox");
  EXPECT_EQ(row.token_sealed, "");
}

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

TEST_P(StoreContract, an_access_token_is_kept) {
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *lease, "sealed", t0 + 2h, t0 + 1s)).value());
  reopen();
  const auto row = run_here(store().access_token("wx1")).value();
  EXPECT_EQ(row.token_sealed, "sealed");
  EXPECT_EQ(row.expires_at, t0 + 2h);
  EXPECT_EQ(row.fetched_at, t0 + 1s);
  EXPECT_EQ(row.lease, *lease);
}

TEST_P(StoreContract, of_many_refreshers_one_gets_the_lease) {
  std::atomic<int> leased{0};
  at_once(32, [&](int) {
    if (run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value()) ++leased;
  });
  EXPECT_EQ(leased, 1);
}

TEST_P(StoreContract, a_lease_ends_at_its_time) {
  const auto first = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  EXPECT_FALSE(run_here(store().lease_access_token("wx1", new_id(), t0 + 10s - 1ms, t0 + 20s)).value());
  const auto second = run_here(store().lease_access_token("wx1", new_id(), t0 + 10s, t0 + 20s)).value();
  ASSERT_TRUE(second);
  EXPECT_GT(*second, *first);
}

TEST_P(StoreContract, an_older_lease_never_overwrites_a_newer_token) {
  // A refresher hung for a minute, then wrote the token that WeChat had since replaced; every call failed until the next refresh.
  const auto old = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  const auto fresh = run_here(store().lease_access_token("wx1", new_id(), t0 + 20s, t0 + 30s)).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *fresh, "new", t0 + 2h, t0 + 21s)).value());
  EXPECT_FALSE(run_here(store().save_access_token("wx1", *old, "old", t0 + 2h, t0 + 60s)).value());
  EXPECT_EQ(run_here(store().access_token("wx1")).value().token_sealed, "new");
}

TEST_P(StoreContract, a_saved_token_ends_the_lease) {
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *lease, "sealed", t0 + 2h, t0)).value());
  EXPECT_TRUE(run_here(store().lease_access_token("wx1", new_id(), t0 + 1s, t0 + 11s)).value());
}

TEST_P(StoreContract, a_released_lease_is_free) {
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  ASSERT_TRUE(run_here(store().release_access_token("wx1", *lease)));
  EXPECT_TRUE(run_here(store().lease_access_token("wx1", new_id(), t0 + 1s, t0 + 11s)).value());
}

TEST_P(StoreContract, an_older_lease_does_not_release_a_newer_one) {
  const auto old = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  ASSERT_TRUE(run_here(store().lease_access_token("wx1", new_id(), t0 + 10s, t0 + 20s)).value());
  ASSERT_TRUE(run_here(store().release_access_token("wx1", *old)));
  EXPECT_FALSE(run_here(store().lease_access_token("wx1", new_id(), t0 + 11s, t0 + 21s)).value());
}

TEST_P(StoreContract, a_pause_holds_off_every_refresher_until_its_time) {
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  ASSERT_TRUE(run_here(store().pause_access_token("wx1", *lease, t0 + 30s)));
  reopen();
  EXPECT_EQ(run_here(store().access_token("wx1")).value().paused_until, t0 + 30s);
  EXPECT_FALSE(run_here(store().lease_access_token("wx1", new_id(), t0 + 30s - 1ms, t0 + 40s)).value());
  const auto after = run_here(store().lease_access_token("wx1", new_id(), t0 + 30s, t0 + 40s)).value();
  ASSERT_TRUE(after);
  EXPECT_GT(*after, *lease);
  EXPECT_EQ(run_here(store().access_token("wx1")).value().paused_until, Time{}) << "a lease is no pause";
}

TEST_P(StoreContract, an_older_lease_does_not_pause_a_newer_one) {
  const auto old = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  const auto fresh = run_here(store().lease_access_token("wx1", new_id(), t0 + 10s, t0 + 20s)).value();
  ASSERT_TRUE(run_here(store().pause_access_token("wx1", *old, t0 + 60s)));
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *fresh, "sealed", t0 + 2h, t0 + 11s)).value());
  EXPECT_TRUE(run_here(store().lease_access_token("wx1", new_id(), t0 + 12s, t0 + 22s)).value());
}

TEST_P(StoreContract, leases_of_two_apps_are_apart) {
  const auto first = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  EXPECT_TRUE(run_here(store().lease_access_token("wx2", new_id(), t0, t0 + 10s)).value());
  EXPECT_TRUE(run_here(store().lease_access_token("wx2", new_id(), t0 + 20s, t0 + 30s)).value());
  EXPECT_EQ(run_here(store().access_token("wx1")).value().lease, first);
}

}  // namespace kaimen::contract

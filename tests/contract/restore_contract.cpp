// A store that was put back to an earlier state: everything that was given out ends, in one act.
#include "tests/contract/app_row.h"
#include "tests/contract/store_contract.h"

#include <algorithm>
#include <thread>

namespace kaimen::contract {

namespace {

core::AccessKeyRow backend_key(const std::string& name, const Id& id) { return {id, name, name + std::string(32 - name.size(), '#'), {"read"}, "", t0, {}, {}}; }

core::AccessKeyRow key_named(core::Store& store, const std::string& name) {
  const auto keys = run_here(store.list_access_keys()).value();
  const auto found = std::ranges::find(keys, name, &core::AccessKeyRow::name);
  EXPECT_NE(found, keys.end());
  return found == keys.end() ? core::AccessKeyRow{} : *found;
}

Result<core::Restored> restore(core::Store& store) { return run_here(store.note_restore({"r", {}, "kaimen restore"})); }
Result<> confirm(core::Store& store, const Id& key) { return run_here(store.confirm_access_key(key, t0, {"r", {}, {}})); }
Result<> revoke(core::Store& store, const Id& key) { return run_here(store.revoke_access_key(key, t0, {"r", {}, {}})); }

}  // namespace

TEST_P(StoreContract, a_restore_ends_the_sessions_of_all_apps) {
  for (const uint32_t number : {7u, 8u, 9u}) ASSERT_TRUE(run_here(store().add_app(app_row("wx" + std::to_string(number), number))));
  ASSERT_TRUE(run_here(store().remove_app("wx9", t0, {"r", {}, {}})));
  const auto before = login("c1");
  const auto restored = restore(store());
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored.value().apps, 2u);
  reopen();
  const auto apps = run_here(store().list_apps()).value();
  ASSERT_EQ(apps.size(), 2u);
  for (const auto& app : apps) EXPECT_EQ(app.revoked_before, restored.value().at);

  auto act = renewal_act(before.session, before.session.renew_generation, t0 + 1s);
  act.created_after = apps[0].revoked_before;
  const auto refused = renew(act);
  EXPECT_EQ(refused.kind, core::Renewal::Kind::refused);
  EXPECT_EQ(refused.reason, Reason::revoked);
}

TEST_P(StoreContract, a_restore_retires_the_keys_of_tickets_and_jwts) {
  uint32_t id = 0;
  for (const auto kind : {core::KeyKind::ticket, core::KeyKind::renew, core::KeyKind::jwt}) {
    ASSERT_TRUE(run_here(store().add_ticket_key({++id, kind, "key", {}, t0, t0, false})));
  }
  ASSERT_TRUE(restore(store()));
  std::vector<std::pair<uint32_t, bool>> retired;
  const auto keys = run_here(store().list_ticket_keys()).value();
  for (const auto& key : keys) retired.emplace_back(key.id, key.retired);
  EXPECT_EQ(retired, (std::vector<std::pair<uint32_t, bool>>{{1, true}, {2, false}, {3, true}}));
}

TEST_P(StoreContract, a_restore_says_so_to_nodes_and_in_the_journal) {
  const auto count = [this] { return std::stoll(factory().query("SELECT version FROM meta WHERE name = 'configuration'").at(0).at(0)); };
  ASSERT_TRUE(run_here(store().add_app(app_row("wx7", 7))));
  const auto before = count();
  ASSERT_TRUE(restore(store()));
  EXPECT_GT(count(), before);
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'store_restored' AND actor = 'kaimen restore'").at(0).at(0), "1");
}

TEST_P(StoreContract, a_restore_puts_access_keys_off_until_each_is_confirmed) {
  const Id shop = new_id(), other = new_id(), gone = new_id();
  for (const auto& [name, id] : {std::pair("shop", shop), std::pair("other", other), std::pair("gone", gone)}) {
    ASSERT_TRUE(run_here(store().add_access_key(backend_key(name, id))));
  }
  ASSERT_TRUE(revoke(store(), gone));
  const auto restored = restore(store());
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored.value().keys, 2u);
  reopen();
  for (const auto* name : {"shop", "other"}) {
    EXPECT_EQ(key_named(store(), name).unconfirmed_since, restored.value().at) << name;
    EXPECT_EQ(key_named(store(), name).revoked_at, std::nullopt) << name;
  }
  EXPECT_EQ(key_named(store(), "gone").revoked_at, t0);
  EXPECT_EQ(key_named(store(), "gone").unconfirmed_since, std::nullopt);

  ASSERT_TRUE(confirm(store(), shop));
  ASSERT_TRUE(confirm(store(), shop)) << "one that works already";
  EXPECT_EQ(key_named(store(), "shop").unconfirmed_since, std::nullopt);
  EXPECT_EQ(key_named(store(), "shop").revoked_at, std::nullopt);
  EXPECT_EQ(key_named(store(), "other").unconfirmed_since, restored.value().at);
  EXPECT_EQ(code_of(confirm(store(), gone)), ErrorCode::conflict);
  EXPECT_EQ(code_of(confirm(store(), new_id())), ErrorCode::not_found);
}

// A program of before restores knows one state of a key that is off.
TEST_P(StoreContract, an_unconfirmed_key_is_a_revoked_one_to_older_programs) {
  ASSERT_TRUE(run_here(store().add_access_key(backend_key("shop", new_id()))));
  ASSERT_TRUE(restore(store()));
  EXPECT_EQ(factory().query("SELECT count(*) FROM access_keys WHERE revoked_at IS NULL").at(0).at(0), "0");
}

TEST_P(StoreContract, an_unconfirmed_key_can_be_revoked_for_good) {
  const Id shop = new_id();
  ASSERT_TRUE(run_here(store().add_access_key(backend_key("shop", shop))));
  const auto restored = restore(store());
  ASSERT_TRUE(run_here(store().revoke_access_key(shop, restored.value().at, {"r", {}, {}})));
  EXPECT_GT(key_named(store(), "shop").revoked_at, restored.value().at);
  EXPECT_EQ(key_named(store(), "shop").unconfirmed_since, std::nullopt);
  EXPECT_EQ(code_of(confirm(store(), shop)), ErrorCode::conflict);
}

TEST_P(StoreContract, a_key_that_was_not_confirmed_can_be_after_another_restore) {
  const Id shop = new_id();
  ASSERT_TRUE(run_here(store().add_access_key(backend_key("shop", shop))));
  ASSERT_TRUE(restore(store()));
  factory().pass(1min);
  std::this_thread::sleep_for(2ms);  // a server's clock is its own
  const auto second = restore(store());
  ASSERT_TRUE(second);
  EXPECT_EQ(second.value().keys, 1u);
  EXPECT_EQ(key_named(store(), "shop").unconfirmed_since, second.value().at);
  EXPECT_TRUE(confirm(store(), shop));
}

// Of a node at work nobody would know that its sessions have ended, or what it writes next.
TEST_P(StoreContract, a_store_that_nodes_work_on_is_not_taken_for_restored) {
  const Id node = new_id(), key = new_id();
  ASSERT_TRUE(run_here(store().add_access_key(backend_key("shop", key))));
  ASSERT_TRUE(run_here(store().follow({node, "0.1.0", "0001", "", t0, {}})));
  EXPECT_EQ(code_of(restore(store())), ErrorCode::invalid_request);
  EXPECT_EQ(key_named(store(), "shop").unconfirmed_since, std::nullopt);
  ASSERT_TRUE(run_here(store().leave(node)));
  EXPECT_TRUE(restore(store()));
}

// Sessions end by their time: of one that is later than the restore nobody would know.
TEST_P(StoreContract, a_clock_that_is_behind_what_happened_is_not_believed) {
  ASSERT_TRUE(run_here(store().add_ticket_key({1, core::KeyKind::ticket, "key", {}, t0, t0, false})));
  ASSERT_TRUE(run_here(store().retire_ticket_keys(t0 + 400 * 24h, {"r", {}, {}})));
  const auto refused = restore(store());
  EXPECT_EQ(code_of(refused), ErrorCode::invalid_request);
  EXPECT_NE(refused.error().detail.find("clock"), std::string::npos);
}

}  // namespace kaimen::contract

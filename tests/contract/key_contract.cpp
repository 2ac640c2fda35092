// Ticket keys and access keys.
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

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

}  // namespace kaimen::contract

// Sealed values under another key, page by page, beside whatever else goes on. Sealing here is a word in front: "old x" becomes "new x".
#include "core/seal_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

namespace {

const core::Reseal kReseal = [](std::string_view purpose, std::string_view, std::string_view sealed) -> Result<std::optional<core::Resealed>> {
  if (sealed.starts_with("new ")) return std::nullopt;
  if (!sealed.starts_with("old ")) return make_error(ErrorCode::internal, "a sealed " + std::string(purpose) + " cannot be opened");
  return core::Resealed{"new " + std::string(sealed.substr(4)), "index of " + std::string(sealed.substr(4))};
};

/// All pages from there on; how many rows were sealed anew.
uint64_t walk(core::Store& store, size_t rows = 2, std::string after = {}) {
  uint64_t resealed = 0;
  do {
    const auto page = run_here(store.seals().reseal({after, rows, kReseal})).value();
    resealed += page.resealed;
    after = page.next;
  } while (!after.empty());
  return resealed;
}

core::SavePhone phone_of(const Id& user, const std::string& number) {
  core::SavePhone act;
  act.user = user;
  act.phone_sealed = "old " + number;
  act.phone_index = "old index of " + number;
  act.now = t0;
  return act;
}
core::RecordLogin with_old_key(core::RecordLogin act, const std::string& key) {
  act.session_key_sealed = "old " + key;
  act.session_key_index = "old index of " + key;
  return act;
}

TEST_P(StoreContract, every_sealed_value_of_every_table_is_sealed_anew) {
  core::AppRow app;
  app.app_id = "wx1";
  app.number = 1;
  app.project = "default";
  app.platform = app.upstream = "wechat";
  app.secret_sealed = "old secret";
  app.old_secret_sealed = "old secret before";
  app.push_sealed = "old push";
  app.created_at = t0;
  ASSERT_TRUE(run_here(store().add_app(app)));
  core::TicketKeyRow key;
  key.id = 9;
  key.key_sealed = "old key";
  key.created_at = key.seals_from = t0;
  ASSERT_TRUE(run_here(store().add_ticket_key(key)));
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 1min)).value();
  ASSERT_TRUE(run_here(store().save_access_token("wx1", *lease, "old token", t0 + 2h, t0)).value());
  std::vector<Id> users;
  for (int i = 0; i < 7; ++i) {
    const std::string n = std::to_string(i);
    users.push_back(login(with_old_key(login_act("c" + n, "o" + n), "first " + n)).user.id);
    login(with_old_key(login_act("d" + n, "o" + n), "second " + n));
    ASSERT_TRUE(run_here(store().save_phone(phone_of(users.back(), n))));
  }

  EXPECT_EQ(walk(store()), 1U + 1U + 1U + 7U + 7U);
  EXPECT_EQ(walk(store()), 0U) << "what is done is passed";

  const auto apps = run_here(store().list_apps()).value();
  EXPECT_EQ(apps[0].secret_sealed, "new secret");
  EXPECT_EQ(apps[0].old_secret_sealed, "new secret before");
  EXPECT_EQ(apps[0].push_sealed, "new push");
  EXPECT_EQ(run_here(store().list_ticket_keys()).value()[0].key_sealed, "new key");
  EXPECT_EQ(run_here(store().access_token("wx1")).value().token_sealed, "new token");
  for (size_t i = 0; i < users.size(); ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(keys_of("o" + n), (std::vector<std::string>{"new second " + n, "new first " + n}));
    EXPECT_EQ(run_here(store().find_user(users[i])).value().phone_sealed, "new " + n);
  }
}

TEST_P(StoreContract, what_is_sealed_anew_is_found_by_its_new_index_and_meanwhile_by_the_old_one) {
  const Id user = login("c1", "o1").user.id, other = login("c2", "o2").user.id;
  ASSERT_TRUE(run_here(store().save_phone(phone_of(user, "13"))));
  core::SavePhone taken = phone_of(other, "13");
  taken.phone_sealed = "new 13";
  taken.phone_index = "index of 13";
  taken.older_indexes = {"old index of 13"};
  taken.unique = core::PhoneUnique::refuse;
  EXPECT_EQ(code_of(run_here(store().save_phone(taken))), ErrorCode::conflict) << "found by the older index";
  walk(store());
  EXPECT_EQ(code_of(run_here(store().save_phone(taken))), ErrorCode::conflict) << "found by the new one";
}

TEST_P(StoreContract, the_same_session_key_is_no_new_one_while_it_is_sealed_anew) {
  login(with_old_key(login_act("c1"), "k"));
  auto again = login_act("c2");
  again.session_key_sealed = "new k";
  again.session_key_index = "index of k";
  again.older_key_indexes = {"old index of k"};
  login(again);
  EXPECT_EQ(keys_of("o1"), std::vector<std::string>{"old k"});
  walk(store());
  again = login_act("c3");
  again.session_key_sealed = "new k";
  again.session_key_index = "index of k";
  login(again);
  EXPECT_EQ(keys_of("o1"), std::vector<std::string>{"new k"});
}

TEST_P(StoreContract, a_node_that_has_left_is_reckoned_with_no_more) {
  core::Follow beat;
  beat.node = new_id();
  beat.version = "1";
  beat.master_keys = "0a0b0c0d";
  const auto nodes = [this] { return run_here(store().seals().master_keys(15s)).value().nodes.size(); };
  ASSERT_TRUE(run_here(store().follow(beat)));
  EXPECT_EQ(nodes(), 1U);
  ASSERT_TRUE(run_here(store().leave(beat.node)));
  EXPECT_EQ(nodes(), 0U);
  EXPECT_TRUE(run_here(store().leave(beat.node))) << "said again it is the same";
  ASSERT_TRUE(run_here(store().follow(beat)));
  EXPECT_EQ(nodes(), 1U);
}

TEST_P(StoreContract, a_walk_and_logins_at_once_lose_nothing) {
  constexpr int kPeople = 20;
  for (int i = 0; i < kPeople; ++i) login(with_old_key(login_act("a" + std::to_string(i), "o" + std::to_string(i)), "first"));
  std::thread walker([&] { walk(store(), 5); });
  for (int i = 0; i < kPeople; ++i) {
    auto act = with_old_key(login_act("b" + std::to_string(i), "o" + std::to_string(i)), "second");
    act.session_key_sealed = "new second";
    act.session_key_index = "index of second";
    login(act);
  }
  walker.join();
  walk(store());
  for (int i = 0; i < kPeople; ++i) {
    EXPECT_EQ(keys_of("o" + std::to_string(i)), (std::vector<std::string>{"new second", "new first"})) << i;
  }
}

TEST_P(StoreContract, a_value_that_cannot_be_opened_stops_the_walk_and_nothing_of_its_page_is_done) {
  const Id user = login(with_old_key(login_act("c1"), "k")).user.id;
  auto damaged = phone_of(user, "13");
  damaged.phone_sealed = "damaged";
  ASSERT_TRUE(run_here(store().save_phone(damaged)));
  std::string after;
  Result<core::ResealedPage> page = core::ResealedPage{};
  do {
    page = run_here(store().seals().reseal({after, 10, kReseal}));
    if (page) after = page.value().next;
  } while (page && !after.empty());
  EXPECT_EQ(code_of(page), ErrorCode::internal);
  EXPECT_EQ(run_here(store().find_user(user)).value().phone_sealed, "damaged");
}

TEST_P(StoreContract, a_place_that_is_none_is_refused) {
  for (const char* place : {"x", "99.", "0.zz", "4.00", "5.00000005616263", "-1."}) {
    EXPECT_EQ(code_of(run_here(store().seals().reseal({place, 10, kReseal}))), ErrorCode::invalid_request) << place;
  }
}

TEST_P(StoreContract, the_keys_that_values_are_under_are_changed_by_one_alone) {
  const auto now = [&] { return run_here(store().seals().master_keys(15s)).value(); };
  const auto set = [&](const core::MasterKeyState& expected, std::optional<uint32_t> settled, std::optional<uint32_t> next) {
    return run_here(store().seals().set_master_keys(expected, {settled, next, {}})).value();
  };
  const auto none = now();
  EXPECT_FALSE(none.settled || none.next);
  EXPECT_TRUE(set(none, 0xfffffff1, std::nullopt));
  EXPECT_FALSE(set(none, 2, std::nullopt)) << "another was first";
  const auto settled = now();
  EXPECT_EQ(settled.settled, 0xfffffff1);
  EXPECT_TRUE(set(settled, settled.settled, 2));
  EXPECT_FALSE(set(settled, settled.settled, 3));
  EXPECT_EQ(now().next, 2U);
  EXPECT_TRUE(set(now(), 2, std::nullopt));
  EXPECT_EQ(now().settled, 2U);
  EXPECT_FALSE(now().next);
}

}  // namespace

}  // namespace kaimen::contract

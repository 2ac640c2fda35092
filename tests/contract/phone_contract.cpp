// Phones: whose a number may be, and that it finds its user.
#include <atomic>

#include "tests/contract/account_acts.h"

namespace kaimen::contract {

namespace {

core::AttachByPhone attach_act(const core::LoginRecord& fresh, const std::string& code_hash) {
  core::AttachByPhone act;
  act.fresh = fresh.user.id;
  act.session = fresh.session.id;
  act.app = 7;
  act.family = "wechat";
  act.code_hash = code_hash;
  act.phone_index = "index";
  act.now = t0;
  act.revocations_until = t0 + 4h;
  return act;
}

}  // namespace

TEST_P(StoreContract, a_number_of_another_user_is_refused_where_it_must_be_unique) {
  const auto first = login("c1"), second = login("c2", "o2");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(first.user.id, "index", core::PhoneUnique::refuse))));
  ASSERT_TRUE(run_here(store().save_phone(phone_act(first.user.id, "index", core::PhoneUnique::refuse)))) << "one's own again";
  EXPECT_EQ(code_of(run_here(store().save_phone(phone_act(second.user.id, "index", core::PhoneUnique::refuse)))), ErrorCode::conflict);
  EXPECT_TRUE(run_here(store().save_phone(phone_act(second.user.id, "other", core::PhoneUnique::refuse))));
}

TEST_P(StoreContract, a_shared_number_is_reported_where_that_is_wanted) {
  const auto shared = [this] { return factory().query("SELECT count(*) FROM events WHERE kind = 'phone_shared'")[0][0]; };
  const auto first = login("c1"), second = login("c2", "o2");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(first.user.id, "index", core::PhoneUnique::report))));
  EXPECT_EQ(shared(), "0");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(second.user.id, "index", core::PhoneUnique::report))));
  EXPECT_EQ(shared(), "1");
}

TEST_P(StoreContract, of_many_who_bring_a_number_at_once_one_has_it) {
  // Both looked, both found nobody, both had it.
  for (int round = 0; round < 5; ++round) {
    std::vector<Id> users;
    for (int i = 0; i < 4; ++i) users.push_back(login("c" + std::to_string(round * 4 + i), "o" + std::to_string(round * 4 + i)).user.id);
    std::atomic<int> got{0};
    at_once(4, [&](int i) {
      if (run_here(store().save_phone(phone_act(users[static_cast<size_t>(i)], "index" + std::to_string(round), core::PhoneUnique::refuse)))) ++got;
    });
    EXPECT_EQ(got, 1);
  }
}

TEST_P(StoreContract, a_mark_is_claimed_by_one) {
  std::atomic<int> got{0};
  at_once(6, [&](int i) {
    if (run_here(store().accounts().claim_mark(hash("mark"), t0 + Millis(i)))) ++got;
  });
  EXPECT_EQ(got, 1);
  reopen();
  EXPECT_EQ(code_of(run_here(store().accounts().claim_mark(hash("mark"), t0 + 1s))), ErrorCode::code_used);
  ASSERT_TRUE(run_here(store().accounts().release_mark(hash("mark"))));
  EXPECT_TRUE(run_here(store().accounts().claim_mark(hash("mark"), t0 + 2s)));
}

// ---- logins that are put onto the user with their number ----

TEST_P(StoreContract, a_fresh_login_is_put_onto_the_one_user_with_its_number) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  auto act = login_act("c2", "o2");
  act.unionid = "u2";
  const auto fresh = login(act);
  ASSERT_TRUE(fresh.is_new_user);
  const auto attached = run_here(store().accounts().attach_by_phone(attach_act(fresh, act.code_hash))).value();
  ASSERT_TRUE(attached);
  EXPECT_EQ(attached->user.id, owner.user.id);
  EXPECT_EQ(attached->session.id, fresh.session.id);
  EXPECT_EQ(attached->session.generation, 1u);
  ASSERT_EQ(attached->revocations.size(), 1u);
  EXPECT_EQ(attached->revocations[0].reason, Reason::renew) << "of a ticket that a replay of the code may have had";
  EXPECT_EQ(code_of(run_here(store().find_user(fresh.user.id))), ErrorCode::not_found);
  EXPECT_EQ(login("c3", "o2").user.id, owner.user.id);
  auto elsewhere = login_act("c4", "o9");
  elsewhere.unionid = "u2";
  EXPECT_EQ(login(elsewhere).user.id, owner.user.id);
  EXPECT_FALSE(claim(act).value().login->is_new_user);
}

// The unionid of an official account stands under "wechat", as all of WeChat's do: looked for under the provider it stayed with the user who went.
TEST_P(StoreContract, the_unionid_of_a_login_put_onto_another_user_goes_along_in_its_family) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  auto act = login_act("c2", "o2");
  act.provider = "wechat_oauth";
  act.family = "wechat";
  act.unionid = "u2";
  act.registered = true;
  const auto fresh = login(act);
  ASSERT_TRUE(run_here(store().accounts().attach_by_phone(attach_act(fresh, act.code_hash))).value());
  auto elsewhere = login_act("c3", "o9");
  elsewhere.family = "wechat";
  elsewhere.unionid = "u2";
  EXPECT_EQ(login(elsewhere).user.id, owner.user.id);
}

TEST_P(StoreContract, nobody_with_the_number_is_no_attachment) {
  const auto act = login_act("c2", "o2");
  EXPECT_EQ(run_here(store().accounts().attach_by_phone(attach_act(login(act), act.code_hash))).value().has_value(), false);
}

TEST_P(StoreContract, two_with_the_number_are_nobody_to_be_put_onto) {
  for (const char* openid : {"o1", "o2"}) {
    const auto owner = login(std::string("c") + openid, openid);
    ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  }
  const auto act = login_act("c3", "o3");
  EXPECT_EQ(code_of(run_here(store().accounts().attach_by_phone(attach_act(login(act), act.code_hash)))), ErrorCode::conflict);
}

TEST_P(StoreContract, who_is_not_fresh_is_not_put_onto_another) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  const auto first = login_act("c2", "o2");
  const auto old = login(first);
  ASSERT_TRUE(try_login(at(login_act("c3", "o2"), t0 + 1s)));
  EXPECT_EQ(code_of(run_here(store().accounts().attach_by_phone(attach_act(old, first.code_hash)))), ErrorCode::conflict);
  EXPECT_TRUE(run_here(store().find_user(old.user.id)));
}

TEST_P(StoreContract, a_disabled_user_is_not_entered_by_a_number) {
  const auto owner = login("c1");
  ASSERT_TRUE(run_here(store().save_phone(phone_act(owner.user.id, "index", core::PhoneUnique::off))));
  ASSERT_TRUE(disable(owner.user.id, t0));
  const auto act = login_act("c2", "o2");
  EXPECT_EQ(code_of(run_here(store().accounts().attach_by_phone(attach_act(login(act), act.code_hash)))), ErrorCode::conflict);
}

}  // namespace kaimen::contract

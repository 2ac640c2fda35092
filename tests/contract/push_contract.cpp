// What WeChat's pushes do: each once, only to the user they name, and wholly.
#include "core/media_store.h"
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

namespace {

core::PushSubject subject(const std::string& once, const std::string& openid = "o1") {
  return {"wechat", "wx7", openid, once + std::string(32 - once.size(), '#')};
}

core::WithdrawProfile withdrawal(const std::string& once, const std::string& what, const std::string& openid = "o1") {
  core::WithdrawProfile act;
  act.subject = subject(once, openid);
  act.nickname = what.find('n') != what.npos;
  act.avatar = what.find('a') != what.npos;
  act.phone = what.find('p') != what.npos;
  act.default_nickname = "guest";
  act.now = t0 + 1min;
  act.source = {"r", {}, "wechat"};
  return act;
}

core::CloseIdentity closing(const std::string& once, const std::string& openid = "o1") {
  core::CloseIdentity act;
  act.subject = subject(once, openid);
  act.app = 7;
  act.default_nickname = "guest";
  act.now = t0 + 1min;
  act.revocations_until = t0 + 4h;
  act.source = {"r", {}, "wechat"};
  return act;
}

/// Everything that is personal.
void fill(core::Store& store, const Id& user) {
  ASSERT_TRUE(run_here(store.save_profile(whole_profile(user))));
  ASSERT_TRUE(run_here(store.save_phone(phone_act(user, "index"))));
}

core::User user_now(core::Store& store, const Id& id) { return run_here(store.find_user(id)).value(); }
core::PushEffect withdraw(core::Store& store, const core::WithdrawProfile& act) { return run_here(store.media().withdraw_profile(act)).value(); }
core::ClosedIdentity close_it(core::Store& store, const core::CloseIdentity& act) { return run_here(store.media().close_identity(act)).value(); }
std::string events(StoreFactory& factory, const std::string& kind) {
  return factory.query("SELECT count(*) FROM events WHERE kind = '" + kind + "'")[0][0];
}

}  // namespace

TEST_P(StoreContract, what_is_withdrawn_goes_and_the_rest_stays) {
  const Id user = login("c1").user.id;
  fill(store(), user);
  EXPECT_EQ(withdraw(store(), withdrawal("1", "n")), core::PushEffect::applied);
  EXPECT_EQ(user_now(store(), user).nickname, "guest");
  EXPECT_EQ(user_now(store(), user).avatar_url, "https://a");
  EXPECT_EQ(withdraw(store(), withdrawal("2", "a")), core::PushEffect::applied);
  EXPECT_EQ(user_now(store(), user).avatar_url, "");
  EXPECT_EQ(user_now(store(), user).phone_sealed, "sealed");
  EXPECT_EQ(withdraw(store(), withdrawal("3", "p")), core::PushEffect::applied);
  EXPECT_EQ(user_now(store(), user).phone_sealed, "");
  EXPECT_EQ(user_now(store(), user).city, "ci");
  EXPECT_EQ(factory().query("SELECT count(*) FROM users WHERE phone_index IS NOT NULL")[0][0], "0");
  EXPECT_EQ(events(factory(), "profile_withdrawn"), "3");
}

TEST_P(StoreContract, the_same_push_again_does_nothing) {
  const Id user = login("c1").user.id;
  fill(store(), user);
  EXPECT_EQ(withdraw(store(), withdrawal("1", "nap")), core::PushEffect::applied);
  fill(store(), user);
  EXPECT_EQ(withdraw(store(), withdrawal("1", "nap")), core::PushEffect::repeated);
  EXPECT_EQ(user_now(store(), user).nickname, "n");
  reopen();
  EXPECT_EQ(withdraw(store(), withdrawal("1", "nap")), core::PushEffect::repeated);
  EXPECT_EQ(events(factory(), "profile_withdrawn"), "1");
}

TEST_P(StoreContract, of_many_at_once_one_is_applied) {
  fill(store(), login("c1").user.id);
  std::atomic<int> applied{0};
  at_once(8, [&](int) { applied += withdraw(store(), withdrawal("1", "n")) == core::PushEffect::applied; });
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(events(factory(), "profile_withdrawn"), "1");
}

// Kept marks of strangers would be rows that anybody with an app could pile up.
TEST_P(StoreContract, a_push_about_nobody_leaves_nothing) {
  EXPECT_EQ(withdraw(store(), withdrawal("1", "n", "stranger")), core::PushEffect::nobody);
  EXPECT_EQ(close_it(store(), closing("2", "stranger")).effect, core::PushEffect::nobody);
  EXPECT_EQ(factory().query("SELECT count(*) FROM once_marks")[0][0], "0");
}

TEST_P(StoreContract, a_user_with_no_other_way_in_is_deleted) {
  auto act = login_act("c1");
  act.unionid = "u1";
  act.session_key_sealed = "key";
  act.session_key_index = "index";
  const auto made = login(act);
  fill(store(), made.user.id);
  const auto closed = close_it(store(), closing("1"));
  EXPECT_TRUE(closed.user_deleted);
  ASSERT_EQ(closed.revocations.size(), 1U);
  EXPECT_EQ(closed.revocations[0].session, made.session.id);
  EXPECT_EQ(closed.revocations[0].reason, Reason::deleted);
  EXPECT_EQ(code_of(run_here(store().find_user(made.user.id))), ErrorCode::not_found);
  EXPECT_EQ(session_now(made.session.id).ended, Reason::deleted);
  EXPECT_TRUE(keys_of("o1").empty());
  EXPECT_EQ(factory().query("SELECT nickname, avatar_url, city, attributes, phone_index FROM users")[0],
            (std::vector<std::string>{"", "", "", "{}", "NULL"}));
  EXPECT_EQ(factory().query("SELECT count(*) FROM unionids")[0][0], "0");
  EXPECT_EQ(events(factory(), "user_deleted"), "1");
}

// Whoever opens the mini program again is somebody new.
TEST_P(StoreContract, the_next_login_makes_another_user) {
  const auto before = login("c1");
  ASSERT_TRUE(close_it(store(), closing("1")).user_deleted);
  const auto after = login("c2");
  EXPECT_TRUE(after.is_new_user);
  EXPECT_NE(after.user.id, before.user.id);
}

TEST_P(StoreContract, another_identity_keeps_the_user) {
  auto first = login_act("c1"), other = login_act("c2", "o2");
  first.unionid = other.unionid = "u1";
  other.app = 8;
  other.app_id = "wx8";
  const auto here = login(first), there = login(other);
  ASSERT_EQ(here.user.id, there.user.id);
  fill(store(), here.user.id);
  const auto closed = close_it(store(), closing("1"));
  EXPECT_FALSE(closed.user_deleted);
  ASSERT_EQ(closed.revocations.size(), 1U);
  EXPECT_EQ(session_now(here.session.id).ended, Reason::deleted);
  EXPECT_FALSE(session_now(there.session.id).ended);
  const core::User user = user_now(store(), here.user.id);
  EXPECT_EQ(user.nickname, "guest");
  EXPECT_EQ(user.phone_sealed + user.city + user.avatar_url, "");
  EXPECT_EQ(user.attributes, "{}");
  // The other identity has the same unionid: it goes on to name the user.
  EXPECT_EQ(factory().query("SELECT count(*) FROM unionids")[0][0], "1");
  EXPECT_EQ(factory().query("SELECT count(*) FROM identities")[0][0], "1");
  EXPECT_EQ(events(factory(), "identity_closed"), "1");
  EXPECT_EQ(close_it(store(), closing("1")).effect, core::PushEffect::repeated);
}

}  // namespace kaimen::contract

// A web-view's session: opened once a code, beside its parent, and ended with it however that ends.
#include "core/directory_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

core::HandOver hand_over_act(const Id& parent, const Id& session, const std::string& once, Time now = t0) {
  core::HandOver act;
  act.parent = parent;
  act.new_session = session;
  act.once = once + std::string(32 - once.size(), '#');
  act.entry = "https://h5.example.cn";
  act.now = now;
  act.idle_expires_at = now + 30 * 24h;
  act.revocations_until = now + 4h;
  return act;
}

TEST_P(StoreContract, a_handed_over_session_stands_beside_its_parent) {
  auto act = login_act("c1");
  act.unionid = "u1";
  act.env = core::Env::trial;
  const auto made = login(act);
  const Id child = new_id();
  const auto opened = run_here(store().directory().hand_over(hand_over_act(made.session.id, child, "h1"))).value();
  EXPECT_EQ(opened.user.id, made.user.id);
  const auto session = session_now(child);
  EXPECT_EQ(session.id, opened.session.id);
  EXPECT_EQ(session.parent, made.session.id);
  EXPECT_EQ(session.app, made.session.app);
  EXPECT_EQ(session.openid, "o1");
  EXPECT_EQ(session.unionid, "u1");
  EXPECT_EQ(session.env, core::Env::trial);
  EXPECT_EQ(session.absolute_expires_at, made.session.absolute_expires_at);
  EXPECT_EQ(session.entry, "https://h5.example.cn");
  EXPECT_EQ(live_sessions(made.user.id, t0).size(), 2u);
}

TEST_P(StoreContract, a_hand_over_is_good_once) {
  const auto made = login("c1");
  ASSERT_TRUE(run_here(store().directory().hand_over(hand_over_act(made.session.id, new_id(), "h1"))));
  EXPECT_EQ(code_of(run_here(store().directory().hand_over(hand_over_act(made.session.id, new_id(), "h1")))), ErrorCode::code_used);
  reopen();
  EXPECT_EQ(code_of(run_here(store().directory().hand_over(hand_over_act(made.session.id, new_id(), "h1")))), ErrorCode::code_used);
  EXPECT_EQ(live_sessions(made.user.id, t0).size(), 2u);
}

TEST_P(StoreContract, of_many_that_take_one_hand_over_one_gets_it) {
  const auto made = login("c1");
  std::atomic<int> got{0};
  at_once(8, [&](int) { got += run_here(store().directory().hand_over(hand_over_act(made.session.id, new_id(), "h1"))).has_value(); });
  EXPECT_EQ(got, 1);
  EXPECT_EQ(live_sessions(made.user.id, t0).size(), 2u);
}

TEST_P(StoreContract, a_session_that_has_ended_hands_nothing_over) {
  const auto made = login("c1");
  ASSERT_TRUE(end(made.session.id, t0));
  const auto refused = run_here(store().directory().hand_over(hand_over_act(made.session.id, new_id(), "h1")));
  EXPECT_EQ(code_of(refused), ErrorCode::unauthenticated);
  EXPECT_EQ(refused.error().reason, Reason::logged_out);
  EXPECT_EQ(run_here(store().directory().hand_over(hand_over_act(new_id(), new_id(), "h2"))).error().reason, Reason::expired);
  const auto other = login("c2");
  EXPECT_EQ(run_here(store().directory().hand_over(hand_over_act(other.session.id, new_id(), "h3", t0 + 31 * 24h))).error().reason, Reason::expired);
  auto revoked = hand_over_act(other.session.id, new_id(), "h4");
  revoked.created_after = t0;
  EXPECT_EQ(run_here(store().directory().hand_over(revoked)).error().reason, Reason::revoked);
}

TEST_P(StoreContract, a_handed_over_session_is_not_handed_on) {
  const Id child = new_id();
  ASSERT_TRUE(run_here(store().directory().hand_over(hand_over_act(login("c1").session.id, child, "h1"))));
  EXPECT_EQ(code_of(run_here(store().directory().hand_over(hand_over_act(child, new_id(), "h2")))), ErrorCode::forbidden);
}

TEST_P(StoreContract, it_ends_with_its_parent_however_that_ends) {
  const auto child_of = [&](const core::LoginRecord& made, const std::string& once) {
    const Id child = new_id();
    EXPECT_TRUE(run_here(store().directory().hand_over(hand_over_act(made.session.id, child, once))));
    return child;
  };
  const auto first = login("c1");
  const Id logged_out = child_of(first, "h1");
  EXPECT_EQ(end(first.session.id, t0).value().size(), 2u) << "both are revoked";
  EXPECT_EQ(session_now(logged_out).ended, Reason::logged_out);

  auto phone = login_act("c2");
  phone.device.id = "phone";
  const Id superseded = child_of(login(phone), "h2");
  auto again = login_act("c3");
  again.device.id = "phone";
  const auto second = login(again);
  EXPECT_EQ(session_now(superseded).ended, Reason::renew);

  const Id replaced = child_of(second, "h3");
  auto limited = login_act("c4");
  limited.max_per_user = 1;
  const auto third = login(limited);
  EXPECT_EQ(session_now(replaced).ended, Reason::replaced);

  const Id reused = child_of(third, "h4");
  ASSERT_EQ(renew(third.session, 0, t0 + 1s).kind, core::Renewal::Kind::next);
  ASSERT_EQ(renew(third.session, 1, t0 + 2min).kind, core::Renewal::Kind::next);
  ASSERT_EQ(renew(third.session, 0, t0 + 4min).reason, Reason::reused);
  EXPECT_EQ(session_now(reused).ended, Reason::reused);

  const auto last = login("c5");
  const Id disabled = child_of(last, "h5");
  EXPECT_EQ(disable(last.user.id, t0).value().size(), 2u);
  EXPECT_EQ(session_now(disabled).ended, Reason::disabled);
}

TEST_P(StoreContract, a_web_view_counts_for_no_limit_and_stays_when_the_others_are_ended) {
  auto act = login_act("c1");
  act.max_per_user = 1;
  const auto made = login(act);
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(run_here(store().directory().hand_over(hand_over_act(made.session.id, new_id(), "h" + std::to_string(i), t0 + i * 1s))));
  EXPECT_EQ(live_sessions(made.user.id, t0).size(), 6u) << "five web-views and their parent";
  core::EndSessions others;
  others.user = made.user.id;
  others.except = made.session.id;
  others.now = t0;
  others.revocations_until = t0 + 4h;
  ASSERT_TRUE(run_here(store().end_sessions(others)));
  EXPECT_EQ(live_sessions(made.user.id, t0).size(), 6u);
}

TEST_P(StoreContract, a_web_view_renews_while_its_parent_lives) {
  const auto made = login("c1");
  const Id child = new_id();
  const auto opened = run_here(store().directory().hand_over(hand_over_act(made.session.id, child, "h1"))).value();
  const auto renewed = renew(opened.session, 0, t0 + 20 * 24h);
  ASSERT_EQ(renewed.kind, core::Renewal::Kind::next);
  // Its parent was not renewed for 30 days.
  const auto late = renew(*renewed.session, 1, t0 + 30 * 24h);
  EXPECT_EQ(late.kind, core::Renewal::Kind::refused);
  EXPECT_EQ(late.reason, Reason::expired);
}

// Two phones' users are found to be one by the very login that replaces a session: what was handed over from it went on living.
TEST_P(StoreContract, a_web_view_whose_session_a_merge_moved_ends_with_it) {
  auto named = login_act("c1", "o8");
  named.app = 8;
  named.app_id = "wx8";
  named.unionid = "u1";
  login(named);
  const auto made = login("c2", "o7");
  const Id child = new_id();
  ASSERT_TRUE(run_here(store().directory().hand_over(hand_over_act(made.session.id, child, "h1"))));
  auto next = login_act("c3", "o7");
  next.unionid = "u1";
  next.old_session = made.session.id;
  next.move_phone = [](const Id&, const Id&, const std::string& sealed) -> Result<core::SealedPhone> { return core::SealedPhone{sealed, {}}; };
  const auto merged = login(at(next, t0 + 1min));
  ASSERT_NE(merged.user.id, made.user.id);
  EXPECT_EQ(session_now(made.session.id).ended, Reason::renew);
  EXPECT_EQ(session_now(child).ended, Reason::renew);
}

}  // namespace kaimen::contract

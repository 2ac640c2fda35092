// Renewal: the current token goes on, the previous one is forgiven once, an older one is a copy in other hands.
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

using core::Renewal;

TEST_P(StoreContract, the_current_token_gives_the_next_generation) {
  const auto first = login("c1");
  const Time now = t0 + 1h;
  const auto renewed = renew(first.session, 0, now);
  ASSERT_EQ(renewed.kind, Renewal::Kind::next);
  EXPECT_EQ(renewed.session->generation, 1u);
  EXPECT_EQ(renewed.session->generation_issued_at, now);
  EXPECT_EQ(renewed.session->idle_expires_at, now + 30 * 24h);
  EXPECT_EQ(renewed.session->absolute_expires_at, first.session.absolute_expires_at);
  EXPECT_EQ(renewed.user->id, first.user.id);
  EXPECT_TRUE(renewed.revocations.empty());
  const auto stored = session_now(first.session.id);
  EXPECT_EQ(stored.generation, 1u);
  EXPECT_EQ(stored.generation_issued_at, now);
  EXPECT_EQ(stored.idle_expires_at, now + 30 * 24h);
}

TEST_P(StoreContract, the_previous_token_within_a_minute_gives_the_current_generation_again) {
  const auto session = login("c1").session;
  renew(session, 0, t0 + 1h);
  const auto again = renew(session, 0, t0 + 1h + 60s);
  ASSERT_EQ(again.kind, Renewal::Kind::same);
  EXPECT_EQ(again.session->generation, 1u);
  EXPECT_EQ(again.session->generation_issued_at, t0 + 1h);
  EXPECT_TRUE(again.user);
  EXPECT_TRUE(again.revocations.empty());
  EXPECT_EQ(session_now(session.id).generation, 1u);
}

TEST_P(StoreContract, the_previous_token_after_a_minute_was_lost_and_gives_a_new_generation) {
  const auto session = login("c1").session;
  renew(session, 0, t0 + 1h);
  const Time now = t0 + 1h + 60s + 1ms;
  const auto lost = renew(session, 0, now);
  ASSERT_EQ(lost.kind, Renewal::Kind::lost);
  EXPECT_EQ(lost.session->generation, 2u);
  ASSERT_EQ(lost.revocations.size(), 1u);
  EXPECT_EQ(lost.revocations[0].session, session.id);
  EXPECT_EQ(lost.revocations[0].generation, 1u);
  EXPECT_EQ(lost.revocations[0].reason, Reason::renew);
  EXPECT_EQ(lost.revocations[0].until, now + 4h);
  EXPECT_EQ(session_now(session.id).generation, 2u);
  EXPECT_EQ(run_here(store().revocations(now)).value().size(), 1u);
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'renewal_lost'")[0][0], "1");
}

TEST_P(StoreContract, a_lost_renewal_that_comes_twice_ends_nothing) {
  const auto session = login("c1").session;
  renew(session, 0, t0 + 1h);
  const Time now = t0 + 2h;
  ASSERT_EQ(renew(session, 0, now).kind, Renewal::Kind::lost);
  const auto again = renew(session, 0, now + 60s);
  ASSERT_EQ(again.kind, Renewal::Kind::same);
  EXPECT_EQ(again.session->generation, 2u);
  ASSERT_EQ(again.revocations.size(), 1u);
  EXPECT_EQ(again.revocations[0].generation, 1u);
  EXPECT_EQ(renew(session, 0, now + 60s + 1ms).reason, Reason::reused);
}

TEST_P(StoreContract, an_older_token_ends_the_session_as_reused) {
  const auto session = login("c1").session;
  renew(session, 0, t0 + 1h);
  renew(session, 1, t0 + 2h);
  const auto reused = renew(session, 0, t0 + 2h + 1s);
  ASSERT_EQ(reused.kind, Renewal::Kind::refused);
  EXPECT_EQ(reused.reason, Reason::reused);
  EXPECT_FALSE(reused.session);
  ASSERT_EQ(reused.revocations.size(), 1u);
  EXPECT_EQ(reused.revocations[0].generation, 0xffffffffu);
  EXPECT_EQ(reused.revocations[0].reason, Reason::reused);
  EXPECT_EQ(session_now(session.id).ended, Reason::reused);
  EXPECT_EQ(renew(session, 2, t0 + 2h + 2s).reason, Reason::reused);
}

TEST_P(StoreContract, the_end_of_a_session_outweighs_the_loss_of_a_generation) {
  const auto session = login("c1").session;
  renew(session, 0, t0 + 1h);
  renew(session, 0, t0 + 2h);
  ASSERT_TRUE(end(session.id, t0 + 2h));
  const auto live = run_here(store().revocations(t0 + 2h)).value();
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].generation, 0xffffffffu);
  EXPECT_EQ(live[0].reason, Reason::logged_out);
}

TEST_P(StoreContract, a_token_newer_than_the_row_is_unavailable_and_harms_nothing) {
  const auto session = login("c1").session;
  EXPECT_EQ(code_of(run_here(store().renew_session(renewal_act(session, 1, t0 + 1h)))), ErrorCode::unavailable);
  EXPECT_EQ(code_of(run_here(store().renew_session(renewal_act(session, 0xffffffff, t0 + 1h)))), ErrorCode::unavailable);
  EXPECT_EQ(renew(session, 0, t0 + 1h).kind, Renewal::Kind::next);
}

TEST_P(StoreContract, a_renewal_of_an_unknown_session_is_expired) {
  core::Session nobody;
  nobody.id = new_id();
  const auto renewed = renew(nobody, 0, t0);
  EXPECT_EQ(renewed.kind, Renewal::Kind::refused);
  EXPECT_EQ(renewed.reason, Reason::expired);
}

TEST_P(StoreContract, a_renewal_in_another_app_is_refused_and_harms_nothing) {
  const auto session = login("c1").session;
  auto act = renewal_act(session, 0, t0 + 1h);
  act.app = 8;
  EXPECT_EQ(renew(act).kind, Renewal::Kind::refused);
  EXPECT_EQ(renew(session, 0, t0 + 1h).kind, Renewal::Kind::next);
}

TEST_P(StoreContract, a_renewal_of_an_ended_session_tells_why_it_ended) {
  for (const Reason reason : {Reason::logged_out, Reason::revoked}) {
    const auto session = login(std::string(name_of(reason))).session;
    ASSERT_TRUE(end(session.id, t0, reason));
    const auto renewed = renew(session, 0, t0 + 1s);
    EXPECT_EQ(renewed.kind, Renewal::Kind::refused);
    EXPECT_EQ(renewed.reason, reason);
  }
}

TEST_P(StoreContract, a_session_idles_to_the_millisecond) {
  const auto early = login("c1").session, late = login("c2").session;
  EXPECT_EQ(renew(early, 0, early.idle_expires_at - 1ms).kind, Renewal::Kind::next);
  EXPECT_EQ(renew(late, 0, late.idle_expires_at).reason, Reason::expired);
  EXPECT_EQ(session_now(late.id).ended, std::nullopt);
}

TEST_P(StoreContract, a_session_ends_absolutely_to_the_millisecond) {
  auto act = login_act("c1");
  act.idle_expires_at = act.absolute_expires_at = t0 + 1h;
  auto second = login_act("c2");
  second.idle_expires_at = second.absolute_expires_at = t0 + 1h;
  const auto early = login(act).session, late = login(second).session;
  EXPECT_EQ(renew(early, 0, t0 + 1h - 1ms).kind, Renewal::Kind::next);
  EXPECT_EQ(renew(early, 1, t0 + 1h).reason, Reason::expired);
  EXPECT_EQ(renew(late, 0, t0 + 1h).reason, Reason::expired);
}

TEST_P(StoreContract, the_idle_end_never_passes_the_absolute_end) {
  auto act = login_act("c1");
  act.idle_expires_at = act.absolute_expires_at + 1h;
  const auto session = login(act).session;
  EXPECT_EQ(session.idle_expires_at, act.absolute_expires_at);
  EXPECT_EQ(session_now(session.id).idle_expires_at, act.absolute_expires_at);
  const auto renewed = renew(session, 0, act.absolute_expires_at - 1s);
  EXPECT_EQ(renewed.session->idle_expires_at, act.absolute_expires_at);
  EXPECT_EQ(session_now(session.id).idle_expires_at, act.absolute_expires_at);
}

TEST_P(StoreContract, a_session_made_up_to_the_apps_revocation_ends_as_revoked) {
  const auto session = login("c1").session;
  auto act = renewal_act(session, 0, t0 + 1h);
  act.created_after = t0;
  const auto renewed = renew(act);
  EXPECT_EQ(renewed.kind, Renewal::Kind::refused);
  EXPECT_EQ(renewed.reason, Reason::revoked);
  EXPECT_EQ(renewed.revocations.size(), 1u);
  EXPECT_EQ(session_now(session.id).ended, Reason::revoked);
}

TEST_P(StoreContract, a_session_made_after_the_apps_revocation_is_renewed) {
  const auto session = login("c1").session;
  auto act = renewal_act(session, 0, t0 + 1h);
  act.created_after = t0 - 1ms;
  EXPECT_EQ(renew(act).kind, Renewal::Kind::next);
}

TEST_P(StoreContract, a_disabled_user_does_not_renew) {
  const auto made = login("c1");
  ASSERT_TRUE(disable(made.user.id, t0));
  const auto renewed = renew(made.session, 0, t0 + 1h);
  EXPECT_EQ(renewed.kind, Renewal::Kind::refused);
  EXPECT_EQ(renewed.reason, Reason::disabled);
}

TEST_P(StoreContract, a_hundred_parallel_renewals_make_one_generation) {
  // A mini program wakes up and all its requests find an old ticket: none of them may end the session.
  const auto session = login("c1").session;
  std::atomic<int> next{0}, same{0};
  at_once(100, [&](int) {
    const auto renewed = renew(session, 0, t0 + 1h);
    if (renewed.kind == Renewal::Kind::next) ++next;
    if (renewed.kind == Renewal::Kind::same) ++same;
    EXPECT_EQ(renewed.session->generation, 1u);
  });
  EXPECT_EQ(next, 1);
  EXPECT_EQ(same, 99);
  EXPECT_EQ(session_now(session.id).generation, 1u);
}

TEST_P(StoreContract, a_generation_is_known_after_a_restart) {
  const auto session = login("c1").session;
  renew(session, 0, t0 + 1h);
  reopen();
  EXPECT_EQ(renew(session, 1, t0 + 2h).session->generation, 2u);
}

}  // namespace kaimen::contract

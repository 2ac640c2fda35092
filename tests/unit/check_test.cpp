// The order of reasons is a contract; the table at the end holds every pair of it.
#include "check/check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// g++ 12 has this in its runtime (sanitizer/allocator_interface.h) without shipping the header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, size_t), void (*on_free)(const volatile void*));
#endif

#include "tickets.h"

namespace kaimen::check {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

struct Check : testing::Test {
  Reason check(std::string_view text) {
    verdict_ = check_ticket(text, KeyRing(ring_), apps_, revocations_, now_, opened_);
    return verdict_.reason;
  }
  Reason check(const Claims& claims) { return check(seal_ticket(ring_[0].key, claims, nonce_of(1))); }
  Reason check() { return check(claims_); }
  AppState& app() { return apps_.at(7); }

  std::vector<RingKey> ring_{{key_of(1)}, {key_of(2, 9)}};
  AppStates apps_{{7, AppState{"wx1", "default"}}, {8, AppState{"wx2", "other"}}};
  Revocations revocations_;
  uint64_t now_ = kNow;
  Claims claims_ = claims_of(1);
  Opened opened_;
  Verdict verdict_;
};

TEST_F(Check, a_good_ticket_is_good) {
  EXPECT_EQ(check(), Reason::none);
  expect_equal(opened_.claims, claims_);
  ASSERT_NE(verdict_.app, nullptr);
  EXPECT_EQ(verdict_.app->app_id, "wx1");
}
TEST_F(Check, tickets_of_every_key_of_the_ring_are_good) { EXPECT_EQ(check(seal_ticket(ring_[1].key, claims_, nonce_of(1))), Reason::none); }

TEST_F(Check, no_text_is_malformed_and_names_nobody) {
  check();
  EXPECT_EQ(check(""), Reason::malformed);
  expect_equal(opened_.claims, Claims{});
  EXPECT_EQ(verdict_.app, nullptr);
}
TEST_F(Check, an_unknown_key_is_malformed_and_names_nobody) {
  check();
  EXPECT_EQ(check(seal_ticket(key_of(3), claims_, nonce_of(1))), Reason::malformed);
  expect_equal(opened_.claims, Claims{});
}
TEST_F(Check, a_wrong_tag_is_malformed_and_names_nobody) {
  check();
  EXPECT_EQ(check(seal_ticket(key_of(1, 200), claims_, nonce_of(1))), Reason::malformed);
  expect_equal(opened_.claims, Claims{});
}
TEST_F(Check, an_empty_ring_knows_no_ticket) {
  const std::string text = seal_ticket(ring_[0].key, claims_, nonce_of(1));
  ring_.clear();
  EXPECT_EQ(check(text), Reason::malformed);
}
TEST_F(Check, an_app_inside_the_scope_of_the_key_is_good) {
  ring_[0].apps = {3, 7, 9};
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, an_app_outside_the_scope_of_the_key_is_malformed) {
  ring_[0].apps = {3, 6, 8, 9};
  EXPECT_EQ(check(), Reason::malformed);
}

TEST_F(Check, issued_60_s_ahead_is_good) {
  claims_.issued_ms = kNow + 60'000;
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, issued_more_than_60_s_ahead_is_malformed) {
  claims_.issued_ms = kNow + 60'001;
  EXPECT_EQ(check(), Reason::malformed);
}
TEST_F(Check, a_life_at_the_cap_is_good) {
  claims_.life_s = app().life_cap_s;
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, a_life_above_the_cap_is_malformed) {
  claims_.life_s = app().life_cap_s + 1;
  EXPECT_EQ(check(), Reason::malformed);
}
TEST_F(Check, a_life_of_nothing_is_malformed) {
  claims_.life_s = 0;
  EXPECT_EQ(check(), Reason::malformed);
}

TEST_F(Check, a_revoked_session_answers_its_reason) {
  for (const Reason reason : {Reason::revoked, Reason::replaced, Reason::disabled, Reason::deleted, Reason::reused, Reason::logged_out}) {
    const Claims claims = claims_of(100 + static_cast<uint64_t>(reason));
    revocations_.put(claims.session, kAllGenerations, reason, kMax);
    EXPECT_EQ(check(claims), reason);
  }
}
TEST_F(Check, a_reason_of_a_later_version_still_refuses) {
  revocations_.put(claims_.session, kAllGenerations, static_cast<Reason>(77), kMax);
  EXPECT_NE(check(), Reason::none);
}
TEST_F(Check, another_session_s_revocation_does_not_touch_this_one) {
  revocations_.put(session_of(2), kAllGenerations, Reason::revoked, kMax);
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, an_app_that_is_gone_is_deleted) {
  claims_.app = 99;
  EXPECT_EQ(check(), Reason::deleted);
  EXPECT_EQ(verdict_.app, nullptr);
  EXPECT_EQ(opened_.claims.app, 99U);
}
TEST_F(Check, an_app_that_is_disabled_is_disabled) {
  app().disabled = true;
  EXPECT_EQ(check(), Reason::disabled);
}
TEST_F(Check, issued_up_to_10_s_after_the_app_s_revocation_is_revoked) {
  app().revoked_before_ms = claims_.issued_ms - 10'000;
  EXPECT_EQ(check(), Reason::revoked);
}
TEST_F(Check, issued_more_than_10_s_after_the_app_s_revocation_is_good) {
  app().revoked_before_ms = claims_.issued_ms - 10'001;
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, issued_before_the_app_s_revocation_is_revoked) {
  app().revoked_before_ms = kMax;
  EXPECT_EQ(check(), Reason::revoked);
}
TEST_F(Check, without_an_app_s_revocation_even_a_ticket_of_1970_was_not_revoked) {
  claims_.issued_ms = 0;
  EXPECT_EQ(check(), Reason::expired);
}

TEST_F(Check, a_millisecond_before_its_end_a_ticket_is_good) {
  now_ = claims_.expires_ms() - 1;
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, at_its_end_a_ticket_is_expired) {
  now_ = claims_.expires_ms();
  EXPECT_EQ(check(), Reason::expired);
  expect_equal(opened_.claims, claims_);  // logout takes it
}
TEST_F(Check, a_replaced_generation_answers_renew) {
  revocations_.put(claims_.session, claims_.generation, Reason::renew, kMax);
  EXPECT_EQ(check(), Reason::renew);
}
TEST_F(Check, the_generation_after_a_replaced_one_is_good) {
  revocations_.put(claims_.session, claims_.generation - 1, Reason::renew, kMax);
  EXPECT_EQ(check(), Reason::none);
}
TEST_F(Check, a_retired_key_answers_renew) {
  ring_[0].retired = true;
  EXPECT_EQ(check(), Reason::renew);
  EXPECT_EQ(check(seal_ticket(ring_[1].key, claims_, nonce_of(1))), Reason::none);
}

TEST_F(Check, a_clock_ten_years_ahead_expires_and_revives_nothing) {
  const uint64_t ten_years = uint64_t{10} * 365 * 86'400'000;
  now_ = kNow + ten_years;
  EXPECT_EQ(check(), Reason::expired);
  revocations_.put(claims_.session, kAllGenerations, Reason::logged_out, kNow + 1);
  EXPECT_EQ(check(), Reason::logged_out);
}
TEST_F(Check, a_clock_an_hour_back_refuses_what_it_thinks_is_not_yet) {
  now_ = kNow - 3'600'000;
  EXPECT_EQ(check(), Reason::malformed);
}
TEST_F(Check, the_largest_numbers_do_not_wrap) {
  claims_.issued_ms = (uint64_t{1} << 48) - 1;
  claims_.life_s = std::numeric_limits<uint32_t>::max();
  app().life_cap_s = claims_.life_s;
  for (const uint64_t now : {uint64_t{0}, kNow, kMax}) {
    now_ = now;
    EXPECT_EQ(check(), now == kMax ? Reason::expired : Reason::malformed) << now;
  }
  now_ = kMax;
  app().revoked_before_ms = kMax;
  EXPECT_EQ(check(), Reason::revoked);
}

// Each defect in the order in which it must be named; for every pair, the earlier one wins.
TEST_F(Check, of_two_defects_the_earlier_of_the_order_is_named) {
  struct Defect {
    const char* name;
    Reason reason;
    std::function<void(Check&)> make;
  };
  const std::vector<Defect> order = {
      {"scope", Reason::malformed, [](Check& c) { c.ring_[0].apps = {1000}; }},
      {"life of nothing", Reason::malformed, [](Check& c) { c.claims_.life_s = 0; }},
      {"revocation row", Reason::logged_out, [](Check& c) { c.revocations_.put(c.claims_.session, kAllGenerations, Reason::logged_out, kMax); }},
      {"app gone", Reason::deleted, [](Check& c) { c.claims_.app = 99; }},
      {"app disabled", Reason::disabled, [](Check& c) { c.app().disabled = true; }},
      {"app revoked", Reason::revoked, [](Check& c) { c.app().revoked_before_ms = kNow; }},
      {"expired", Reason::expired, [](Check& c) { c.now_ = kNow + 7'200'000; }},
      {"generation", Reason::renew, [](Check& c) { c.revocations_.put(c.claims_.session, c.claims_.generation, Reason::renew, kMax); }},
      {"key retired", Reason::renew, [](Check& c) { c.ring_[0].retired = true; }},
  };
  for (size_t first = 0; first < order.size(); ++first) {
    for (size_t second = first; second < order.size(); ++second) {
      // A session has one revocation row: its reason is one of the two.
      if (order[first].name == std::string("revocation row") && order[second].name == std::string("generation")) continue;
      struct Fresh : Check {
        void TestBody() override {}
      } fresh;
      fresh.claims_.session = session_of(1000 + first * 100 + second);
      order[second].make(fresh);
      order[first].make(fresh);
      EXPECT_EQ(fresh.check(), order[first].reason) << order[first].name << ", " << order[second].name;
    }
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
thread_local size_t allocations = 0;
TEST_F(Check, allocates_nothing_after_the_first_use_of_a_key) {
  const KeyRing ring(ring_);
  const std::string good = seal_ticket(ring_[0].key, claims_, nonce_of(1));
  std::string bad = good;
  bad[100] = bad[100] == 'A' ? 'B' : 'A';
  const auto both = [&] {
    return std::array{check_ticket(good, ring, apps_, revocations_, now_, opened_).reason, check_ticket(bad, ring, apps_, revocations_, now_, opened_).reason};
  };
  const auto expected = std::array{Reason::none, Reason::malformed};
  // More keys than a thread keeps, so that the two that matter have to be kept by their use.
  for (uint8_t i = 1; i < 30; ++i) seal_ticket(key_of(i, i), claims_, nonce_of(1));
  for (uint8_t i = 1; i < 30; ++i) open_ticket(key_of(1, i), good, opened_);
  const std::string other = seal_ticket(ring_[1].key, claims_, nonce_of(1));
  check_ticket(other, ring, apps_, revocations_, now_, opened_);
  ASSERT_EQ(both(), expected);
  ASSERT_TRUE(__sanitizer_install_malloc_and_free_hooks([](const volatile void*, size_t) { ++allocations; }, [](const volatile void*) {}));
  const size_t control = allocations;
  delete new volatile int(1);
  ASSERT_EQ(allocations, control + 1);
  const size_t before = allocations;
  const Verdict again = check_ticket(other, ring, apps_, revocations_, now_, opened_);
  const auto reasons = both();
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(again.reason, Reason::none);
  EXPECT_EQ(reasons, expected);
}
#endif

}  // namespace
}  // namespace kaimen::check

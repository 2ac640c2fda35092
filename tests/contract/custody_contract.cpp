// The custody of access_tokens: who may fetch one, and whose stands.
#include <atomic>

#include "tests/contract/app_row.h"

namespace kaimen::contract {

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

TEST_P(StoreContract, leases_of_two_apps_are_apart) {
  const auto first = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 10s)).value();
  EXPECT_TRUE(run_here(store().lease_access_token("wx2", new_id(), t0, t0 + 10s)).value());
  EXPECT_TRUE(run_here(store().lease_access_token("wx2", new_id(), t0 + 20s, t0 + 30s)).value());
  EXPECT_EQ(run_here(store().access_token("wx1")).value().lease, first);
}

}  // namespace kaimen::contract

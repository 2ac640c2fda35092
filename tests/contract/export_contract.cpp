// An export has all there is of a user, by pages where that has no end.
#include <algorithm>
#include <tuple>

#include "tests/contract/account_acts.h"

namespace kaimen::contract {

TEST_P(StoreContract, an_export_has_what_the_tables_have) {
  const auto made = whole_user(store(), login_act("c1", "canary-openid"));
  const auto held = run_here(store().accounts().held_of(made.user.id)).value();
  const core::HeldBehind from_the_first{made.user.id};
  const auto sessions = run_here(store().accounts().held_sessions(made.user.id, {}, 10)).value();
  const auto events = run_here(store().accounts().held_events(from_the_first)).value();
  const auto count = [&](const std::string& table) { return factory().query("SELECT count(*) FROM " + table)[0][0]; };
  EXPECT_EQ(std::to_string(held.identities.size()), count("identities"));
  EXPECT_EQ(std::to_string(held.unionids.size()), count("unionids"));
  EXPECT_EQ(std::to_string(sessions.size()), count("sessions"));
  EXPECT_EQ(std::to_string(held.consents.size()), count("consents"));
  EXPECT_EQ(std::to_string(events.size()), count("events"));
  EXPECT_EQ(held.user.nickname, "canary-name");
  EXPECT_EQ(held.user.attributes, R"({"a":"canary-attribute"})");
  EXPECT_EQ(held.user.phone_sealed, "sealed");
  EXPECT_EQ(held.identities.at(0).subject, "canary-openid");
  EXPECT_EQ(held.unionids.at(0), "wechat:canary-unionid");
  EXPECT_EQ(held.account_name, "canary-account");
  EXPECT_EQ(held.registration_fields, R"({"company":"canary-company"})");
  EXPECT_EQ(held.consents.at(0).ip, "canary-ip2");
  EXPECT_EQ(sessions.at(0).entry, "canary-entry");
  EXPECT_TRUE(std::ranges::any_of(events, [](const auto& event) { return event.ip == "canary-ip"; }));
}

// Somebody's history of years must not hold up everybody's logins while it is read.
TEST_P(StoreContract, what_has_no_end_is_exported_by_pages) {
  const auto first = login("c0", "o1");
  std::vector<Id> made{first.session.id};
  for (int i = 1; i < 7; ++i) {
    auto act = at(login_act("c" + std::to_string(i), "o1"), t0 + Millis(i));
    act.app = i % 2 ? 7 : 9;
    made.push_back(login(act).session.id);
  }
  login("other", "o2");
  for (const size_t ended : {1u, 2u}) ASSERT_TRUE(end(made[ended], t0 + 3ms));

  std::vector<core::Session> sessions;
  for (std::optional<core::Session> last;;) {
    const auto page = run_here(store().accounts().held_sessions(first.user.id, last, 2)).value();
    sessions.insert(sessions.end(), page.begin(), page.end());
    if (page.size() < 2) break;
    last = page.back();
  }
  EXPECT_EQ(sessions.size(), made.size());
  for (const Id& id : made) EXPECT_EQ(std::ranges::count(sessions, id, &core::Session::id), 1);
  EXPECT_TRUE(std::ranges::is_sorted(sessions, {}, [](const core::Session& one) { return std::tuple(one.ended.value_or(Reason::none), one.app, one.id); }));

  std::vector<Id> events;
  core::HeldBehind query{first.user.id, {}, 2};
  for (;;) {
    const auto page = run_here(store().accounts().held_events(query)).value();
    for (const auto& event : page) events.push_back(event.id);
    if (page.size() < 2) break;
    query.after = page.back().id;
  }
  EXPECT_EQ(events.size(), 9u) << "seven logins, two ends; none of another user";
  EXPECT_TRUE(std::ranges::is_sorted(events));
  ASSERT_TRUE(run_here(store().accounts().delete_user(deletion(first.user.id, t0))));
  EXPECT_EQ(code_of(run_here(store().accounts().held_events(query))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().accounts().held_scans(query))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(store().accounts().held_sessions(first.user.id, {}, 2))), ErrorCode::not_found);
}

}  // namespace kaimen::contract

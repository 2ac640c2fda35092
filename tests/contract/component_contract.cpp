// Third-party platforms: the newest ticket is kept, what WeChat tells of authorisations is done once and in its order, and no refresh token is
// lost or overwritten by an older one.
#include "core/component_store.h"
#include "core/project_store.h"
#include "core/seal_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

namespace {

using core::AuthorizationEffect;

core::AppRow plain_app(const std::string& app_id, uint32_t number, const std::string& project = "default", const std::string& platform = "wechat") {
  core::AppRow row;
  row.app_id = app_id;
  row.number = number;
  row.project = project;
  row.platform = platform;
  row.secret_sealed = "sealed " + app_id;
  row.upstream = "wechat";
  row.created_at = t0;
  return row;
}

/// wx1 of project "default" authorises wxc, as a browser that came back says.
core::SaveAuthorization authorization(const std::string& refresh, Time now = t0) {
  core::SaveAuthorization act;
  act.component = "wxc";
  act.app_id = "wx1";
  act.refresh_sealed = refresh;
  act.token_sealed = "token of " + refresh;
  act.token_expires_at = now + 2h;
  act.permissions = "1,18";
  act.new_app = plain_app("wx1", 1);
  act.now = now;
  return act;
}
/// The same as a push says that WeChat made then, of an app that is there.
core::SaveAuthorization authorization_pushed(const std::string& refresh, const std::string& once, Time made_at) {
  core::SaveAuthorization act = authorization(refresh);
  act.new_app.reset();
  act.once = once + std::string(32 - once.size(), '#');
  act.pushed_at = made_at;
  return act;
}
core::EndAuthorization taken_back(const std::string& once, Time made_at) {
  core::EndAuthorization act;
  act.component = "wxc";
  act.app_id = "wx1";
  act.once = once + std::string(32 - once.size(), '#');
  act.pushed_at = made_at;
  act.now = t0;
  return act;
}

core::AppRow component_row(const std::string& app_id, uint32_t number = 0) {
  return plain_app(app_id, number != 0 ? number : app_id == "wxc" ? 901U : 902U, "default", "wechat_component");
}
Result<AuthorizationEffect> save_grant(core::Store& store, core::SaveAuthorization act) { return run_here(store.components().save_authorization(std::move(act))); }
/// Of a component that is there, or comes to be.
AuthorizationEffect authorize(core::Store& store, core::SaveAuthorization act) {
  static_cast<void>(run_here(store.add_app(component_row(act.component))));
  return save_grant(store, std::move(act)).value();
}
AuthorizationEffect unauthorize(core::Store& store, core::EndAuthorization act) { return run_here(store.components().end_authorization(std::move(act))).value(); }
std::string refresh_of(core::Store& store) { return run_here(store.components().refresh_token("wx1")).value(); }
std::string token_of(core::Store& store) { return run_here(store.access_token("wx1")).value().token_sealed; }
bool keep_ticket_of(core::Store& store, const std::string& ticket, Time made_at) {
  return run_here(store.components().keep_ticket({"wxc", ticket, made_at})).value();
}
std::string ticket_of(core::Store& store) { return run_here(store.components().ticket("wxc")).value(); }
/// "wxc 1,18 authorized"; empty: none.
std::string authorization_of(core::Store& store, const std::string& app_id = "wx1") {
  const auto rows = run_here(store.list_apps()).value();
  for (const auto& row : rows) {
    if (row.app_id != app_id || !row.authorization) continue;
    return row.authorization->component + " " + row.authorization->permissions + (row.authorization->stands ? " authorized" : " unauthorized");
  }
  return "";
}
core::AuthorizationLink link_named(const std::string& hash, const std::string& project = "default") {
  return {hash + std::string(32 - hash.size(), '#'), "wxc", project, "https://example.com/done", "", t0, t0 + 30min, "wx1"};
}
std::string link_app(core::Store& store, const std::string& hash) { return run_here(store.components().find_link(link_named(hash).hash)).value().app_id; }

TEST_P(StoreContract, the_newest_ticket_is_kept_whatever_comes_again) {
  EXPECT_EQ(ticket_of(store()), "");
  EXPECT_TRUE(keep_ticket_of(store(), "t1", t0));
  EXPECT_TRUE(keep_ticket_of(store(), "t2", t0 + 10min));
  EXPECT_FALSE(keep_ticket_of(store(), "t1", t0)) << "an older one";
  EXPECT_FALSE(keep_ticket_of(store(), "t3", t0 + 10min)) << "one as old";
  EXPECT_EQ(ticket_of(store()), "t2");
  reopen();
  EXPECT_EQ(ticket_of(store()), "t2");
}

TEST_P(StoreContract, of_tickets_that_come_at_once_the_newest_stays) {
  at_once(8, [&](int i) { static_cast<void>(run_here(store().components().keep_ticket({"wxc", "t" + std::to_string(i), t0 + i * 1s}))); });
  EXPECT_EQ(ticket_of(store()), "t7");
}

TEST_P(StoreContract, an_authorisation_makes_the_app_with_its_tokens) {
  EXPECT_EQ(authorize(store(), authorization("r1")), AuthorizationEffect::applied);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 authorized");
  EXPECT_EQ(refresh_of(store()), "r1");
  EXPECT_EQ(token_of(store()), "token of r1");
  EXPECT_EQ(factory().query("SELECT kind FROM events ORDER BY kind"), (std::vector<std::vector<std::string>>{{"app_added"}, {"app_added"}, {"app_authorized"}}));
}

TEST_P(StoreContract, an_authorisation_leaves_an_app_that_is_there_as_it_was) {
  core::AppRow app = plain_app("wx1", 5);
  app.settings = {{"ticket_seconds", "600"}};
  ASSERT_TRUE(run_here(store().add_app(app)));
  EXPECT_EQ(authorize(store(), authorization("r1")), AuthorizationEffect::applied);
  const auto rows = run_here(store().list_apps()).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].number, 5U);
  EXPECT_EQ(rows[0].secret_sealed, "sealed wx1");
  EXPECT_EQ(rows[0].settings, app.settings);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 authorized");
}

TEST_P(StoreContract, an_app_of_another_project_or_kind_is_not_taken_over) {
  ASSERT_TRUE(run_here(store().add_app(plain_app("wx1", 5, "shop"))));
  EXPECT_EQ(code_of(save_grant(store(), authorization("r1"))), ErrorCode::conflict);
  ASSERT_TRUE(run_here(store().add_app(plain_app("wxo", 6, "default", "wechat_oauth"))));
  auto act = authorization("r1");
  act.app_id = "wxo";
  act.new_app->app_id = "wxo";
  EXPECT_EQ(code_of(save_grant(store(), act)), ErrorCode::conflict);
  EXPECT_EQ(authorization_of(store()) + authorization_of(store(), "wxo"), "");
  EXPECT_EQ(refresh_of(store()), "");
}

TEST_P(StoreContract, what_nobody_asked_for_makes_no_app) {
  EXPECT_EQ(save_grant(store(), authorization_pushed("r1", "p1", t0)).value(), AuthorizationEffect::nobody);
  EXPECT_TRUE(run_here(store().list_apps()).value().empty());
  EXPECT_EQ(unauthorize(store(), taken_back("p2", t0)), AuthorizationEffect::nobody);
}

TEST_P(StoreContract, a_push_that_comes_three_times_is_done_once) {
  authorize(store(), authorization("r1"));
  EXPECT_EQ(authorize(store(), authorization_pushed("r2", "p1", t0 + 1s)), AuthorizationEffect::applied);
  authorize(store(), authorization("r3"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(authorize(store(), authorization_pushed("r2", "p1", t0 + 1s)), AuthorizationEffect::repeated);
  EXPECT_EQ(refresh_of(store()), "r3");
}

TEST_P(StoreContract, an_authorisation_that_brings_no_refresh_token_leaves_the_one_there_is) {
  authorize(store(), authorization("r1"));
  auto act = authorization("");
  act.token_sealed.clear();
  EXPECT_EQ(authorize(store(), act), AuthorizationEffect::applied);
  EXPECT_EQ(refresh_of(store()) + token_of(store()), "r1token of r1");
  act.component = "wxd";
  EXPECT_EQ(authorize(store(), act), AuthorizationEffect::applied);
  EXPECT_EQ(refresh_of(store()) + token_of(store()), "") << "another component's is of no use";
}

TEST_P(StoreContract, what_authorises_another_component_is_left_alone_unless_it_was_asked_for) {
  authorize(store(), authorization("r1"));
  auto act = authorization_pushed("r2", "p1", t0 + 1s);
  act.component = "wxd";
  EXPECT_EQ(authorize(store(), act), AuthorizationEffect::nobody);
  EXPECT_EQ(refresh_of(store()), "r1");
}

TEST_P(StoreContract, what_is_taken_back_is_gone_and_no_repeat_of_it_ends_a_newer_authorisation) {
  authorize(store(), authorization("r1"));
  EXPECT_EQ(unauthorize(store(), taken_back("p1", t0 + 1s)), AuthorizationEffect::applied);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 unauthorized");
  EXPECT_EQ(refresh_of(store()) + token_of(store()), "");
  // The browser came back from a new authorisation; WeChat had not heard our answer to the push before.
  authorize(store(), authorization("r2"));
  EXPECT_EQ(unauthorize(store(), taken_back("p1", t0 + 1s)), AuthorizationEffect::repeated);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 authorized");
  EXPECT_EQ(refresh_of(store()), "r2");
}

TEST_P(StoreContract, pushes_that_come_in_the_wrong_order_end_as_in_the_right_one) {
  authorize(store(), authorization("r1"));
  EXPECT_EQ(unauthorize(store(), taken_back("p2", t0 + 2s)), AuthorizationEffect::applied);
  EXPECT_EQ(authorize(store(), authorization_pushed("r2", "p1", t0 + 1s)), AuthorizationEffect::outdated);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 unauthorized");
  EXPECT_EQ(authorize(store(), authorization_pushed("r3", "p3", t0 + 3s)), AuthorizationEffect::applied);
  EXPECT_EQ(unauthorize(store(), taken_back("p0", t0)), AuthorizationEffect::outdated);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 authorized");
}

TEST_P(StoreContract, another_component_cannot_end_it) {
  authorize(store(), authorization("r1"));
  auto act = taken_back("p1", t0 + 1s);
  act.component = "wxd";
  EXPECT_EQ(unauthorize(store(), act), AuthorizationEffect::nobody);
  EXPECT_EQ(authorization_of(store()), "wxc 1,18 authorized");
}

TEST_P(StoreContract, a_link_is_one_apps) {
  ASSERT_TRUE(run_here(store().components().keep_link(link_named("l1"))));
  EXPECT_EQ(code_of(run_here(store().components().keep_link(link_named("l1")))), ErrorCode::conflict);
  EXPECT_EQ(code_of(run_here(store().components().find_link(link_named("l2").hash))), ErrorCode::not_found);
  const auto kept = run_here(store().components().find_link(link_named("l1").hash)).value();
  EXPECT_EQ(kept.expires_at, t0 + 30min);
  EXPECT_EQ(kept.only_app, "wx1");
  auto act = authorization("r1");
  act.link = link_named("l1").hash;
  EXPECT_EQ(authorize(store(), act), AuthorizationEffect::applied);
  EXPECT_EQ(link_app(store(), "l1"), "wx1");
  EXPECT_EQ(authorize(store(), act), AuthorizationEffect::applied) << "the push and the browser bring the same";
  auto other = act;
  other.app_id = "wx2";
  other.new_app = plain_app("wx2", 2);
  EXPECT_EQ(code_of(save_grant(store(), other)), ErrorCode::conflict);
  EXPECT_EQ(authorization_of(store(), "wx2"), "");
}

TEST_P(StoreContract, a_refresh_keeps_both_tokens_or_none) {
  authorize(store(), authorization("r1"));
  const auto lease = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 5s)).value();
  core::SaveAuthorizerToken act{"wx1", *lease, "a2", t0 + 2h, "r2", t0};
  EXPECT_TRUE(run_here(store().components().save_authorizer_token(act)).value());
  EXPECT_EQ(token_of(store()) + refresh_of(store()), "a2r2");
  act.token_sealed = "a3";
  act.refresh_sealed = "";
  EXPECT_TRUE(run_here(store().components().save_authorizer_token(act)).value());
  EXPECT_EQ(token_of(store()) + refresh_of(store()), "a3r2") << "the same one goes on";
  // A new authorisation came between: what the refresh brought is from before it.
  authorize(store(), authorization("r5"));
  act.token_sealed = "a4";
  act.refresh_sealed = "r4";
  EXPECT_FALSE(run_here(store().components().save_authorizer_token(act)).value());
  EXPECT_EQ(token_of(store()) + refresh_of(store()), "token of r5r5");
  const auto next = run_here(store().lease_access_token("wx1", new_id(), t0, t0 + 5s)).value();
  unauthorize(store(), taken_back("p1", t0 + 1s));
  act.lease = *next;
  EXPECT_FALSE(run_here(store().components().save_authorizer_token(act)).value()) << "it was taken back meanwhile";
  EXPECT_EQ(token_of(store()) + refresh_of(store()), "");
}

TEST_P(StoreContract, a_component_stays_while_apps_have_authorised_it) {
  ASSERT_TRUE(run_here(store().add_app(component_row("wxc"))));
  keep_ticket_of(store(), "t1", t0);
  authorize(store(), authorization("r1"));
  EXPECT_EQ(code_of(run_here(store().remove_app("wxc", t0, {}))), ErrorCode::conflict);
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  EXPECT_EQ(refresh_of(store()) + token_of(store()), "");
  ASSERT_TRUE(run_here(store().remove_app("wxc", t0, {})));
  EXPECT_EQ(ticket_of(store()), "");
}

TEST_P(StoreContract, of_a_components_removal_and_an_authorisation_at_once_one_sees_the_other) {
  for (uint32_t round = 0; round < 10; ++round) {
    ASSERT_TRUE(run_here(store().add_app(component_row("wxc", 1000 + round))));
    auto act = authorization("r1");
    act.new_app->number = 2000 + round;
    std::atomic<bool> removed{false}, authorised{false};
    at_once(2, [&](int i) {
      if (i == 0) removed = run_here(store().remove_app("wxc", t0, {})).has_value();
      else authorised = save_grant(store(), act).has_value();
    });
    EXPECT_NE(removed, authorised);
    if (!authorised) continue;
    ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
    ASSERT_TRUE(run_here(store().remove_app("wxc", t0, {})));
  }
}

TEST_P(StoreContract, nobody_authorises_what_is_no_component_or_is_disabled) {
  EXPECT_EQ(code_of(save_grant(store(), authorization("r1"))), ErrorCode::not_found);
  ASSERT_TRUE(run_here(store().add_app(plain_app("wxc", 900))));
  EXPECT_EQ(code_of(save_grant(store(), authorization("r1"))), ErrorCode::not_found);
  ASSERT_TRUE(run_here(store().remove_app("wxc", t0, {})));
  ASSERT_TRUE(run_here(store().add_app(component_row("wxc"))));
  const auto set_disabled = [this](bool disabled) {
    auto row = run_here(store().list_apps()).value().back();
    row.disabled = disabled;
    return run_here(store().change_app(row));
  };
  const auto set_project_disabled = [this](bool disabled) { return run_here(store().projects().change({"default", {}, disabled, t0, {}})); };
  ASSERT_TRUE(set_disabled(true));
  const auto refused = save_grant(store(), authorization("r1"));
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(refused.error().reason, Reason::disabled);
  ASSERT_TRUE(set_disabled(false));
  ASSERT_TRUE(set_project_disabled(true));
  EXPECT_EQ(code_of(save_grant(store(), authorization("r1"))), ErrorCode::forbidden);
  EXPECT_EQ(authorization_of(store()) + refresh_of(store()), "");
  ASSERT_TRUE(set_project_disabled(false));
  EXPECT_EQ(save_grant(store(), authorization("r1")).value(), AuthorizationEffect::applied);
}

TEST_P(StoreContract, an_app_and_its_component_are_at_one_upstream) {
  core::AppRow component = component_row("wxc");
  component.upstream = "sandbox";
  ASSERT_TRUE(run_here(store().add_app(component)));
  ASSERT_TRUE(run_here(store().add_app(plain_app("wx1", 5))));
  EXPECT_EQ(code_of(save_grant(store(), authorization("r1"))), ErrorCode::conflict);
  EXPECT_EQ(authorization_of(store()), "");
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  ASSERT_TRUE(save_grant(store(), authorization("r1")));
  auto rows = run_here(store().list_apps()).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].upstream, "sandbox") << "a new one comes to where its component is";
  for (auto& row : rows) {
    row.upstream = "wechat";
    EXPECT_EQ(code_of(run_here(store().change_app(row))), ErrorCode::conflict) << row.app_id;
  }
  EXPECT_EQ(token_of(store()), "token of r1");
  ASSERT_TRUE(run_here(store().remove_app("wx1", t0, {})));
  EXPECT_TRUE(run_here(store().change_app(rows[1])));
}

TEST_P(StoreContract, an_app_whose_authorisation_stands_does_not_leave_its_component) {
  authorize(store(), authorization("r1"));
  auto row = run_here(store().list_apps()).value()[0];
  row.leaves_component = true;
  EXPECT_EQ(code_of(run_here(store().change_app(row))), ErrorCode::conflict);
  EXPECT_EQ(authorization_of(store()) + refresh_of(store()) + token_of(store()), "wxc 1,18 authorizedr1token of r1");
}

TEST_P(StoreContract, an_app_that_leaves_its_component_keeps_nothing_of_it) {
  authorize(store(), authorization("r1"));
  unauthorize(store(), taken_back("p1", t0 + 1s));
  auto rows = run_here(store().list_apps()).value();
  rows[0].leaves_component = true;
  rows[0].secret_sealed = "sealed own";
  ASSERT_TRUE(run_here(store().change_app(rows[0])));
  EXPECT_EQ(authorization_of(store()) + refresh_of(store()) + token_of(store()), "");
  EXPECT_EQ(run_here(store().list_apps()).value()[0].secret_sealed, "sealed own");
}

TEST_P(StoreContract, tickets_and_refresh_tokens_are_sealed_anew) {
  keep_ticket_of(store(), "old ticket", t0);
  authorize(store(), authorization("old r1"));
  const core::Reseal reseal = [](std::string_view, std::string_view row, std::string_view sealed) -> Result<std::optional<core::Resealed>> {
    if (!sealed.starts_with("old ")) return std::nullopt;
    return core::Resealed{"new " + std::string(sealed.substr(4)) + " of " + std::string(row), ""};
  };
  std::string after;
  do {
    after = run_here(store().seals().reseal({after, 10, reseal})).value().next;
  } while (!after.empty());
  EXPECT_EQ(ticket_of(store()), "new ticket of wxc");
  EXPECT_EQ(refresh_of(store()), "new r1 of wx1");
}

TEST_P(StoreContract, links_are_forgotten_after_a_day) {
  ASSERT_TRUE(run_here(store().components().keep_link(link_named("l1"))));
  factory().pass(24h + 1min);
  ASSERT_TRUE(run_here(store().purge(t0 + 23h)));
  EXPECT_EQ(link_app(store(), "l1"), "");
  factory().pass(24h);
  ASSERT_TRUE(run_here(store().purge(t0 + 24h + 1s)));
  EXPECT_EQ(code_of(run_here(store().components().find_link(link_named("l1").hash))), ErrorCode::not_found);
}

}  // namespace

}  // namespace kaimen::contract

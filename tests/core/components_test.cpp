// Third-party platforms by the rules: links, what WeChat pushes and browsers bring in any order, logins without a secret.
#include "core/component_store.h"
#include "tests/core/component_fixture.h"

namespace kaimen::test {
namespace {

using ComponentsTest = WithComponent<CoreTest>;

// ---- authorising ----

TEST_F(ComponentsTest, ABrowserThatComesBackMakesTheApp) {
  const auto link = make_link().value();
  EXPECT_EQ(link.url.substr(link.url.find(' ')), " https://k.example.com/back?link=" + link.link);
  EXPECT_EQ(link.mobile_url.substr(0, 7), "mobile:");
  const auto app = bring(link, component_platform.authorize("wx9")).value();
  ASSERT_TRUE(stands(app));
  EXPECT_EQ(app->project, "default");
  EXPECT_EQ(app->name, "Teahouse");
  EXPECT_EQ(app->authorization->component, component());
  EXPECT_EQ(app->authorization->permissions, "1,18");
  EXPECT_TRUE(app->secret.empty());
}

TEST_F(ComponentsTest, ThePushAloneMakesTheAppInTheLinksProject) {
  add_app("wxp", "shop");
  const auto link = make_link("shop").value();
  ASSERT_TRUE(tell(authorized("wx9", component_platform.authorize("wx9"), pre_auth_code_of(link))));
  EXPECT_TRUE(stands(services().apps.find("wx9")));
  EXPECT_EQ(services().apps.find("wx9")->project, "shop");
  // The browser comes later, with the same code, which WeChat takes only once.
  EXPECT_EQ(bring(link, "spent").value()->app_id, "wx9");
}

TEST_F(ComponentsTest, ThePushAfterTheBrowserChangesNothingAndIsAcknowledged) {
  const auto link = make_link().value();
  const std::string code = component_platform.authorize("wx9");
  ASSERT_TRUE(bring(link, code));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(tell(authorized("wx9", code, pre_auth_code_of(link))));
  EXPECT_TRUE(stands(services().apps.find("wx9")));
  EXPECT_EQ(token("wx9"), "access-3") << "and the token is not thrown away";
}

// Whoever finds a published platform can authorise it. An app made of that would open the project to its users.
TEST_F(ComponentsTest, AStrangersAuthorisationMakesNoApp) {
  ASSERT_TRUE(tell(authorized("wx9", component_platform.authorize("wx9"))));
  ASSERT_TRUE(tell(authorized("wx9", component_platform.authorize("wx9"), "unknown")));
  EXPECT_FALSE(services().apps.find("wx9"));
  core::Trace trace;
  const auto app = run_here(services().components.adopt(component(), "default", "wx9", &trace)).value();
  EXPECT_TRUE(stands(app)) << "but the provider may take it up";
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

TEST_F(ComponentsTest, WhoHasNotAuthorisedIsNotAdopted) {
  core::Trace trace;
  EXPECT_EQ(code_of(run_here(services().components.adopt(component(), "default", "wx9", &trace))), ErrorCode::app_misconfigured);
  EXPECT_EQ(code_of(run_here(services().components.adopt(component(), "nowhere", "wx9", &trace))), ErrorCode::app_misconfigured);
  component_platform.authorize("wx9");
  EXPECT_EQ(code_of(run_here(services().components.adopt(component(), "nowhere", "wx9", &trace))), ErrorCode::invalid_request);
  EXPECT_FALSE(services().apps.find("wx9"));
}

TEST_F(ComponentsTest, ALinkOfAnotherComponentOrOfNobodyIsNone) {
  const auto link = make_link().value();
  EXPECT_EQ(code_of(run_here(services().components.find_link(*app(), link.link))), ErrorCode::not_found);
  for (const std::string& name : {std::string("x"), std::string(64, '0'), std::string()}) {
    EXPECT_EQ(code_of(run_here(services().components.find_link(*component(), name))), ErrorCode::not_found) << name;
  }
  EXPECT_EQ(code_of(make_link("nowhere")), ErrorCode::invalid_request);
}

TEST_F(ComponentsTest, ALinkForOneAppIsNoOthers) {
  const auto link = make_link("default", "wx9").value();
  EXPECT_EQ(code_of(bring(link, component_platform.authorize("wx8"))), ErrorCode::conflict);
  ASSERT_TRUE(tell(authorized("wx8", component_platform.authorize("wx8"), pre_auth_code_of(link))));
  EXPECT_FALSE(services().apps.find("wx8"));
  EXPECT_TRUE(bring(link, component_platform.authorize("wx9")));
}

TEST_F(ComponentsTest, AnOldLinkMakesNoApp) {
  const auto link = make_link().value();
  clock.pass(40min);  // of its pre_auth_code, and of the code that is given in its last moment
  const std::string code = component_platform.authorize("wx9");
  EXPECT_EQ(code_of(bring(link, code)), ErrorCode::code_invalid);
  ASSERT_TRUE(tell(authorized("wx9", code, pre_auth_code_of(link), clock.now())));
  EXPECT_FALSE(services().apps.find("wx9"));
}

TEST_F(ComponentsTest, ALinkShowsNothingOfAnAppThatIsElsewhereNow) {
  const auto link = make_link().value();
  ASSERT_TRUE(bring(link, component_platform.authorize("wx9")));
  ASSERT_TRUE(run_here(services().apps.remove("wx9")));
  add_app("wx9", "shop");
  EXPECT_EQ(code_of(bring(link, "spent")), ErrorCode::not_found);
}

TEST_F(ComponentsTest, AnAppWithASecretGoesByTheComponentOnceItHasAuthorised) {
  const std::string code = component_platform.authorize("wx1");
  ASSERT_TRUE(bring(make_link().value(), code));
  EXPECT_TRUE(stands(app()));
  EXPECT_EQ(app()->secret.reveal(), "secret-of-wx1") << "it is kept";
  ASSERT_TRUE(login("c1"));
  EXPECT_EQ(component_platform.component_exchanges, 1);
  EXPECT_EQ(platform.exchanges, 0);
}

// ---- logins ----

TEST_F(ComponentsTest, ALoginNeedsNoSecret) {
  authorized_app();
  const auto answer = login(request("c1", "wx9")).value();
  EXPECT_EQ(answer.session.openid, "openid-of-c1");
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
}

TEST_F(ComponentsTest, ARefusedComponentTokenIsReplacedOnceAndTheLoginGoesOn) {
  authorized_app();
  clock.pass(30s);
  component_platform.good_token = "WeChat has made another";
  ASSERT_TRUE(login(request("c1", "wx9")));
  EXPECT_EQ(component_platform.component_exchanges, 2);
  EXPECT_EQ(component_platform.component_fetches, 2);
}

TEST_F(ComponentsTest, ATokenRefusedTwiceLeavesTheCodeUnspent) {
  authorized_app();
  clock.pass(30s);
  core::CallFailure refused = failure(ErrorCode::upstream_error, 40001);
  refused.token_rejected = true;
  component_platform.login_failure = refused;
  EXPECT_EQ(code_of(login(request("c1", "wx9"))), ErrorCode::upstream_error);
  EXPECT_EQ(component_platform.component_exchanges, 2);
  const auto once_more = login(request("c1", "wx9"));
  EXPECT_EQ(once_more.error().upstream->errcode, 40001);
  EXPECT_EQ(component_platform.component_exchanges, 3) << "with a token that is new, once";
  EXPECT_EQ(component_platform.component_fetches, 2);
  component_platform.login_failure.reset();
  EXPECT_TRUE(login(request("c1", "wx9")));
}

TEST_F(ComponentsTest, WhatWeChatSaysOfACodeIsSaid) {
  authorized_app();
  const std::pair<core::CallFailure, ErrorCode> cases[] = {{failure(ErrorCode::code_invalid, 40029), ErrorCode::code_invalid},
                                                           {failure(ErrorCode::rate_limited, 45011), ErrorCode::rate_limited},
                                                           {failure(ErrorCode::app_misconfigured, 61003), ErrorCode::app_misconfigured}};
  int n = 0;
  for (const auto& [refusal, code] : cases) {
    component_platform.login_failure = refusal;
    EXPECT_EQ(code_of(login(request("case" + std::to_string(++n), "wx9"))), code);
  }
}

// ---- taking it back ----

TEST_F(ComponentsTest, AfterItIsTakenBackLoginsAreRefusedAndSessionsGoOn) {
  authorized_app();
  const auto before = login(request("c1", "wx9")).value();
  component_platform.unauthorize("wx9");
  ASSERT_TRUE(tell(unauthorized("wx9", t0 + 1s)));
  const int exchanges = component_platform.component_exchanges;
  EXPECT_EQ(code_of(login(request("c2", "wx9"))), ErrorCode::app_misconfigured);
  EXPECT_EQ(component_platform.component_exchanges, exchanges) << "WeChat is not asked";
  EXPECT_EQ(token("wx9"), "app_misconfigured");
  EXPECT_EQ(check(before.tokens.token), Reason::none);
  EXPECT_TRUE(renew(before.tokens.renew_token));
  EXPECT_EQ(one("SELECT actor FROM events WHERE kind = 'app_unauthorized'"), "wechat");
  restart();
  EXPECT_FALSE(stands(services().apps.find("wx9")));
}

TEST_F(ComponentsTest, WhatWasTakenBackCanBeGivenAgain) {
  authorized_app();
  component_platform.unauthorize("wx9");
  ASSERT_TRUE(tell(unauthorized("wx9", t0 + 1s)));
  ASSERT_TRUE(tell(authorized("wx9", component_platform.authorize("wx9", "refresh-9"), "", t0 + 2s))) << "the app is known: no link is needed";
  EXPECT_TRUE(login(request("c2", "wx9")));
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  ASSERT_TRUE(tell(unauthorized("wx9", t0 + 1s))) << "the same push again";
  EXPECT_TRUE(stands(services().apps.find("wx9")));
}

TEST_F(ComponentsTest, AnAppLeavesItsComponentByASecretOnceItIsTakenBack) {
  authorized_app();
  EXPECT_EQ(code_of(run_here(services().apps.set_secret("wx9", Secret("own"), Seconds{3600}))), ErrorCode::conflict);
  ASSERT_TRUE(tell(unauthorized("wx9", t0 + 1s)));
  const auto app = run_here(services().apps.set_secret("wx9", Secret("own"), Seconds{3600})).value();
  EXPECT_FALSE(app->authorization);
  EXPECT_FALSE(app->old_secret);
  const std::string code = platform.fresh_code("o1");
  EXPECT_TRUE(login(request(code, "wx9")));
  EXPECT_EQ(platform.exchanges, 1);
}

// Another node had heard that the authorisation was taken back, and not yet that it was given again.
TEST_F(ComponentsTest, ASecretSetWhereTheNewAuthorisationIsNotKnownYetDoesNotEndIt) {
  authorized_app();
  ASSERT_TRUE(tell(unauthorized("wx9", t0 + 1s)));
  Node behind(store(), platforms(), random, clock);
  ASSERT_TRUE(run_here(behind.services.start()));
  ASSERT_TRUE(tell(authorized("wx9", component_platform.authorize("wx9", "refresh-9"), "", t0 + 2s)));
  EXPECT_EQ(code_of(run_here(behind.services.apps.set_secret("wx9", Secret("own"), Seconds{0}))), ErrorCode::conflict);
  restart();
  EXPECT_TRUE(stands(services().apps.find("wx9")));
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  EXPECT_EQ(component_platform.looks, 0) << "its refresh token is there";
}

// ---- a component that is disabled ----

TEST_F(ComponentsTest, ThroughAComponentThatIsDisabledNothingGoes) {
  authorized_app();
  const auto before = login(request("c1", "wx9")).value();
  disable("wxc", true);
  const int exchanges = component_platform.component_exchanges, fetches = component_platform.component_fetches;
  const auto refused = login(request("c2", "wx9"));
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(refused.error().reason, Reason::disabled);
  EXPECT_EQ(get("wx9").error().reason, Reason::disabled) << "though its token is in memory";
  EXPECT_EQ(code_of(make_link()), ErrorCode::forbidden);
  EXPECT_EQ(code_of(run_here(services().access_tokens.ask(component()))), ErrorCode::forbidden) << "nor to see whether it would";
  core::Trace trace;
  EXPECT_EQ(code_of(run_here(services().components.adopt(component(), "default", "wx9", &trace))), ErrorCode::forbidden);
  EXPECT_EQ(check(before.tokens.token), Reason::none) << "sessions go on";
  EXPECT_TRUE(renew(before.tokens.renew_token));
  clock.pass(116min);
  ASSERT_TRUE(minute());
  EXPECT_EQ(component_platform.component_exchanges, exchanges);
  EXPECT_EQ(component_platform.component_fetches, fetches);
  EXPECT_EQ(component_platform.refreshes + component_platform.looks, 0) << "WeChat is not asked";
  disable("wxc", false);
  EXPECT_TRUE(login(request("c2", "wx9"))) << "the code was not spent";
}

TEST_F(ComponentsTest, WhatIsPushedAboutAComponentThatIsDisabledIsKept) {
  authorized_app();
  disable("wxc", true);
  component_platform.good_ticket = "ticket-2";
  ASSERT_TRUE(tell(ticket("ticket-2", t0 + 1s)));
  const std::string code = component_platform.authorize("wx9", "refresh-9");
  EXPECT_EQ(code_of(tell(authorized("wx9", code, "", t0 + 1s))), ErrorCode::forbidden) << "it is to come again";
  EXPECT_TRUE(tell(authorized("wx7", component_platform.authorize("wx7")))) << "nobody asked for it";
  ASSERT_TRUE(tell(unauthorized("wx9", t0 + 2s)));
  EXPECT_FALSE(stands(services().apps.find("wx9")));
  disable("wxc", false);
  ASSERT_TRUE(tell(authorized("wx9", code, "", t0 + 3s)));
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

// ---- upstreams ----

TEST_F(ComponentsTest, AnAppIsAtTheUpstreamOfItsComponent) {
  core::NewApp elsewhere;
  elsewhere.app_id = "wx8";
  elsewhere.secret = Secret("s");
  elsewhere.upstream = "sandbox";
  ASSERT_TRUE(run_here(services().apps.add(std::move(elsewhere))));
  EXPECT_EQ(code_of(bring(make_link().value(), component_platform.authorize("wx8"))), ErrorCode::conflict);
  EXPECT_FALSE(services().apps.find("wx8")->authorization);
  authorized_app();
  for (const char* app_id : {"wx9", "wxc"}) {
    core::AppChange change;
    change.upstream = "sandbox";
    EXPECT_EQ(code_of(run_here(services().apps.change(app_id, change))), ErrorCode::conflict) << app_id;
    change.upstream = "wechat";
    change.name = "renamed";
    EXPECT_TRUE(run_here(services().apps.change(app_id, std::move(change)))) << app_id;
  }
}

TEST_F(ComponentsTest, AComponentStaysWhileAppsHaveAuthorisedIt) {
  authorized_app();
  EXPECT_EQ(code_of(run_here(services().apps.remove("wxc"))), ErrorCode::conflict);
  ASSERT_TRUE(run_here(services().apps.remove("wx9")));
  EXPECT_TRUE(run_here(services().apps.remove("wxc")));
}

}  // namespace
}  // namespace kaimen::test

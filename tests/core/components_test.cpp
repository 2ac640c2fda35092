// Third-party platforms by the rules: links, what WeChat pushes and browsers bring in any order, logins and tokens without a secret.
#include "core/component_store.h"
#include "tests/core/component_fixture.h"

namespace kaimen::test {
namespace {

using core::AccessToken;

class ComponentsTest : public WithComponent<CoreTest> {
 protected:
  Result<AccessToken> get(const std::string& app_id, std::optional<Secret> rejected = {}) {
    return run_here(services().access_tokens.get(services().apps.find(app_id), std::move(rejected)));
  }
  std::string token(const std::string& app_id) {
    const auto got = get(app_id);
    return got ? got.value().token.reveal() : std::string(name_of(got.error().code));
  }
  static bool stands(const AppPtr& app) { return app && app->authorization && app->authorization->stands; }
};

// ---- the component's own token ----

TEST_F(ComponentsTest, WithoutATicketThereIsNoTokenAndNoCall) {
  core::NewApp other;
  other.app_id = "wxd";
  other.platform = "wechat_component";
  other.secret = Secret("s");
  ASSERT_TRUE(run_here(services().apps.add(std::move(other))));
  EXPECT_EQ(code_of(get("wxd")), ErrorCode::app_misconfigured);
  EXPECT_EQ(component_platform.component_fetches, 0);
}

TEST_F(ComponentsTest, TheNewestTicketIsUsedWhateverComesAgain) {
  component_platform.good_ticket = "ticket-2";
  ASSERT_TRUE(tell(ticket("ticket-2", t0 + 1s)));
  ASSERT_TRUE(tell(ticket("ticket-1", t0)));
  EXPECT_EQ(token("wxc"), "component-1");
}

TEST_F(ComponentsTest, ATicketSurvivesTheProcess) {
  restart();
  EXPECT_EQ(token("wxc"), "component-1");
}

TEST_F(ComponentsTest, NothingSealedIsInClear) {
  authorized_app();
  ASSERT_EQ(token("wx9"), "access-3");
  for (const char* table : {"component_tickets", "authorizations", "access_tokens", "component_links", "apps"}) {
    for (const auto& row : query(std::string("SELECT * FROM ") + table)) {
      for (const auto& cell : row) {
        for (const char* secret : {"ticket-1", "refresh-1", "access-", "component-", "pre-1"}) EXPECT_EQ(cell.find(secret), std::string::npos) << table;
      }
    }
  }
}

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

TEST_F(ComponentsTest, AComponentStaysWhileAppsHaveAuthorisedIt) {
  authorized_app();
  EXPECT_EQ(code_of(run_here(services().apps.remove("wxc"))), ErrorCode::conflict);
  ASSERT_TRUE(run_here(services().apps.remove("wx9")));
  EXPECT_TRUE(run_here(services().apps.remove("wxc")));
}

// ---- the apps' tokens ----

TEST_F(ComponentsTest, ATokenThatEndsIsRefreshedByTheRefreshToken) {
  authorized_app();
  EXPECT_EQ(token("wx9"), "access-3") << "the one that came along";
  EXPECT_EQ(component_platform.refreshes, 0);
  clock.pass(2h);
  EXPECT_NE(token("wx9"), "access-3");
  EXPECT_EQ(component_platform.refreshes, 1);
  EXPECT_EQ(component_platform.component_fetches, 2) << "the component's own had ended, too";
}

// The browser was faster than the push, and WeChat does not say the refresh token of what stands.
TEST_F(ComponentsTest, ARefreshTokenThatIsNotToldAgainIsKept) {
  authorized_app();
  component_platform.tells_again = false;
  ASSERT_TRUE(tell(authorized("wx9", "spent", "", t0 + 1s)));
  EXPECT_EQ(component_platform.looks, 1);
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

// WeChat has given a new refresh token, and the one before is void.
TEST_F(ComponentsTest, ByAnotherProjectsLinkAnAppIsAuthorisedAnewWhereItIs) {
  authorized_app();
  add_app("wxp", "shop");
  const auto link = make_link("shop").value();
  component_platform.tells_again = false;
  EXPECT_EQ(code_of(bring(link, component_platform.authorize("wx9", "refresh-2"))), ErrorCode::conflict);
  EXPECT_EQ(services().apps.find("wx9")->project, "default");
  EXPECT_TRUE(bring(link, component_platform.authorize("wx7"))) << "the link is still free";
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  ASSERT_TRUE(tell(authorized("wx9", component_platform.authorize("wx9", "refresh-3"), pre_auth_code_of(make_link("shop").value()), clock.now())));
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

TEST_F(ComponentsTest, AStoredTokenServesWhereTheComponentHasNone) {
  token("wxc");
  clock.pass(110min);
  authorized_app();
  clock.pass(11min);
  restart();
  component_platform.good_ticket = "another";
  EXPECT_EQ(token("wxc"), "app_misconfigured");
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

TEST_F(ComponentsTest, ANewRefreshTokenTakesTheOldOnesPlace) {
  authorized_app();
  component_platform.renews = true;
  for (int i = 0; i < 3; ++i) {
    clock.pass(2h);
    EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  }
  restart();
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  EXPECT_EQ(component_platform.refreshes, 4);
  EXPECT_EQ(component_platform.looks, 0);
}

// The node died between WeChat's answer, which made the old refresh token void, and its own commit.
TEST_F(ComponentsTest, ARefreshTokenThatWasLostWithItsNodeIsAskedForAgain) {
  authorized_app();
  clock.pass(2h);
  component_platform.authorize("wx9", "refresh-newer");
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  EXPECT_EQ(component_platform.looks, 1);
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  EXPECT_EQ(component_platform.looks, 1) << "it was kept";
}

TEST_F(ComponentsTest, WhereWeChatDoesNotTellItAgainTheErrorSaysWhatToDo) {
  authorized_app();
  clock.pass(2h);
  component_platform.authorize("wx9", "");
  const auto got = get("wx9");
  EXPECT_EQ(code_of(got), ErrorCode::app_misconfigured);
  EXPECT_NE(got.error().detail.find("authorise again"), std::string::npos);
  EXPECT_EQ(code_of(get("wx9")), ErrorCode::app_misconfigured);
  EXPECT_EQ(component_platform.looks, 1) << "not every caller asks";
  ASSERT_TRUE(bring(make_link().value(), component_platform.authorize("wx9", "refresh-9")));
  EXPECT_TRUE(get("wx9")) << "at once";
}

TEST_F(ComponentsTest, TwoHundredCallersAreOneRefresh) {
  authorized_app();
  clock.pass(2h);
  const AppPtr app = services().apps.find("wx9");
  std::atomic<int> good{0};
  at_once(4, [&](int) {
    const std::function<Task<Result<AccessToken>>(int)> make = [&](int) { return services().access_tokens.get(app); };
    for (const auto& answer : together<Result<AccessToken>>(50, make)) good += answer.has_value();
  });
  EXPECT_EQ(good, 200);
  EXPECT_EQ(component_platform.refreshes, 1);
  EXPECT_EQ(component_platform.component_fetches, 2);
}

TEST_F(ComponentsTest, ACheckAsksForNoNewTokenWhereOneIsKept) {
  authorized_app();
  EXPECT_TRUE(run_here(services().access_tokens.ask(services().apps.find("wx9"))));
  EXPECT_TRUE(run_here(services().access_tokens.ask(component())));
  EXPECT_EQ(component_platform.component_fetches, 1);
  EXPECT_EQ(component_platform.refreshes, 0);
}

}  // namespace
}  // namespace kaimen::test

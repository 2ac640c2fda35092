// The tokens of third-party platforms and of the apps that have authorised them: tickets and refresh tokens are what they are fetched with.
#include "tests/core/component_fixture.h"

namespace kaimen::test {
namespace {

using core::AccessToken;

using ComponentTokensTest = WithComponent<CoreTest>;

// ---- the component's own token ----

TEST_F(ComponentTokensTest, WithoutATicketThereIsNoTokenAndNoCall) {
  core::NewApp other;
  other.app_id = "wxd";
  other.platform = "wechat_component";
  other.secret = Secret("s");
  ASSERT_TRUE(run_here(services().apps.add(std::move(other))));
  EXPECT_EQ(code_of(get("wxd")), ErrorCode::app_misconfigured);
  EXPECT_EQ(component_platform.component_fetches, 0);
}

TEST_F(ComponentTokensTest, TheNewestTicketIsUsedWhateverComesAgain) {
  component_platform.good_ticket = "ticket-2";
  ASSERT_TRUE(tell(ticket("ticket-2", t0 + 1s)));
  ASSERT_TRUE(tell(ticket("ticket-1", t0)));
  EXPECT_EQ(token("wxc"), "component-1");
}

TEST_F(ComponentTokensTest, ATicketSurvivesTheProcess) {
  restart();
  EXPECT_EQ(token("wxc"), "component-1");
}

TEST_F(ComponentTokensTest, NothingSealedIsInClear) {
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

// ---- the apps' tokens ----

TEST_F(ComponentTokensTest, ATokenThatEndsIsRefreshedByTheRefreshToken) {
  authorized_app();
  EXPECT_EQ(token("wx9"), "access-3") << "the one that came along";
  EXPECT_EQ(component_platform.refreshes, 0);
  clock.pass(2h);
  EXPECT_NE(token("wx9"), "access-3");
  EXPECT_EQ(component_platform.refreshes, 1);
  EXPECT_EQ(component_platform.component_fetches, 2) << "the component's own had ended, too";
}

// The browser was faster than the push, and WeChat does not say the refresh token of what stands.
TEST_F(ComponentTokensTest, ARefreshTokenThatIsNotToldAgainIsKept) {
  authorized_app();
  component_platform.tells_again = false;
  ASSERT_TRUE(tell(authorized("wx9", "spent", "", t0 + 1s)));
  EXPECT_EQ(component_platform.looks, 1);
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

// WeChat has given a new refresh token, and the one before is void.
TEST_F(ComponentTokensTest, ByAnotherProjectsLinkAnAppIsAuthorisedAnewWhereItIs) {
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

TEST_F(ComponentTokensTest, AStoredTokenServesWhereTheComponentHasNone) {
  token("wxc");
  clock.pass(110min);
  authorized_app();
  clock.pass(11min);
  restart();
  component_platform.good_ticket = "another";
  EXPECT_EQ(token("wxc"), "app_misconfigured");
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
}

TEST_F(ComponentTokensTest, ANewRefreshTokenTakesTheOldOnesPlace) {
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

// WeChat gave the refused token again, and with it a refresh token in the place of the one that was kept.
TEST_F(ComponentTokensTest, ANewRefreshTokenIsKeptThoughTheTokenIsTheSame) {
  authorized_app();
  component_platform.renews = true;
  component_platform.gives_again = token("wx9");
  clock.pass(30s);
  EXPECT_EQ(get("wx9", Secret(component_platform.gives_again)).value().token.reveal(), component_platform.gives_again);
  EXPECT_EQ(component_platform.refreshes, 1);
  component_platform.gives_again.clear();
  clock.pass(30s);
  EXPECT_EQ(get("wx9", Secret(token("wx9"))).value().token.reveal().substr(0, 7), "access-");
  EXPECT_EQ(component_platform.looks, 0) << "WeChat had to be asked for what it had given";
}

// The node died between WeChat's answer, which made the old refresh token void, and its own commit.
TEST_F(ComponentTokensTest, ARefreshTokenThatWasLostWithItsNodeIsAskedForAgain) {
  authorized_app();
  clock.pass(2h);
  component_platform.authorize("wx9", "refresh-newer");
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  EXPECT_EQ(component_platform.looks, 1);
  clock.pass(2h);
  EXPECT_EQ(token("wx9").substr(0, 7), "access-");
  EXPECT_EQ(component_platform.looks, 1) << "it was kept";
}

TEST_F(ComponentTokensTest, WhereWeChatDoesNotTellItAgainTheErrorSaysWhatToDo) {
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

TEST_F(ComponentTokensTest, TwoHundredCallersAreOneRefresh) {
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

TEST_F(ComponentTokensTest, ACheckAsksForNoNewTokenWhereOneIsKept) {
  authorized_app();
  EXPECT_TRUE(run_here(services().access_tokens.ask(services().apps.find("wx9"))));
  EXPECT_TRUE(run_here(services().access_tokens.ask(component())));
  EXPECT_EQ(component_platform.component_fetches, 1);
  EXPECT_EQ(component_platform.refreshes, 0);
}

}  // namespace
}  // namespace kaimen::test

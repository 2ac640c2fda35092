// A third-party platform against the sandbox: tickets, tokens, authorisations and logins by WeChat's rules, and what is made of its answers.
#include "platform/component_answer.h"
#include "platform/wechat_component.h"
#include "tests/platform/sandbox_fixture.h"

namespace kaimen::tests {

namespace {

constexpr const char* kPushKey = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

class ComponentPlatformTest : public testing::Test {
 protected:
  ComponentPlatformTest() {
    wechat.emplace(box.client, std::map<std::string, platform::Upstream>{{"wechat", {box.url, ""}}}, box.clock, box.random);
    // Nobody listens there; what is pushed stands in the answer of the order.
    box.control("apps", std::string(R"({"appid":"wxcomp","secret":"cs","push_url":"http://127.0.0.1:9/","push_token":"token","push_key":")") + kPushKey + "\"}");
    box.control("apps", R"({"appid":"wxauth","secret":"not known here"})");
    ticket = SandboxWechat::text(box.control("component-ticket", R"({"component_appid":"wxcomp"})"), "ticket");
  }

  core::AppPtr component(const std::string& secret = "cs") const {
    auto app = std::make_shared<core::App>();
    app->app_id = "wxcomp";
    app->platform = "wechat_component";
    app->secret = Secret(secret);
    app->push_token = Secret("token");
    app->push_key = Secret(kPushKey);
    return app;
  }
  static core::AppPtr authorizer() {
    auto app = std::make_shared<core::App>();
    app->app_id = "wxauth";
    return app;
  }
  static Deadline soon() { return deadline_in(Millis(3000)); }

  auto fetch(const std::string& with, core::AppPtr app) { return run_here(wechat->fetch_component_token(std::move(app), Secret(with), soon())); }
  Secret token() { return fetch(ticket, component()).value().token; }
  json::object authorize(const std::string& more = "") {
    return box.control("authorize", R"({"component_appid":"wxcomp","appid":"wxauth","push":false)" + more + "}");
  }
  auto query(const Secret& with, const std::string& code) { return run_here(wechat->grant_of_code(component(), with, Secret(code), soon())); }
  auto look(const Secret& with) { return run_here(wechat->grant_of_app(component(), with, "wxauth", soon())); }
  auto refresh(const Secret& with, const Secret& refresh_token) {
    return run_here(wechat->refresh_authorizer_token(component(), with, "wxauth", refresh_token, soon()));
  }
  auto login(const Secret& with, const std::string& code) {
    return run_here(wechat->exchange_code_for(component(), with, authorizer(), Secret(code), soon()));
  }

  SandboxWechat box;
  std::optional<platform::WechatComponent> wechat;
  std::string ticket;
};

TEST_F(ComponentPlatformTest, ATokenForTheTicketAndTheSecret) {
  const auto fetched = fetch(ticket, component());
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched.value().expires_in, Seconds(7200));
  for (const auto& [wrong, errcode] : {std::pair(fetch("ticket@@@no", component()), 61006), std::pair(fetch(ticket, component("no")), 40125)}) {
    EXPECT_EQ(errcode_of(wrong), errcode);
    EXPECT_EQ(wrong.error().error.code, ErrorCode::app_misconfigured);
  }
  box.clock.advance(std::chrono::hours(12));
  EXPECT_EQ(errcode_of(fetch(ticket, component())), 61005);
}

TEST_F(ComponentPlatformTest, AnOldSecretStillServesDuringARotation) {
  auto app = std::make_shared<core::App>(*component("new, not yet at WeChat"));
  app->old_secret = Secret("cs");
  app->old_secret_until = box.clock.now() + std::chrono::hours(1);
  EXPECT_TRUE(fetch(ticket, app));
}

TEST_F(ComponentPlatformTest, AnAuthorisationIsGivenForItsCodeOnce) {
  const Secret with = token();
  const auto pre = run_here(wechat->make_pre_auth_code(component(), with, soon())).value();
  EXPECT_EQ(pre.expires_in, Seconds(1800));
  const std::string code = SandboxWechat::text(authorize(R"(,"pre_auth_code":")" + pre.code.reveal() + R"(","permissions":[18,1])"), "auth_code");
  const auto grant = query(with, code).value();
  EXPECT_EQ(grant.app_id, "wxauth");
  EXPECT_EQ(grant.permissions, "18,1");
  EXPECT_EQ(grant.token.expires_in, Seconds(7200));
  const auto again = query(with, code);
  EXPECT_EQ(errcode_of(again), 61010);
  EXPECT_EQ(again.error().error.code, ErrorCode::code_invalid);
  EXPECT_EQ(errcode_of(query(with, "made up")), 61009);
  const auto seen = look(with).value();
  EXPECT_EQ(seen.refresh_token, grant.refresh_token);
  EXPECT_EQ(seen.permissions, grant.permissions);
  EXPECT_TRUE(seen.token.token.empty());
  EXPECT_FALSE(seen.name.empty());
}

TEST_F(ComponentPlatformTest, TheAppsTokenIsRefreshedAndServes) {
  const Secret with = token();
  const auto grant = query(with, SandboxWechat::text(authorize(R"(,"renews":true)"), "auth_code")).value();
  const auto refreshed = refresh(with, grant.refresh_token).value();
  EXPECT_FALSE(refreshed.token.token == grant.token.token);
  EXPECT_FALSE(refreshed.refresh_token.empty() || refreshed.refresh_token == grant.refresh_token);
  const auto old = refresh(with, grant.refresh_token);
  EXPECT_EQ(errcode_of(old), 61023);
  EXPECT_EQ(old.error().error.code, ErrorCode::code_invalid);
  const auto session = login(with, box.login("ann", "", "wxauth")).value();
  auto checked = run_here(wechat->check_session_key(authorizer(), refreshed.token.token, session.openid, session.session_key, soon()));
  EXPECT_TRUE(checked.value());
}

TEST_F(ComponentPlatformTest, ALoginByTheComponentsToken) {
  const Secret with = token();
  EXPECT_EQ(errcode_of(login(with, box.login("ann", "", "wxauth"))), 61003);
  authorize();
  const std::string code = box.login("ann", "", "wxauth");
  const auto refused = login(Secret("no"), code);
  EXPECT_EQ(errcode_of(refused), 40001);
  EXPECT_TRUE(refused.error().token_rejected);
  EXPECT_EQ(login(with, code).value().openid.size(), 28U) << "the refused token has not spent the code";
  EXPECT_EQ(errcode_of(login(with, code)), 40163);
  EXPECT_EQ(errcode_of(login(with, "made up")), 40029);
  box.control("unauthorize", R"({"component_appid":"wxcomp","appid":"wxauth","push":false})");
  EXPECT_EQ(errcode_of(login(with, box.login("ann", "", "wxauth"))), 61003);
  EXPECT_EQ(errcode_of(look(with)), 61003);
}

TEST_F(ComponentPlatformTest, AnExpiredTokenIsARejectedOne) {
  const Secret with = token();
  box.clock.advance(Seconds(7200));
  const auto made = run_here(wechat->make_pre_auth_code(component(), with, soon()));
  EXPECT_EQ(errcode_of(made), 42001);
  EXPECT_TRUE(made.error().token_rejected);
}

TEST_F(ComponentPlatformTest, AComponentHasNoUsersOfItsOwn) {
  const auto exchanged = run_here(wechat->exchange_code(component(), Secret("c"), soon()));
  EXPECT_EQ(exchanged.error().error.code, ErrorCode::invalid_request);
  EXPECT_TRUE(exchanged.error().code_unspent);
}

// ---- pushes ----

core::Push letter_of(const json::object& order) {
  http::Parameters query;
  EXPECT_TRUE(http::parse_parameters(SandboxWechat::text(order, "query"), query));
  return {*query.find("timestamp"), *query.find("nonce"), *query.find("msg_signature"), SandboxWechat::text(order, "request_body")};
}

TEST_F(ComponentPlatformTest, PushesAboutTheComponentAreOpened) {
  using Kind = core::ComponentPush::Kind;
  const auto order = box.control("component-ticket", R"({"component_appid":"wxcomp"})");
  const auto ticket_push = wechat->open_component_push(*component(), letter_of(order));
  ASSERT_TRUE(ticket_push);
  EXPECT_EQ(ticket_push->kind, Kind::ticket);
  EXPECT_EQ(ticket_push->ticket.reveal(), SandboxWechat::text(order, "ticket"));
  EXPECT_EQ(ticket_push->made_at, from_epoch_ms(epoch_ms(box.clock.now()) / 1000 * 1000));

  const auto given = box.control("authorize", R"({"component_appid":"wxcomp","appid":"wxauth"})");
  const auto authorized = wechat->open_component_push(*component(), letter_of(given));
  ASSERT_TRUE(authorized);
  EXPECT_EQ(authorized->kind, Kind::authorized);
  EXPECT_EQ(authorized->app_id, "wxauth");
  EXPECT_EQ(authorized->auth_code.reveal(), SandboxWechat::text(given, "auth_code"));
  EXPECT_NE(authorized->once, ticket_push->once);

  const auto taken = box.control("unauthorize", R"({"component_appid":"wxcomp","appid":"wxauth"})");
  EXPECT_EQ(wechat->open_component_push(*component(), letter_of(taken))->kind, Kind::unauthorized);

  core::Push forged = letter_of(order);
  forged.nonce += "0";
  EXPECT_FALSE(wechat->open_component_push(*component(), forged));
  auto other = std::make_shared<core::App>(*component());
  other->app_id = "wxother";
  EXPECT_FALSE(wechat->open_component_push(*other, letter_of(order))) << "it is for another component";
}

TEST_F(ComponentPlatformTest, AnAppsPushesComeUnderTheComponentsKeys) {
  auto app = std::make_shared<core::App>(*authorizer());
  app->authorization = core::Authorization{"wxcomp", component(), true, "", {}};
  const auto order = box.control("push", R"({"appid":"wxauth","component_appid":"wxcomp","user":"ann","event":"user_authorization_cancellation"})");
  const auto message = wechat->open_push(*app, letter_of(order));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, core::PushMessage::Kind::account_closed);
  app->authorization.reset();
  EXPECT_FALSE(wechat->open_push(*app, letter_of(order)));
}

// ---- the page ----

TEST_F(ComponentPlatformTest, ThePagesAreWeChats) {
  core::AuthorizationPage page{Secret("preauthcode@@@x"), "https://k.example.com/back?link=1", "wxauth", false};
  EXPECT_EQ(wechat->authorization_url(*component(), page),
            "https://mp.weixin.qq.com/cgi-bin/componentloginpage?component_appid=wxcomp&pre_auth_code=preauthcode%40%40%40x&redirect_uri="
            "https%3A%2F%2Fk.example.com%2Fback%3Flink%3D1&auth_type=2&biz_appid=wxauth");
  page.mobile = true;
  page.app_id.clear();
  EXPECT_EQ(wechat->authorization_url(*component(), page),
            "https://open.weixin.qq.com/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&component_appid=wxcomp&pre_auth_code=preauthcode%40%40%40x"
            "&redirect_uri=https%3A%2F%2Fk.example.com%2Fback%3Flink%3D1&auth_type=2#wechat_redirect");
}

// ---- errcodes ----

TEST(ComponentErrcode, IsMappedAsDocumented) {
  using platform::WechatCall, platform::wechat_failure;
  for (const int64_t errcode : {40013, 40125, 40164, 41004, 48001, 61003, 61004, 61005, 61006, 61011}) {
    EXPECT_EQ(wechat_failure(WechatCall::component_token, errcode, "").error.code, ErrorCode::app_misconfigured) << errcode;
  }
  EXPECT_FALSE(wechat_failure(WechatCall::component_token, 40001, "").token_rejected) << "there is none in this call";
  for (const int64_t errcode : {61009, 61010, 61023, 40029}) {
    EXPECT_EQ(wechat_failure(WechatCall::component, errcode, "").error.code, ErrorCode::code_invalid) << errcode;
  }
  for (const int64_t errcode : {40001, 40014, 42001}) EXPECT_TRUE(wechat_failure(WechatCall::component, errcode, "").token_rejected) << errcode;
  EXPECT_EQ(wechat_failure(WechatCall::component, 45009, "").error.code, ErrorCode::rate_limited);
}

// ---- answers that lie ----

TEST(ComponentAnswer, WhatIsNoAnswerIsNone) {
  using platform::read_code_grant, platform::read_component_token, platform::read_refreshed_token;
  const std::string info = R"("authorizer_appid":"wx1","authorizer_access_token":"a","authorizer_refresh_token":"r")";
  EXPECT_TRUE(read_code_grant(200, R"({"authorization_info":{)" + info + R"(,"expires_in":7200}})"));
  const auto bare = read_code_grant(200, R"({"authorization_info":{"authorizer_appid":"wx1","func_info":[]}})");
  ASSERT_TRUE(bare) << "the account may not call the API";
  EXPECT_TRUE(bare.value().token.token.empty() && bare.value().refresh_token.empty());
  EXPECT_EQ(read_code_grant(200, R"({"authorization_info":{"authorizer_appid":"wx1","authorizer_refresh_token":"r"}})").value().refresh_token.reveal(), "r");
  for (const std::string& body : {std::string("{}"), std::string(R"({"authorization_info":[]})"), R"({"authorization_info":{)" + info + "}}",
                                  R"({"authorization_info":{)" + info + R"(,"expires_in":-1}})", std::string(R"({"authorization_info":{"authorizer_appid":"a b"}})"),
                                  std::string(R"({"errcode":0,"authorization_info":{"authorizer_appid":["wx1"],"expires_in":7200}})")}) {
    const auto read = read_code_grant(200, body);
    EXPECT_EQ(read.error().error.code, ErrorCode::upstream_error) << body;
  }
  EXPECT_FALSE(read_component_token(200, R"({"component_access_token":"","expires_in":7200})"));
  EXPECT_FALSE(read_component_token(200, R"({"component_access_token":"a\nb","expires_in":7200})"));
  EXPECT_FALSE(read_component_token(500, R"({"component_access_token":"a","expires_in":7200})"));
  EXPECT_TRUE(read_refreshed_token(200, R"({"authorizer_access_token":"a","expires_in":7200})")) << "the refresh token stays the same";
  EXPECT_FALSE(read_refreshed_token(200, R"({"authorizer_access_token":"a","expires_in":7200,"authorizer_refresh_token":"a b"})"));
}

}  // namespace

}  // namespace kaimen::tests

// The client API, as a mini program meets it.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

class ClientApiTest : public ApiTest {
 protected:
  Reply login_with(const std::string& members, const std::string& openid = "o1") {
    return post("/v1/login", "{\"app_id\":\"wx1\",\"code\":\"" + platform.fresh_code(openid) + "\"" + (members.empty() ? "" : ",") + members + "}");
  }
  static std::vector<std::string> cookies(const Reply& reply) {
    std::vector<std::string> found;
    for (const auto& [name, value] : reply.headers) {
      if (name == "Set-Cookie") found.push_back(value);
    }
    return found;
  }
};

TEST_F(ClientApiTest, ALogin) {
  const Reply reply = login_with("");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  const auto body = reply.object();
  EXPECT_EQ(body.at("token_type").get_string(), "Bearer");
  EXPECT_EQ(body.at("expires_in").get_int64(), 7200);
  EXPECT_TRUE(body.at("is_new_user").get_bool());
  EXPECT_TRUE(body.at("entry").is_null());
  EXPECT_TRUE(body.at("warnings").get_array().empty());
  EXPECT_EQ(check(reply.text("token")), Reason::none);
  EXPECT_EQ(get("/v1/session", reply.text("token")).status, 200);
  EXPECT_TRUE(cookies(reply).empty());
}

TEST_F(ClientApiTest, NothingOfTheInsideIsInALogin) {
  const std::string body = login_with("").body;
  for (const std::string& inside : {std::string("o1\""), std::string("openid"), std::string("session_key"), std::string(FakePlatform::kKey), std::string("secret-of-wx1")}) {
    EXPECT_EQ(body.find(inside), std::string::npos) << inside;
  }
}

TEST_F(ClientApiTest, AnOpenidIsShownWhereTheAppIsSetSo) {
  set("expose_openid", "true");
  EXPECT_EQ(login_with("").object().at("user").at("openid").get_string(), "o1");
}

TEST_F(ClientApiTest, WhatAClientSaysOfItselfHasNoEffect) {
  const Reply reply = login_with(R"("openid":"o2","unionid":"u2","user_id":"x","roles":["admin"],"registered":false)");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(one("SELECT subject || unionid FROM identities"), "o1");
  EXPECT_TRUE(reply.object().at("user").at("roles").get_array().empty());
}

TEST_F(ClientApiTest, WeChatsOwnNamesAreTaken) {
  EXPECT_EQ(post("/v1/login", R"({"appid":"wx1","js_code":")" + platform.fresh_code("o1") + R"(","envVersion":"trial"})").status, 200);
  EXPECT_EQ(one("SELECT env FROM sessions"), "1");
}

TEST_F(ClientApiTest, OneFieldUnderTwoNamesMustAgree) {
  EXPECT_EQ(post("/v1/login", R"({"appid":"wx1","app_id":"wx1","code":")" + platform.fresh_code("o1") + R"("})").status, 200);
  const Reply reply = post("/v1/login", R"({"appid":"wx1","app_id":"wx2","code":"c"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "invalid_request");
}

TEST_F(ClientApiTest, WrongTypesAreInvalid) {
  for (const auto* body : {"", "[]", "null", "\"a\"", "{", R"({"app_id":"wx1"})", R"({"code":"c"})", R"({"app_id":1,"code":"c"})", R"({"app_id":"wx1","code":1})", R"({"app_id":"wx1","code":null})",
                           R"({"app_id":"wx1","code":["c"]})", R"({"app_id":"wx1","code":"c","attempt":1})", R"({"app_id":"wx1","code":"c","cookie":"true"})", R"({"app_id":"wx1","code":"c","device":"d"})",
                           R"({"app_id":"wx1","code":"c","device":{"id":1}})", R"({"app_id":"wx1","code":"c","profile":[]})", R"({"app_id":"wx1","code":"c","entry":{"query":"scene=1"}})",
                           R"({"app_id":"wx1","code":"c","env_version":"prod"})", R"({"app_id":"wx1","code":"c","code":"c"})", R"({"app_id":"wx1","code":""})"}) {
    const Reply reply = post("/v1/login", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.code(), "invalid_request") << body;
  }
  EXPECT_EQ(platform.exchanges, 0);
}

TEST_F(ClientApiTest, HostileCodesReachThePlatformAsTheyAre) {
  platform.code("a&secret=#%", "o1");
  EXPECT_EQ(post("/v1/login", R"({"app_id":"wx1","code":"a&secret=#%"})").status, 200);
  for (const auto* code : {R"(a\r\nb)", R"(a\u0000b)", "caf\xc3\xa9"}) {
    EXPECT_EQ(post("/v1/login", std::string(R"({"app_id":"wx1","code":")") + code + "\"}").status, 400) << code;
  }
}

TEST_F(ClientApiTest, ACodeMayHoldBlanksAsThatOfTheDeveloperToolsDoes) {
  platform.code("the code is a mock one", "o1");
  EXPECT_EQ(post("/v1/login", R"({"app_id":"wx1","code":"the code is a mock one"})").status, 200);
}

TEST_F(ClientApiTest, HalfOfAnOptionalPartUndoesNoLogin) {
  for (const auto* part : {R"("phone":{"iv":"x"})", R"("phone":{"encrypted_data":"x"})", R"("phone":{})", R"("profile":{"encrypted_data":"a"})", R"("profile":{"raw_data":"a"})"}) {
    const Reply reply = login_with(part);
    EXPECT_EQ(reply.status, 200) << part;
    ASSERT_EQ(reply.object().at("warnings").as_array().size(), 1u) << part;
    EXPECT_EQ(reply.object().at("warnings").at(0).at("code").as_string(), "invalid_request") << part;
  }
}

TEST_F(ClientApiTest, AnEntryCodeMayStandInEntryOrBesideIt) {
  for (const auto* members : {R"("entry_code":"nowhere")", R"("entry":{"entry_code":"nowhere"})", R"("entry_code":"nowhere","entry":{"entry_code":"nowhere"})"}) {
    const Reply reply = login_with(members);
    EXPECT_EQ(reply.status, 200) << members;
    ASSERT_EQ(reply.object().at("warnings").as_array().size(), 1u) << members;
    EXPECT_EQ(reply.object().at("warnings").at(0).at("part").as_string(), "entry") << members;
  }
  EXPECT_EQ(login_with(R"("entry_code":"nowhere","entry":{"entry_code":"elsewhere"})").code(), "invalid_request");
}

TEST_F(ClientApiTest, AnUnknownAppIsNotFound) { EXPECT_EQ(post("/v1/login", R"({"app_id":"wx9","code":"c"})").code(), "not_found"); }

TEST_F(ClientApiTest, ADeviceFieldHasALimit) {
  EXPECT_EQ(login_with("\"device\":{\"id\":\"" + std::string(128, 'd') + "\"}").status, 200);
  EXPECT_EQ(login_with("\"device\":{\"id\":\"" + std::string(129, 'd') + "\"}").status, 400);
}

TEST_F(ClientApiTest, CookiesAreForBrowsersThatAskForThem) {
  const Reply reply = login_with(R"("cookie":true)");
  const auto set = cookies(reply);
  ASSERT_EQ(set.size(), 2U);
  EXPECT_EQ(set[0], "kaimen=" + reply.text("token") + "; Path=/; Max-Age=7200; HttpOnly; SameSite=Lax; Secure");
  EXPECT_EQ(set[1], "kaimen_renew=" + reply.text("renew_token") + "; Path=/v1/session; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");
}

TEST_F(ClientApiTest, ACookieIsSecureUnlessTheAddressIsKnownToBePlain) {
  api::ApiOptions options;
  options.public_url = "http://127.0.0.1:8080";
  remake_api(std::move(options));
  for (const auto& cookie : cookies(login_with(R"("cookie":true)"))) EXPECT_TRUE(cookie.ends_with("; SameSite=Lax")) << cookie;
  Ask over_tls{"POST", "/v1/login"};
  over_tls.body = R"({"app_id":"wx1","cookie":true,"code":")" + platform.fresh_code("o1") + "\"}";
  over_tls.https = true;
  for (const auto& cookie : cookies(send(over_tls))) EXPECT_TRUE(cookie.ends_with("; Secure")) << cookie;
}

TEST_F(ClientApiTest, ACookieChangesNothingForAForeignPage) {
  api::ApiOptions options;
  options.public_url = "https://login.example.cn";
  remake_api(std::move(options));
  set("web_origins", "https://h5.example.cn");
  const Reply in = login_with(R"("cookie":true)");
  using Headers = std::vector<std::pair<std::string, std::string>>;
  const auto status = [&](const Headers& headers, const std::string& method = "POST", const std::string& target = "/v1/me") {
    Ask ask = client(method, target).with("Cookie", "kaimen=" + in.text("token"));
    ask.body = method == "POST" ? "{}" : "";
    for (const auto& [name, value] : headers) ask.with(name, value);
    return send(ask).status;
  };
  for (const Headers& ours : {Headers{{"Origin", "https://login.example.cn"}}, Headers{{"Origin", "https://h5.example.cn"}}, Headers{{"Sec-Fetch-Site", "same-origin"}},
                              Headers{{"Host", "shop.example.cn"}, {"Origin", "https://shop.example.cn"}}, Headers{{"Host", "127.0.0.1:8080"}, {"Origin", "http://127.0.0.1:8080"}},
                              Headers{{"X-Kaimen-Ticket", in.text("token")}}, Headers{{"Authorization", "Bearer " + in.text("token")}},
                              Headers{}}) {  // no browser: those always say
    EXPECT_EQ(status(ours), 200) << (ours.empty() ? "nothing" : ours[0].second);
  }
  for (const Headers& foreign : {Headers{{"Origin", "null"}}, Headers{{"Origin", "https://evil.example"}}, Headers{{"Origin", "https://login.example.cn.evil.example"}},
                                 Headers{{"Origin", "https://login.example.cn:8443"}}, Headers{{"Origin", "http://login.example.cn"}}, Headers{{"Sec-Fetch-Site", "same-site"}},
                                 Headers{{"Sec-Fetch-Site", "cross-site"}}, Headers{{"Sec-Fetch-Site", "none"}},
                                 Headers{{"Origin", "https://login.example.cn"}, {"Origin", "https://evil.example"}}}) {
    EXPECT_EQ(status(foreign), 403) << foreign[0].second;
    EXPECT_EQ(status(foreign, "PATCH"), 403);
    EXPECT_EQ(status(foreign, "DELETE", "/v1/me/sessions?except=current"), 403);
    EXPECT_EQ(status(foreign, "DELETE", "/v1/session"), 403);
    EXPECT_EQ(status(foreign, "GET"), 200) << "looking changes nothing";
    Ask renewal = client("POST", "/v1/session/renew").with("Cookie", "kaimen_renew=" + in.text("renew_token"));
    for (const auto& [name, value] : foreign) renewal.with(name, value);
    EXPECT_EQ(send(renewal).status, 403);
  }
  EXPECT_EQ(check(in.text("token")), Reason::none);
}

TEST_F(ClientApiTest, ACookieIsATicketAndRenewsItself) {
  const Reply in = login_with(R"("cookie":true)");
  EXPECT_EQ(send(client("GET", "/v1/me").with("Cookie", "kaimen=" + in.text("token"))).status, 200);
  const Reply renewed = send(client("POST", "/v1/session/renew").with("Cookie", "kaimen_renew=" + in.text("renew_token")).with("Sec-Fetch-Site", "same-origin"));
  EXPECT_EQ(renewed.status, 200);
  EXPECT_EQ(cookies(renewed).size(), 2U);
}

TEST_F(ClientApiTest, ARenewalInTheBodySetsNoCookie) {
  const Reply in = login_with("");
  const Reply renewed = post("/v1/session/renew", R"({"renew_token":")" + in.text("renew_token") + "\"}");
  EXPECT_EQ(renewed.status, 200);
  EXPECT_TRUE(cookies(renewed).empty());
  EXPECT_EQ(post("/v1/session/renew", "").status, 400);
  EXPECT_EQ(post("/v1/session/renew", R"({"renew_token":")" + in.text("token") + "\"}").text("reason"), "malformed");
}

// T7: what was there before the login does not become it.
TEST_F(ClientApiTest, ATicketBroughtToALoginIsReplacedNotTakenOver) {
  const Reply old = login_with("");
  Ask again = client("POST", "/v1/login", old.text("token"));
  again.body = R"({"app_id":"wx1","code":")" + platform.fresh_code("o1") + "\"}";
  const Reply fresh = send(again);
  EXPECT_NE(fresh.object().at("session").at("id"), old.object().at("session").at("id"));
  EXPECT_EQ(check(old.text("token")), Reason::renew);
}

TEST_F(ClientApiTest, AnotherUsersTicketBroughtToALoginHarmsNobody) {
  const Reply other = login_with("", "o2");
  Ask ask = client("POST", "/v1/login", other.text("token"));
  ask.body = R"({"app_id":"wx1","code":")" + platform.fresh_code("o1") + "\"}";
  EXPECT_EQ(send(ask).status, 200);
  EXPECT_EQ(check(other.text("token")), Reason::none);
}

// ---- logout ----

TEST_F(ClientApiTest, LogoutIsForExpiredTicketsToo) {
  const Reply in = login_with("");
  clock.pass(3h);
  EXPECT_EQ(get("/v1/me", in.text("token")).text("reason"), "expired");
  EXPECT_EQ(send(client("DELETE", "/v1/session", in.text("token"))).status, 204);
  EXPECT_EQ(post("/v1/session/renew", R"({"renew_token":")" + in.text("renew_token") + "\"}").text("reason"), "logged_out");
  EXPECT_EQ(send(client("DELETE", "/v1/session", in.text("token"))).status, 204) << "twice is once";
}

// Each leaves a session behind, and no code of WeChat's bounds them.
TEST_F(ClientApiTest, AUserHandsOverThirtyTimesAMinute) {
  api::ApiOptions options;
  options.public_url = "https://login.example";
  remake_api(options);
  set("web_origins", "https://h5.example");
  const std::string token = log_in("o1").tokens.token, body = R"({"to":"https://h5.example/cart"})";
  for (int i = 0; i < 30; ++i) ASSERT_EQ(post("/v1/session/handoff", body, token).status, 200) << i;
  const Reply limited = post("/v1/session/handoff", body, token);
  EXPECT_EQ(limited.status, 429);
  EXPECT_NE(limited.header("Retry-After"), "");
}

TEST_F(ClientApiTest, LogoutWantsATicketOfOurs) {
  EXPECT_EQ(send(client("DELETE", "/v1/session")).text("reason"), "missing");
  EXPECT_EQ(send(client("DELETE", "/v1/session", "km1.garbage")).text("reason"), "malformed");
}

TEST_F(ClientApiTest, LogoutTakesTheCookiesBack) {
  const Reply in = login_with(R"("cookie":true)");
  const Reply out = send(client("DELETE", "/v1/session").with("Cookie", "kaimen=" + in.text("token")).with("Sec-Fetch-Site", "same-origin"));
  EXPECT_EQ(out.status, 204);
  ASSERT_EQ(cookies(out).size(), 2U);
  for (const auto& cookie : cookies(out)) EXPECT_NE(cookie.find("Max-Age=0"), std::string::npos);
}

// A client that is told "malformed" forgets its ticket and thinks itself logged out.
TEST_F(ClientApiTest, ANodeThatIsNotReadySaysSo) {
  const Reply in = login_with("");
  services().live.ready = false;
  EXPECT_EQ(get("/v1/me", in.text("token")).status, 503);
  EXPECT_EQ(send(client("DELETE", "/v1/session", in.text("token"))).status, 503);
}

TEST_F(ClientApiTest, NorDoesOneWhoseKnowledgeIsTooOldSayWhoSomebodyIs) {
  const Reply in = login_with("");
  services().live.good_until(clock.now());
  EXPECT_EQ(get("/v1/me", in.text("token")).status, 503);
  EXPECT_EQ(send(client("DELETE", "/v1/session", in.text("token"))).status, 503);
  Ask ready = client("GET", "/readyz");
  ready.listener = kPrivate;
  EXPECT_EQ(send(ready).status, 503);
  EXPECT_EQ(get("/healthz").status, 200);
}

// ---- me ----

TEST_F(ClientApiTest, AProfileIsChangedAndShown) {
  const std::string token = login_with("").text("token");
  EXPECT_EQ(post("/v1/me", R"({"nickName":"Mei","gender":2,"attributes":{"b":1,"a":[true,null]}})", token).status, 200);
  const auto me = get("/v1/me", token).object();
  EXPECT_EQ(me.at("nickname").get_string(), "Mei");
  EXPECT_EQ(me.at("gender").get_int64(), 2);
  EXPECT_EQ(http::to_text(me.at("attributes")), R"({"b":1,"a":[true,null]})");
}

// Each leaves an event that is kept for a year.
TEST_F(ClientApiTest, WhatAUserHasWrittenDownIsThirtyAMinuteWhicheverWay) {
  const std::string token = log_in("o1").tokens.token, other = log_in("o2").tokens.token, elsewhere = log_in("o1").tokens.token;
  for (int i = 0; i < 30; ++i) ASSERT_EQ(post("/v1/me", R"({"city":"c)" + std::to_string(i) + "\"}", i % 2 ? token : elsewhere).status, 200) << i;
  const std::pair<const char*, const char*> ways[] = {{"POST", "/v1/me"},         {"PATCH", "/v1/me"},  {"POST", "/v1/me/registration"}, {"POST", "/v1/me/wechat-profile"},
                                                      {"POST", "/v1/me/phone"}, {"POST", "/v1/me/avatar"}};
  for (const auto& [method, path] : ways) {
    const Reply limited = send(client(method, path, token));
    EXPECT_EQ(limited.status, 429) << method << path;
    EXPECT_EQ(limited.code(), "rate_limited") << method << path;
    EXPECT_EQ(limited.header("Retry-After"), "2") << method << path;
  }
  EXPECT_EQ(get("/v1/me", token).text("city"), "c29") << "who only looks is not counted";
  EXPECT_EQ(post("/v1/me", R"({"city":"c"})", other).status, 200) << "it is this user's alone";
  clock.pass(2s);
  EXPECT_EQ(post("/v1/me", R"({"city":"later"})", token).status, 200);
}

TEST_F(ClientApiTest, TheSessionsOfAUserAreItsOwn) {
  const Reply mine = login_with(""), again = login_with(""), other = login_with("", "o2");
  const auto items = get("/v1/me/sessions", mine.text("token")).object().at("items").get_array();
  ASSERT_EQ(items.size(), 2U);
  const auto id = [](const Reply& reply) { return std::string(reply.object().at("session").at("id").get_string()); };
  EXPECT_EQ(send(client("DELETE", "/v1/me/sessions/" + id(other), mine.text("token"))).status, 404);
  EXPECT_EQ(check(other.text("token")), Reason::none);
  EXPECT_EQ(send(client("DELETE", "/v1/me/sessions", mine.text("token"))).status, 400) << "it must be said which stay";
  EXPECT_EQ(send(client("DELETE", "/v1/me/sessions?except=current", mine.text("token"))).status, 204);
  EXPECT_EQ(check(mine.text("token")), Reason::none);
  EXPECT_EQ(check(again.text("token")), Reason::logged_out);
}

TEST_F(ClientApiTest, IdsOfAnotherFormAreNotFound) {
  const std::string token = login_with("").text("token");
  for (const auto* id : {"x", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "%2e%2e", "fffffffffffffffffffffffffffffff", "%00", "fffffffffffffffffffffffffffffffff"}) {
    EXPECT_EQ(send(client("DELETE", std::string("/v1/me/sessions/") + id, token)).status, 404) << id;
  }
}

TEST_F(ClientApiTest, APhoneCiphertextBroughtTwiceIsAConflict) {
  const std::string token = login_with("").text("token");
  const auto data = encrypt(std::string(FakePlatform::kKey), "phone|wx1|" + std::to_string(epoch_ms(clock.now())) + "|13800000000");
  const std::string body = R"({"encryptedData":")" + data.data + R"(","iv":")" + data.iv + "\"}";
  EXPECT_EQ(post("/v1/me/phone", body, token).text("phone_number"), "+8613800000000");
  EXPECT_EQ(post("/v1/me/phone", body, token).code(), "conflict");
}

TEST_F(ClientApiTest, ADisabledUserIsToldInTheProblem) {
  const auto who = log_in("o1");
  ASSERT_TRUE(disable(who.user.id, clock.now() + 24h, "see the desk"));
  const Reply reply = login_with("");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.code(), "forbidden");
  EXPECT_EQ(reply.text("reason"), "disabled");
  EXPECT_EQ(reply.text("message"), "see the desk");
  EXPECT_EQ(reply.text("until"), rfc3339(clock.now() + 24h));
}

}  // namespace
}  // namespace kaimen::test

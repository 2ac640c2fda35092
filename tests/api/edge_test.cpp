// What is the same for every route: methods, tickets in URLs, unread members, numbers at their extremes.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

class EdgeTest : public ApiTest {
 protected:
  void SetUp() override {
    token_ = log_in("o1").tokens.token;
    key_ = key_text({"admin"});
  }
  Reply as_admin(const std::string& method, const std::string& target, const std::string& body = "") { return send(admin(method, target, key_, body)); }
  std::string token_, key_;
};

TEST_F(EdgeTest, AnUnknownPathIsNotFound) {
  for (const auto* path : {"/", "//", "/v1", "/v1/", "/v1/login/", "/v1//login", "/V1/login", "/v1/login%00", "/v1/%6cogin", "/v1/../v1/login", "/v1/me/sessions/", "/v1/me/sessions/a/b", ""}) {
    const Reply reply = get(path);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.code(), "not_found") << path;
  }
}

TEST_F(EdgeTest, AnotherMethodIs405AndSaysWhich) {
  const Reply reply = send(client("PUT", "/v1/me", token_));
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.code(), "method_not_allowed");
  EXPECT_EQ(reply.header("Allow"), "GET, HEAD, POST, PATCH, DELETE");
  EXPECT_EQ(get("/v1/login").header("Allow"), "POST");
  EXPECT_EQ(send(client("get", "/v1/me", token_)).status, 405) << "methods are case-sensitive";
}

TEST_F(EdgeTest, HeadIsGet) {
  EXPECT_EQ(send(client("HEAD", "/v1/me", token_)).status, 200);
  EXPECT_EQ(send(client("HEAD", "/v1/me")).status, 401);
  EXPECT_EQ(send(client("HEAD", "/v1/login")).status, 405);
  EXPECT_EQ(send(client("HEAD", "/healthz")).status, 200);
}

TEST_F(EdgeTest, ATicketInAUrlIsRefusedWhateverElseIsThere) {
  for (const auto& route : api::routes()) {
    if (route.pattern == "/verify") continue;  // it answers 401 and 403 only; any unknown option refuses there
    std::string path(route.pattern);
    for (size_t at; (at = path.find('{')) != path.npos;) path.replace(at, path.find('}') - at + 1, std::string(32, 'f'));
    Ask ask = client(std::string(route.method), path + "?token=" + token_);
    ask.listener = route.served == api::Served::privately ? kPrivate : route.served == api::Served::on_machine ? kAdminSocket : kPublic;
    ask.bearer(ask.listener == kPrivate ? key_ : token_);
    const Reply reply = send(ask);
    EXPECT_EQ(reply.status, 400) << path;
    if (!route.refusal.write) {
      EXPECT_EQ(reply.code(), "invalid_request") << path;
    }
  }
  Ask check = verify(token_, "token=" + token_);
  EXPECT_EQ(send(check).status, 403);
}

TEST_F(EdgeTest, AQueryThatIsNotWellEncodedIsInvalid) { EXPECT_EQ(get("/v1/me?a=%zz", token_).status, 400); }

// What a stranger's body says is nobody's business before it is known who calls.
TEST_F(EdgeTest, WhoMayNotCallLearnsNothingOfItsBody) {
  EXPECT_EQ(post("/v1/me", "{").status, 401);
  EXPECT_EQ(send(admin("POST", "/admin/v1/apps", "", "{")).status, 401);
  EXPECT_EQ(post("/v1/me", "{", token_).status, 400);
}

TEST_F(EdgeTest, UnreadMembersAreListedInDevModeOnly) {
  const std::string body = R"({"nickname":"Mei","nick":"x","a\nb":1})";
  EXPECT_EQ(post("/v1/me", body, token_).header("X-Kaimen-Ignored"), "");
  api::ApiOptions options;
  options.dev = true;
  remake_api(std::move(options));
  EXPECT_EQ(post("/v1/me", body, token_).header("X-Kaimen-Ignored"), "nick, a?b") << "and no header is broken by a name";
}

TEST_F(EdgeTest, TheDepthOfABodyIsBounded) {
  std::string deep = R"({"attributes":)", nested;
  for (int i = 0; i < 40; ++i) nested += "{\"a\":";
  nested += "1" + std::string(40, '}');
  EXPECT_EQ(post("/v1/me", deep + nested + "}", token_).status, 400);
  EXPECT_EQ(post("/v1/me", std::string(60'000, '['), token_).status, 400);
}

TEST_F(EdgeTest, InvalidUtf8IsInvalid) {
  for (const auto* bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"}) {
    EXPECT_EQ(post("/v1/me", std::string(R"({"nickname":")") + bytes + "\"}", token_).status, 400);
  }
}

TEST_F(EdgeTest, TextComesBackAsItWasGiven) {
  const std::string name = "\xe6\xa2\x85 \xf0\x9f\x98\x80 \xc2\xa0\xe2\x80\xae<b>&\"\\";
  http::json::object body{{"nickname", name}};
  EXPECT_EQ(post("/v1/me", http::to_text(body), token_).text("nickname"), name);
  EXPECT_EQ(get("/v1/me", token_).text("nickname"), name);
}

TEST_F(EdgeTest, ThereIsHealth) {
  EXPECT_EQ(get("/healthz").text("status"), "ok");
  Ask ready = client("GET", "/readyz");
  ready.listener = kPrivate;
  EXPECT_EQ(send(ready).status, 200);
  services().live.ready = false;
  EXPECT_EQ(send(ready).status, 503);
  EXPECT_EQ(get("/healthz").status, 200);
}

// ---- H6: numbers ----

const char* const kNumbers[] = {"0", "-0", "1", "-1", "2", "3", "60", "86400", "86401", "2592000", "2592001", "2147483647", "2147483648", "-2147483648", "4294967295", "4294967296", "4294967297",
                                "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
                                "1e3", "1.0", "1.5", "-1.5", "1e308", "1e309", "1e-400", "99999999999999999999999999999999999999", "\"60\"", "true", "null", "[]", "{}", "NaN", "Infinity", "+1", "01", "0x10"};

TEST_F(EdgeTest, EveryNumericFieldAtItsExtremes) {
  for (const std::string number : kNumbers) {
    clock.pass(2s);  // a user saves thirty times a minute
    const Reply gender = post("/v1/me", "{\"gender\":" + number + "}", token_);
    EXPECT_EQ(gender.status, number == "0" || number == "-0" || number == "1" || number == "2" || number == "null" ? 200 : 400) << "gender " << number;

    const Reply overlap = as_admin("POST", "/admin/v1/apps/wx1/secret", R"({"secret":"s","overlap_seconds":)" + number + "}");
    ASSERT_TRUE(overlap.status == 200 || overlap.status == 400) << "overlap " << number << " " << overlap.status;
    EXPECT_TRUE(!app()->old_secret || app()->old_secret_until <= clock.now() + 30 * 24h) << number;

    for (const std::string setting : {"ticket_seconds", "idle_seconds", "absolute_seconds", "max_per_user"}) {
      const Reply reply = as_admin("PUT", "/admin/v1/apps/wx1", "{\"settings\":{\"" + setting + "\":" + number + "}}");
      ASSERT_TRUE(reply.status == 200 || reply.status == 400) << setting << " " << number << " " << reply.status;
    }
    const auto& settings = app()->settings;
    EXPECT_TRUE(settings.ticket_seconds >= 60s && settings.ticket_seconds <= 24h) << number;
    EXPECT_TRUE(settings.idle_seconds >= 300s && settings.idle_seconds <= 365 * 24h) << number;
    EXPECT_TRUE(settings.absolute_seconds >= 300s && settings.absolute_seconds <= 3650 * 24h) << number;
    EXPECT_TRUE(settings.max_per_user >= 0 && settings.max_per_user <= 1000) << number;
    const auto answer = log_in("o2");
    EXPECT_LE(answer.tokens.expires_in, 24h) << number;
    EXPECT_EQ(check(answer.tokens.token), Reason::none) << number;
  }
}

TEST_F(EdgeTest, ALimitIsFromOneToTwoHundred) {
  for (const std::string limit : {"1", "200"}) EXPECT_EQ(as_admin("GET", "/admin/v1/apps?limit=" + limit).status, 200) << limit;
  for (const std::string limit : {"0", "-1", "201", "18446744073709551616", "18446744073709551617", "1e2", "1.0", "%201", "1%20", "", "0x1", "a"}) {
    EXPECT_EQ(as_admin("GET", "/admin/v1/apps?limit=" + limit).status, 400) << limit;
  }
}

TEST_F(EdgeTest, ADisablementEndsAtATimeThereIs) {
  const std::string target = "/admin/v1/users/" + log_in("o7").user.id.hex() + "/disable";
  for (const auto* until : {"9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z", "2026-11-20T09:42:00+08:00"}) {
    EXPECT_EQ(as_admin("POST", target, std::string(R"({"until":")") + until + "\"}").status, 200) << until;
  }
  for (const auto* until : {"10000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "tomorrow", "", "2026-11-20", "1795000000"}) {
    EXPECT_EQ(as_admin("POST", target, std::string(R"({"until":")") + until + "\"}").status, 400) << until;
  }
  EXPECT_EQ(as_admin("POST", target, R"({"until":1795000000})").status, 400);
}

// ---- lists ----

TEST_F(EdgeTest, AListIsReadPageByPage) {
  for (int i = 0; i < 5; ++i) add_app("page-" + std::to_string(i));
  std::vector<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 10; ++page) {
    const auto body = as_admin("GET", "/admin/v1/apps?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor)).object();
    for (const auto& item : body.at("items").get_array()) seen.emplace_back(item.at("app_id").get_string());
    if (body.at("next_cursor").is_null()) break;
    cursor = std::string(body.at("next_cursor").get_string());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"page-0", "page-1", "page-2", "page-3", "page-4", "wx1"}));
  EXPECT_EQ(as_admin("GET", "/admin/v1/apps?cursor=!!").status, 400);
}

// ---- secrets ----

TEST_F(EdgeTest, SecretsGoInAndNeverComeOut) {
  std::string all = as_admin("POST", "/admin/v1/apps", R"({"app_id":"wx5","secret":"canary-secret"})").body;
  all += as_admin("POST", "/admin/v1/apps/wx5/secret", R"({"secret":"canary-second"})").body;
  all += as_admin("GET", "/admin/v1/apps").body + as_admin("GET", "/admin/v1/apps/wx5").body + as_admin("PUT", "/admin/v1/apps/wx5", R"({"name":"n"})").body;
  EXPECT_EQ(all.find("canary"), std::string::npos);
  const std::string shown = as_admin("POST", "/admin/v1/keys", R"({"name":"k","scopes":["read"]})").text("key");
  ASSERT_TRUE(shown.starts_with("kmk_"));
  EXPECT_EQ(as_admin("GET", "/admin/v1/keys").body.find(shown.substr(4)), std::string::npos);
}

// A misspelt condition on a deletion would delete what it was meant to spare.
TEST_F(EdgeTest, EndingSessionsOfOneAppTakesWeChatsSpellingAndNoOther) {
  const auto answer = log_in("o1");
  const std::string target = "/admin/v1/users/" + answer.user.id.hex() + "/sessions";
  add_app("wx2");
  for (const auto* query : {"?appid=wx2", "?app_id=wx2"}) EXPECT_EQ(as_admin("DELETE", target + query).status, 204) << query;
  for (const auto* query : {"?ap_id=wx2", "?app_id=wx2&app_id=wx1", "?app=wx2", "?app_id=wx2&appid=wx1"}) EXPECT_EQ(as_admin("DELETE", target + query).status, 400) << query;
  EXPECT_EQ(as_admin("DELETE", target + "?app_id=").status, 404);
  EXPECT_EQ(check(answer.tokens.token), Reason::none);
  EXPECT_EQ(as_admin("DELETE", target).status, 204);
  EXPECT_EQ(check(answer.tokens.token), Reason::revoked);
}

}  // namespace
}  // namespace kaimen::test

// The proxy and the token over HTTP: who may, what goes out, what comes back, and how large a body is taken from whom.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

class ProxyApiTest : public ApiTest {
 protected:
  void SetUp() override { key_ = key_text({"wechat"}); }
  Ask call(const std::string& method, const std::string& path, const std::string& body = "{}") {
    return admin(method, "/admin/v1/apps/wx1/wechat/" + path, key_, body).with("Content-Type", "application/json").with("Cookie", "a=b").with("X-Forwarded-For", "203.0.113.9");
  }
  std::string key_;
};

TEST_F(ProxyApiTest, EveryMethodGoesOutAsItCame) {
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(send(call(method, "wxa/x?a=1%2B2&b=c+d")).status, 200) << method;
    const auto& sent = platform.passed.back().second;
    EXPECT_EQ(sent.method, method);
    EXPECT_EQ(sent.path, "/wxa/x");
    EXPECT_EQ(sent.query, (std::vector<std::pair<std::string, std::string>>{{"a", "1+2"}, {"b", "c d"}}));
    EXPECT_EQ(sent.headers, (std::vector<std::pair<std::string, std::string>>{{"Content-Type", "application/json"}}));
  }
  EXPECT_EQ(send(call("HEAD", "wxa/x")).status, 200);
  EXPECT_EQ(platform.passed.back().second.method, "GET");
}

TEST_F(ProxyApiTest, OtherMethodsDoNot) {
  for (const char* method : {"OPTIONS", "TRACE", "ANY", "CONNECT"}) EXPECT_EQ(send(call(method, "wxa/x")).status, 405) << method;
  EXPECT_TRUE(platform.passed.empty());
}

TEST_F(ProxyApiTest, ABodyNeedNotBeJson) {
  std::string bytes("\x00\xff\r\nbinary", 10);
  EXPECT_EQ(send(call("POST", "cgi-bin/media/upload", bytes)).status, 200);
  EXPECT_EQ(platform.passed.back().second.body, bytes);
}

TEST_F(ProxyApiTest, APathIsDecodedOnce) {
  EXPECT_EQ(send(call("POST", "cgi-bin%2Fmessage%2Fsubscribe%2Fsend")).status, 200);
  EXPECT_EQ(platform.passed.back().second.path, "/cgi-bin/message/subscribe/send");
  EXPECT_EQ(send(call("POST", "cgi-bin%2Ftoken")).status, 403);
  EXPECT_EQ(send(call("POST", "cgi-bin%252Ftoken")).status, 400);
  EXPECT_EQ(send(call("POST", "wxa/%zz")).status, 404);
  EXPECT_EQ(send(call("POST", "")).status, 404);
  EXPECT_EQ(platform.passed.size(), 1U);
}

TEST_F(ProxyApiTest, TheAnswerIsThePlatformsAndNotKept) {
  platform.passing_errcode = 40003;
  const Reply reply = send(call("POST", "wxa/x"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"errcode":40003})");
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
}

TEST_F(ProxyApiTest, WhereThePlatformDoesNotAnswerItIsOurError) {
  platform.passing_failure = failure(ErrorCode::upstream_error);
  EXPECT_EQ(send(call("POST", "wxa/x")).code(), "upstream_error");
}

TEST_F(ProxyApiTest, OnlyWhoMayCallMaySendALargeBody) {
  const auto limit = [&](const std::string& target, const std::string& key, Listener listener = kPrivate) {
    http::Request head;
    const http::Peer peer = local_peer();
    const std::string authorization = "Bearer " + key;
    head.method = "POST";
    head.target = head.path = target;
    head.headers.push_back({"Authorization", authorization});
    head.peer = &peer;
    head.listener = listener;
    return api().body_limit(head, 64 * 1024);
  };
  const std::string target = "/admin/v1/apps/wx1/wechat/cgi-bin/media/upload";
  EXPECT_EQ(limit(target, key_), limits::kProxyBodyBytes);
  EXPECT_EQ(limit(target, key_text({"admin"})), limits::kProxyBodyBytes);
  EXPECT_EQ(limit(target, key_text({"read", "write", "verify"})), 64U * 1024);
  EXPECT_EQ(limit(target, "kmk_nobody"), 64U * 1024);
  EXPECT_EQ(limit(target, key_, kPublic), 64U * 1024);
  EXPECT_EQ(limit("/admin/v1/apps/wx1", key_), 64U * 1024);
}

TEST_F(ProxyApiTest, TheTokenIsGivenWithWhatIsLeftOfIt) {
  const Reply reply = send(admin("GET", "/admin/v1/apps/wx1/access-token", key_));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("access_token"), "token-1");
  EXPECT_EQ(reply.object().at("expires_in").as_int64(), 7200);
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  clock.pass(100s);
  EXPECT_EQ(send(admin("GET", "/admin/v1/apps/wx1/access-token", key_)).object().at("expires_in").as_int64(), 7100);
}

TEST_F(ProxyApiTest, ARefusedTokenIsReplaced) {
  ASSERT_EQ(send(admin("GET", "/admin/v1/apps/wx1/access-token", key_)).status, 200);
  platform.set_token("token-2");
  const std::string path = "/admin/v1/apps/wx1/access-token/rejected";
  EXPECT_EQ(send(admin("POST", path, key_, R"({"access_token":"token-1"})")).text("access_token"), "token-2");
  EXPECT_EQ(send(admin("POST", path, key_, R"({"access_token":"token-1"})")).text("access_token"), "token-2");
  EXPECT_EQ(platform.fetches, 2);
  clock.pass(10s);
  const Reply again = send(admin("POST", path, key_, R"({"access_token":"token-2"})"));
  EXPECT_EQ(again.code(), "upstream_error");
  EXPECT_EQ(again.header("Retry-After"), "20");
  platform.set_token("token-3");
  clock.pass(20s);
  EXPECT_EQ(send(admin("POST", path, key_, R"({"access_token":"token-2"})")).text("access_token"), "token-3");
  EXPECT_EQ(send(admin("POST", path, key_, "{}")).code(), "invalid_request");
}

TEST_F(ProxyApiTest, ADisabledAppHasNeither) {
  core::AppChange change;
  change.disabled = true;
  ASSERT_TRUE(run_here(services().apps.change("wx1", change)));
  EXPECT_EQ(send(admin("GET", "/admin/v1/apps/wx1/access-token", key_)).status, 403);
  EXPECT_EQ(send(call("POST", "wxa/x")).text("reason"), "disabled");
}

TEST_F(ProxyApiTest, AnotherProjectsAppIsNotThere) {
  add_app("wx2", "other");
  const std::string bound = key_text({"wechat"}, "other");
  EXPECT_EQ(send(admin("GET", "/admin/v1/apps/wx1/access-token", bound)).status, 404);
  EXPECT_EQ(send(admin("POST", "/admin/v1/apps/wx1/wechat/wxa/x", bound)).status, 404);
  EXPECT_TRUE(platform.passed.empty());
}

}  // namespace
}  // namespace kaimen::test

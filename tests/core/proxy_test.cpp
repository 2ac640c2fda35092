// Calls of the platform's API for backends: which go out, with which token, and how many.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

using core::check_proxy_path;
using core::check_proxy_query;

const core::ProxyFamilies kFamilies = core::default_proxy_families();
std::string path_code(std::string_view path) {
  const auto checked = check_proxy_path(path, kFamilies);
  return checked ? "ok" : std::string(name_of(checked.error().code));
}

TEST(ProxyPathTest, OrdinaryCallsGoOut) {
  for (const char* path : {"cgi-bin/message/subscribe/send", "wxa/getwxacodeunlimit", "wxa/business/getuserphonenumber", "datacube/getweanalysisappiddailyvisittrend",
                           "wxaapi/newtmpl/gettemplate", "cgi-bin/tokens", "wxa/business/getuserencryptkeys", "wxa/sns/x"}) {
    EXPECT_EQ(path_code(path), "ok") << path;
  }
}

// U8: the proxy never returns a key.
TEST(ProxyPathTest, WhatBringsAKeyStaysHere) {
  for (const char* path : {"sns/jscode2session", "sns/oauth2/access_token", "sns/component/jscode2session", "sns", "wxa/resetusersessionkey", "wxa/business/getuserencryptkey",
                           "cgi-bin/token", "cgi-bin/stable_token", "cgi-bin/component/api_component_token", "cgi-bin/component", "cgi-bin/component/a/b", "cgi-bin/token/x",
                           "CGI-BIN/token", "cgi-bin/Token", "cgi-bin/STABLE_TOKEN", "Wxa/Business/GetUserEncryptKey", "SNS/jscode2session"}) {
    EXPECT_EQ(path_code(path), "forbidden") << path;
    const core::ProxyFamilies all{"sns", "SNS", "cgi-bin", "CGI-BIN", "wxa", "Wxa"};
    EXPECT_FALSE(check_proxy_path(path, all)) << path << " though its family is listed";
  }
}

TEST(ProxyPathTest, OtherFamiliesStayHere) {
  for (const char* path : {"cv/img/aicrop", "WXA/msg_sec_check", "wxa", "wxa2/x", "product/get", "admin/x"}) EXPECT_EQ(path_code(path), "forbidden") << path;
}

TEST(ProxyPathTest, APathInAnyButThePlainFormIsRefused) {
  for (const std::string& path : {std::string(), std::string("/wxa/x"), std::string("wxa//x"), std::string("wxa/x/"), std::string("wxa/../sns/jscode2session"), std::string("wxa/./x"),
                                 std::string("wxa/%2e%2e/sns/x"), std::string("cgi-bin%2ftoken"), std::string("cgi-bin\\token"), std::string("cgi-bin/token;x"), std::string("cgi-bin/token?x"),
                                 std::string("cgi-bin/token#x"), std::string("cgi-bin/to ken"), std::string("cgi-bin/token\0", 14), std::string("cgi-bin/t\xc3\xb6ken"), std::string("wxa/x\r\nHost: y"),
                                 std::string("cgi-bin/token."), "wxa/" + std::string(300, 'a')}) {
    EXPECT_EQ(path_code(path), "invalid_request") << path;
  }
}

TEST(ProxyQueryTest, WhatWePutInIsNotTakenFromTheCaller) {
  for (const char* name : {"access_token", "Access_Token", "ACCESS-TOKEN", "access_token[]", " access_token", "appid", "AppID", "secret", "appsecret", "component_access_token",
                           "authorizer_access_token", "component_appid"}) {
    EXPECT_FALSE(check_proxy_query({{"a", "b"}, {name, "x"}})) << name;
  }
  EXPECT_TRUE(check_proxy_query({{"media_id", "access_token"}, {"type", "image"}, {"openid", "o1"}}));
}

class ProxyTest : public CoreTest {
 protected:
  static core::ProxyCall call(const std::string& path = "wxa/msg_sec_check") {
    core::ProxyCall call;
    call.method = "POST";
    call.path = path;
    call.query = {{"q", "1"}};
    call.body = R"({"a":1})";
    return call;
  }
  Result<core::ProxyAnswer> pass(core::ProxyCall what = call(), const std::string& app_id = "wx1") {
    core::Trace trace;
    return run_here(services().proxy.pass(services().apps.find(app_id), std::move(what), &trace));
  }
};

TEST_F(ProxyTest, ACallGoesOutAsItCameWithTheToken) {
  EXPECT_EQ(pass().value().body, R"({"errcode":0})");
  ASSERT_EQ(platform.passed.size(), 1U);
  const auto& [token, sent] = platform.passed[0];
  EXPECT_EQ(token, "token-1");
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.path, "/wxa/msg_sec_check");
  EXPECT_EQ(sent.query, (std::vector<std::pair<std::string, std::string>>{{"q", "1"}}));
  EXPECT_EQ(sent.body, R"({"a":1})");
}

TEST_F(ProxyTest, ATokenThatIsNoLongerGoodIsReplacedOnce) {
  ASSERT_TRUE(pass());
  clock.pass(30s);
  platform.rejected_tokens.insert("token-1");
  platform.set_token("token-2");
  EXPECT_EQ(pass().value().body, R"({"errcode":0})");
  ASSERT_EQ(platform.passed.size(), 3U);
  EXPECT_EQ(platform.passed[2].first, "token-2");
  EXPECT_EQ(platform.fetches, 2);
}

TEST_F(ProxyTest, WhereNoTokenIsTakenTheAnswerIsWechats) {
  platform.rejected_tokens = {"token-1", "token-2"};
  platform.set_token("token-1");
  EXPECT_EQ(pass().value().body, R"({"errcode":40001})") << "the same token again";
  EXPECT_EQ(pass().value().body, R"({"errcode":40001})") << "and no other so soon";
  EXPECT_EQ(platform.passed.size(), 2U);
  EXPECT_EQ(platform.fetches, 2);
  clock.pass(30s);
  platform.set_token("token-2");
  EXPECT_EQ(pass().value().body, R"({"errcode":40001})") << "two are refused";
  EXPECT_EQ(platform.passed.size(), 4U) << "and there is no third try";
}

TEST_F(ProxyTest, ARefusedCallAsksNobody) {
  EXPECT_EQ(code_of(pass(call("cgi-bin/token"))), ErrorCode::forbidden);
  auto tricky = call();
  tricky.query.emplace_back("access_token", "mine");
  EXPECT_EQ(code_of(pass(tricky)), ErrorCode::invalid_request);
  core::AppChange change;
  change.disabled = true;
  ASSERT_TRUE(run_here(services().apps.change("wx1", change)));
  EXPECT_EQ(code_of(pass()), ErrorCode::forbidden);
  EXPECT_TRUE(platform.passed.empty());
  EXPECT_EQ(platform.fetches, 0);
}

TEST_F(ProxyTest, AnAppsCallsAMinuteAreItsOwn) {
  add_app("wx2");
  set("wechat_calls_per_minute", "2");
  EXPECT_TRUE(pass());
  EXPECT_TRUE(pass());
  const auto limited = pass();
  EXPECT_EQ(code_of(limited), ErrorCode::rate_limited);
  EXPECT_EQ(limited.error().retry_after, Seconds(30));
  EXPECT_TRUE(pass(call(), "wx2"));
  clock.pass(30s);
  EXPECT_TRUE(pass());
}

TEST_F(ProxyTest, OneAppsWaitingCallsDoNotTakeAllPlaces) {
  add_app("wx2");
  ASSERT_TRUE(pass());
  ASSERT_TRUE(pass(call(), "wx2"));
  platform.proxy_gate.close();
  std::thread storm([&] {
    core::Trace trace;
    const std::function<Task<Result<core::ProxyAnswer>>(int)> make = [&](int) { return services().proxy.pass(app(), call(), &trace); };
    const auto answers = together<Result<core::ProxyAnswer>>(100, make);
    const auto refused = std::ranges::count_if(answers, [](const auto& answer) { return !answer && answer.error().code == ErrorCode::unavailable && answer.error().retry_after; });
    EXPECT_EQ(refused, 100 - static_cast<int>(limits::kProxyCallsPerApp));
  });
  while (platform.proxy_gate.waiting() < limits::kProxyCallsPerApp) std::this_thread::yield();
  std::thread other([&] { EXPECT_TRUE(pass(call(), "wx2")); });
  while (platform.proxy_gate.waiting() < limits::kProxyCallsPerApp + 1) std::this_thread::yield();
  platform.proxy_gate.open();
  storm.join();
  other.join();
}

TEST_F(ProxyTest, TheBodiesOfAllCallsHaveOneBudget) {
  const auto big = [] {
    auto made = call("cgi-bin/media/upload");
    made.body = std::string(limits::kProxyBodyBytes, 'x');
    return made;
  };
  ASSERT_TRUE(pass());
  platform.proxy_gate.close();
  core::Trace trace;
  std::thread many([&] {
    const std::function<Task<Result<core::ProxyAnswer>>(int)> make = [&](int) { return services().proxy.pass(app(), big(), &trace); };
    const auto answers = together<Result<core::ProxyAnswer>>(10, make);
    EXPECT_EQ(std::ranges::count_if(answers, [](const auto& answer) { return answer.has_value(); }), 6);
  });
  while (platform.proxy_gate.waiting() < 6) std::this_thread::yield();
  platform.proxy_gate.open();
  many.join();
  EXPECT_TRUE(pass(big())) << "it is given back";
}

TEST_F(ProxyTest, CallsAreCountedByAppAndPath) {
  ASSERT_TRUE(pass());
  platform.passing_errcode = 45009;
  ASSERT_TRUE(pass());
  platform.passing_failure = failure(ErrorCode::upstream_error);
  EXPECT_FALSE(pass());
  const auto counts = services().proxy.counts();
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].app_id + " " + counts[0].path, "wx1 wxa/msg_sec_check");
  EXPECT_EQ(counts[0].answered, 1U);
  EXPECT_EQ(counts[0].refused, 1U);
  EXPECT_EQ(counts[0].failed, 1U);
}

TEST_F(ProxyTest, HoweverManyPathsThereAreTheSeriesOfAnAppAreBounded) {
  for (size_t i = 0; i < core::Proxy::kPathsPerApp + 100; ++i) ASSERT_TRUE(pass(call("wxa/x" + std::to_string(i))));
  const auto counts = services().proxy.counts();
  EXPECT_EQ(counts.size(), core::Proxy::kPathsPerApp + 1);
  uint64_t all = 0;
  for (const auto& counted : counts) all += counted.answered;
  EXPECT_EQ(all, core::Proxy::kPathsPerApp + 100);
  EXPECT_EQ(std::ranges::count(counts, "other", &core::ProxyCount::path), 1);
}

}  // namespace
}  // namespace kaimen::test

// The clients of wafer, in the shapes that their packages look for; facts of theirs are told where a test holds them.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

constexpr const char* kMagic = "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A";

class WaferApiTest : public ApiTest {
 protected:
  WaferApiTest() { set("wafer", "v2"); }

  Reply login_as(const std::string& openid = "o1", const std::string& path = "/weapp/login", const std::string& host = "") {
    Ask ask = client("GET", path).with("X-WX-Code", platform.fresh_code(openid));
    if (!host.empty()) ask.with("Host", host);
    return send(ask);
  }
  static std::string skey_of(const Reply& reply) {
    const auto body = reply.object();
    const auto* data = body.if_contains("data");
    const auto* session = data ? data : body.if_contains("session");
    return session ? std::string(session->at("skey").get_string()) : std::string();
  }
  Reply user(const std::string& skey, const std::string& path = "/weapp/user", const std::string& method = "GET") {
    Ask ask = client(method, path);
    if (!skey.empty()) ask.with("X-WX-Skey", skey);
    return send(ask);
  }
  Reply check_by_skey(const std::string& skey, const std::string& query = "") { return send(verify("", query).with("X-WX-Skey", skey)); }
};

TEST_F(WaferApiTest, ALoginOfV2IsWhatItsClientLooksFor) {
  const Reply reply = login_as();
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  const auto body = reply.object();
  EXPECT_EQ(body.at("code").get_int64(), 0);
  const auto& data = body.at("data").get_object();
  EXPECT_TRUE(data.at("userinfo").is_object());
  EXPECT_EQ(data.at("time").get_int64(), epoch_ms(clock.now()) / 1000);
  EXPECT_EQ(data.at("expires_in").get_int64(), 7200);
  EXPECT_EQ(check(skey_of(reply)), Reason::none);
}

TEST_F(WaferApiTest, AnybodyIsRegisteredByTheirFirstCode) {
  EXPECT_EQ(login_as("never-seen").object().at("code").get_int64(), 0);
  EXPECT_EQ(one("SELECT count(*) FROM users"), "1");
}

TEST_F(WaferApiTest, ThePostOfALoginIsTheSameWhateverItsBody) {
  Ask ask = client("POST", "/weapp/login").with("x-wx-code", platform.fresh_code("o1"));
  ask.body = "not json";
  EXPECT_EQ(send(ask).object().at("code").get_int64(), 0);
}

TEST_F(WaferApiTest, TheSkeyHasNothingOfTheSessionKey) {
  const std::string first = skey_of(login_as()), second = skey_of(login_as());
  EXPECT_NE(first, second);
  EXPECT_TRUE(first.starts_with("km1."));
}

TEST_F(WaferApiTest, WeChatsProfileInHeadersIsKept) {
  const auto data = encrypt(std::string(FakePlatform::kKey), "user|wx1|" + std::to_string(epoch_ms(clock.now())) + "|o1|Anna||0");
  Ask ask = client("GET", "/weapp/login").with("X-WX-Code", platform.fresh_code("o1")).with("X-WX-Encrypted-Data", data.data).with("X-WX-IV", data.iv);
  const Reply reply = send(ask);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.object().at("data").at("userinfo").at("nickName").get_string(), "Anna");
}

TEST_F(WaferApiTest, DataThatCannotBeReadDoesNotUndoTheLogin) {
  for (const std::string& data : {std::string("AAAA"), std::string("%%%"), std::string(16 * 1024, 'A')}) {
    Ask ask = client("GET", "/weapp/login").with("X-WX-Code", platform.fresh_code("o1")).with("X-WX-Encrypted-Data", data).with("X-WX-IV", "AAAA");
    EXPECT_EQ(send(ask).object().at("code").get_int64(), 0);
  }
  Ask half = client("GET", "/weapp/login").with("X-WX-Code", platform.fresh_code("o1")).with("X-WX-Encrypted-Data", "AAAA");
  EXPECT_EQ(send(half).object().at("code").get_int64(), 0);
}

TEST_F(WaferApiTest, AnOpenidIsShownWhereTheAppIsSetSo) {
  EXPECT_EQ(login_as().body.find(R"("o1")"), std::string::npos);
  set("expose_openid", "true");
  EXPECT_EQ(login_as().object().at("data").at("userinfo").at("openId").get_string(), "o1");
}

// -1 is "log in again" for every client of v2: what a login cannot mend must not be called so (a client of it would never stop).
TEST_F(WaferApiTest, ARefusedLoginOfV2HasANameAndANumber) {
  struct Refused {
    ErrorCode code;
    int status;
    int64_t number;
    const char* name;
  };
  for (const Refused& one : {Refused{ErrorCode::code_invalid, 401, -1, "ERR_GET_SESSION_KEY"}, Refused{ErrorCode::code_used, 409, -1, "ERR_GET_SESSION_KEY"},
                          Refused{ErrorCode::risk_blocked, 403, 403, "ERR_GET_SESSION_KEY"}, Refused{ErrorCode::rate_limited, 429, 429, "ERR_GET_SESSION_KEY"},
                          Refused{ErrorCode::app_misconfigured, 503, 503, "ERR_GET_SESSION_KEY"}, Refused{ErrorCode::upstream_busy, 503, 503, "ERR_GET_SESSION_KEY"},
                          Refused{ErrorCode::upstream_error, 502, 502, "ERR_GET_SESSION_KEY"}}) {
    const std::string code = "refused-" + std::string(name_of(one.code));
    platform.answer(code, failure(one.code, 40000, true));
    const Reply reply = send(client("GET", "/weapp/login").with("X-WX-Code", code));
    const auto body = reply.object();
    EXPECT_EQ(reply.status, one.status) << reply.body;
    EXPECT_EQ(body.at("code").get_int64(), one.number) << reply.body;
    EXPECT_EQ(reply.text("error"), one.name);
    EXPECT_EQ(reply.text("cause"), name_of(one.code));
    EXPECT_FALSE(reply.text("message").empty());
    EXPECT_EQ(reply.header("Content-Type"), "application/json");
  }
}

TEST_F(WaferApiTest, ALoginWithoutACodeOrWithTwoIsToldSo) {
  const Reply none = send(client("GET", "/weapp/login"));
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(none.object().at("code").get_int64(), -1);
  EXPECT_EQ(none.text("error"), "ERR_HEADER_MISSED");
  EXPECT_EQ(send(client("GET", "/weapp/login").with("X-WX-Code", "a").with("x-wx-code", "b")).text("error"), "ERR_HEADER_MISSED");
  EXPECT_EQ(send(client("GET", "/weapp/login").with("X-WX-Code", "caf\xc3\xa9")).text("error"), "ERR_HEADER_MISSED");
  EXPECT_EQ(platform.exchanges, 0);
}

TEST_F(WaferApiTest, ADisabledUserIsNotAskedToLogInAgainAndAgain) {
  const Reply in = login_as();
  ASSERT_TRUE(disable(Id::parse(one("SELECT lower(hex(id)) FROM users")).value(), {}, "ask the shop"));
  EXPECT_EQ(user(skey_of(in)).object().at("code").get_int64(), -1);
  const Reply again = login_as();
  EXPECT_EQ(again.status, 403);
  EXPECT_EQ(again.object().at("code").get_int64(), 403);
  EXPECT_EQ(again.text("reason"), "disabled");
  EXPECT_NE(again.text("message").find("ask the shop"), std::string::npos);
}

TEST_F(WaferApiTest, TheUserOfV2) {
  const std::string skey = skey_of(login_as());
  for (const std::string method : {"GET", "POST"}) {
    const Reply reply = user(skey, "/weapp/user", method);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.object().at("code").get_int64(), 0);
    EXPECT_EQ(reply.object().at("data").at("watermark").at("appid").get_string(), "wx1");
  }
}

// The client reads data.error of a 401 without looking whether there is a body at all.
TEST_F(WaferApiTest, AnEndedSessionOfV2Is401WithABody) {
  const std::string skey = skey_of(login_as());
  clock.pass(std::chrono::hours(3));
  for (const auto& [key, reason] : std::vector<std::pair<std::string, std::string>>{{skey, "expired"}, {"", "missing"}, {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "malformed"}}) {
    const Reply reply = user(key);
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.object().at("code").get_int64(), -1);
    EXPECT_EQ(reply.text("error"), "ERR_SKEY_INVALID");
    EXPECT_EQ(reply.text("reason"), reason);
    EXPECT_EQ(reply.header("X-Kaimen-Reason"), reason);
  }
}

TEST_F(WaferApiTest, ASkeyIsATicketForChecks) {
  const std::string skey = skey_of(login_as());
  const Reply reply = check_by_skey(skey, "app_id=wx1");
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("X-Kaimen-Openid"), "o1");
  EXPECT_EQ(send(verify(skey)).status, 204) << "and as a bearer's";
  EXPECT_EQ(send(verify(skey).with("X-WX-Skey", skey + "x")).header("X-Kaimen-Reason"), "malformed") << "two that differ";
  EXPECT_EQ(send(verify("").with("X-WX-Skey", skey).with("x-wx-skey", "other")).header("X-Kaimen-Reason"), "malformed");
}

TEST_F(WaferApiTest, ASkeyIsOfWafersAppsAlone) {
  add_app("wx2");
  const std::string other = log_in("o1", "wx2").tokens.token;
  EXPECT_EQ(check_by_skey(other, "app_id=wx2").header("X-Kaimen-Reason"), "malformed");
  EXPECT_EQ(user(other).text("reason"), "malformed");
  EXPECT_EQ(send(verify(other)).status, 204);
  const std::string skey = skey_of(login_as());
  set("wafer", "off");
  EXPECT_EQ(check_by_skey(skey).header("X-Kaimen-Reason"), "missing") << "nobody's header any more";
  EXPECT_EQ(send(verify(skey).with("X-WX-Skey", "of something else")).status, 204);
}

// A check read the app of its answer from a table that another thread's change of the apps had freed meanwhile. It takes AddressSanitizer to see.
TEST_F(WaferApiTest, TheAppOfAnAnswerIsOfTheTableThatTheCheckWasMadeWith) {
  const std::string skey = skey_of(login_as());
  std::atomic<bool> over{false};
  std::thread changing([&] {
    while (!over) services().live.set_apps(std::make_shared<core::AppTable>(*services().live.apps.get()));
  });
  for (int i = 0; i < 5'000; ++i) {
    const Reply reply = check_by_skey(skey);
    EXPECT_EQ(reply.status, 204);
    EXPECT_EQ(reply.header("X-Kaimen-App"), "wx1");
  }
  over = true;
  changing.join();
}

TEST_F(WaferApiTest, ParallelLoginsDoNotPutEachOtherOut) {
  set("max_per_user", "2");
  std::vector<std::string> skeys;
  for (int i = 0; i < 30; ++i) skeys.push_back(skey_of(login_as()));
  for (const auto& skey : skeys) EXPECT_EQ(check(skey), Reason::none);
  // The limit holds all the same, for those who come later.
  clock.pass(std::chrono::minutes(2));
  const std::string last = skey_of(login_as());
  EXPECT_EQ(check(last), Reason::none);
  EXPECT_EQ(std::ranges::count_if(skeys, [&](const auto& skey) { return check(skey) == Reason::none; }), 1);
  EXPECT_EQ(std::ranges::count_if(skeys, [&](const auto& skey) { return check(skey) == Reason::replaced; }), 29);
}

// Its client cannot renew and logs in anew every two hours: what it left behind is no device of the user's.
TEST_F(WaferApiTest, ASessionEndsWithItsTicket) {
  login_as();
  EXPECT_EQ(one("SELECT idle_expires_at - created_at FROM sessions"), "7200000");
}

TEST_F(WaferApiTest, WithoutAnAppOfWafersThereIsNothing) {
  set("wafer", "off");
  const Reply reply = login_as();
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.object().at("code").get_int64(), 404);
  EXPECT_EQ(reply.text("error"), "ERR_REQUEST_PARAM");
  EXPECT_EQ(login_as("o1", "/weapp/wx1/login").status, 404);
  EXPECT_EQ(platform.exchanges, 0);
}

TEST_F(WaferApiTest, OneOfSeveralAppsIsNamedByPathOrHost) {
  add_app("wx2", "default", {{"wafer", "v2"}, {"wafer_hosts", "two.example.cn,shop.example.cn:8443"}});
  EXPECT_EQ(login_as("o1", "/weapp/wx9/login").status, 404);
  const auto app_of = [&](const Reply& reply) { return std::string(reply.object().at("data").at("userinfo").at("watermark").at("appid").get_string()); };
  EXPECT_EQ(app_of(login_as("o1", "/weapp/wx1/login")), "wx1");
  EXPECT_EQ(app_of(login_as("o1", "/weapp/wx2/login")), "wx2");
  EXPECT_EQ(app_of(login_as("o1", "/weapp/wx1/login", "two.example.cn")), "wx1") << "the path goes first";
  for (const std::string host : {"two.example.cn", "TWO.example.cn", "two.example.cn:443", "shop.example.cn:8443"}) EXPECT_EQ(app_of(login_as("o1", "/weapp/login", host)), "wx2") << host;
  for (const std::string host : {"", "shop.example.cn", "nobodys.example.cn"}) EXPECT_EQ(app_of(login_as("o1", "/weapp/login", host)), "wx1") << "it has no hosts: " << host;
  add_app("wx3", "default", {{"wafer", "v2"}});
  EXPECT_EQ(login_as().status, 404) << "nothing says which";
  EXPECT_EQ(app_of(login_as("o1", "/weapp/login", "two.example.cn")), "wx2");
  set("wafer_hosts", "two.example.cn");
  EXPECT_EQ(login_as("o1", "/weapp/login", "two.example.cn").status, 404) << "named by two";
}

// A customer's key switched wafer on for an app of theirs, and another customer's clients logged in no more.
TEST_F(WaferApiTest, AProjectsKeyTakesNoHostFromAnotherProject) {
  add_app("wx2", "other");
  const auto as_other = [this](std::map<std::string, std::string> settings) {
    core::AppChange change;
    change.settings = std::move(settings);
    change.by_project = true;
    return run_here(services().apps.change("wx2", std::move(change)));
  };
  EXPECT_EQ(as_other({{"wafer", "v2"}}).error().code, ErrorCode::conflict);
  ASSERT_TRUE(as_other({{"wafer", "v2"}, {"wafer_hosts", "two.example.cn"}}));
  EXPECT_EQ(as_other({{"wafer_hosts", ""}}).error().code, ErrorCode::conflict);
  const auto app_of = [&](const Reply& reply) { return std::string(reply.object().at("data").at("userinfo").at("watermark").at("appid").get_string()); };
  EXPECT_EQ(app_of(login_as()), "wx1");
  set("wafer_hosts", "Shop.example.cn:8443");
  EXPECT_EQ(as_other({{"wafer_hosts", "two.example.cn,shop.EXAMPLE.cn"}}).error().code, ErrorCode::conflict);
  EXPECT_EQ(app_of(login_as("o1", "/weapp/login", "shop.example.cn:8443")), "wx1");
}

// T10
TEST_F(WaferApiTest, ASkeyOfOneAppIsNoneOfAnother) {
  add_app("wx2", "default", {{"wafer", "v2"}, {"wafer_hosts", "two.example.cn"}});
  const std::string skey = skey_of(login_as("o1", "/weapp/wx1/login"));
  EXPECT_EQ(user(skey, "/weapp/wx1/user").status, 200);
  EXPECT_EQ(user(skey).status, 200) << "the ticket says which";
  EXPECT_EQ(user(skey, "/weapp/wx2/user").text("reason"), "malformed");
  EXPECT_EQ(user(skey, "/weapp/wx9/user").status, 401);
  EXPECT_EQ(send(client("GET", "/weapp/user").with("X-WX-Skey", skey).with("Host", "two.example.cn")).text("reason"), "malformed");
}

TEST_F(WaferApiTest, ATicketInTheAddressIsRefusedHereToo) {
  const Reply reply = send(client("GET", "/weapp/user?skey=" + skey_of(login_as())));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.text("cause"), "invalid_request");
  EXPECT_EQ(reply.object().at("code").get_int64(), 400) << "which another login would not mend";
}

class WaferV1ApiTest : public WaferApiTest {
 protected:
  WaferV1ApiTest() { set("wafer", "v1"); }

  Reply mina(const std::string& name, const std::string& para, const std::function<void(Ask&)>& more = {}, const std::string& path = "/mina_auth/") {
    Ask ask = client("POST", path);
    ask.listener = kPrivate;
    ask.body = R"({"version":1,"componentName":"MA","interface":{"interfaceName":")" + name + "\"" + (para.empty() ? "" : ",\"para\":" + para) + "}}";
    if (more) more(ask);
    return send(ask);
  }
  static int64_t number(const Reply& reply) {
    const auto body = reply.object();
    return body.contains("returnCode") ? body.at("returnCode").get_int64() : -1;
  }
  Reply id_skey(const std::string& openid = "o1") { return mina("qcloud.cam.id_skey", R"({"code":")" + platform.fresh_code(openid) + R"(","encrypt_data":"","iv":""})"); }
  static std::string auth_of(const Reply& reply) {
    const auto body = reply.object();
    const auto& data = body.at("returnData");
    return R"({"id":")" + std::string(data.at("id").get_string()) + R"(","skey":")" + std::string(data.at("skey").get_string()) + "\"}";
  }
};

TEST_F(WaferV1ApiTest, ALoginOfV1IsWhatItsClientLooksFor) {
  const Reply reply = login_as();
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto body = reply.object();
  EXPECT_EQ(body.at(kMagic).get_int64(), 1);
  EXPECT_EQ(body.at("session").at("id").get_string(), one("SELECT lower(hex(id)) FROM sessions"));
  EXPECT_EQ(check(skey_of(reply)), Reason::none);
  EXPECT_FALSE(body.contains("error"));
}

TEST_F(WaferV1ApiTest, RefusalsOfV1HaveTheMagicMember) {
  const Reply login = send(client("GET", "/weapp/login").with("X-WX-Code", "made-up"));
  EXPECT_EQ(login.object().at(kMagic).get_int64(), 1);
  EXPECT_EQ(login.text("error"), "ERR_LOGIN_FAILED");
  EXPECT_FALSE(login.object().contains("session"));
  const Reply ended = user("0123456789abcdef0123456789abcdef");
  EXPECT_EQ(ended.object().at(kMagic).get_int64(), 1);
  EXPECT_EQ(ended.text("error"), "ERR_INVALID_SESSION");
  EXPECT_EQ(ended.status, 401);
  set("wafer", "off");
  const Reply off = send(client("GET", "/weapp/user").with("X-WX-Id", "x").with("X-WX-Skey", "y"));
  EXPECT_EQ(off.object().at(kMagic).get_int64(), 1) << "known by its X-WX-Id";
}

TEST_F(WaferV1ApiTest, TheUserOfV1HasNoMagicMember) {
  const Reply reply = user(skey_of(login_as()));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_FALSE(reply.object().contains(kMagic));
  EXPECT_TRUE(reply.object().at("data").at("userInfo").is_object());
}

TEST_F(WaferV1ApiTest, ABackendsLoginAndCheck) {
  const Reply in = id_skey();
  ASSERT_EQ(number(in), 0) << in.body;
  const auto body = in.object();
  EXPECT_EQ(body.at("componentName").get_string(), "MA");
  EXPECT_EQ(body.at("returnData").at("duration").get_int64(), 7200);
  EXPECT_EQ(body.at("returnData").at("user_info").at("openId").get_string(), "o1");
  const Reply checked = mina("qcloud.cam.auth", auth_of(in));
  ASSERT_EQ(number(checked), 0) << checked.body;
  EXPECT_EQ(checked.object().at("returnData").at("user_info").at("openId").get_string(), "o1");
}

TEST_F(WaferV1ApiTest, ASkeyThatRanOutAndOneThatNeverWas) {
  const Reply in = id_skey();
  EXPECT_EQ(number(mina("qcloud.cam.auth", R"({"id":"x","skey":"y"})")), 60012);
  const std::string skey = std::string(in.object().at("returnData").at("skey").get_string());
  EXPECT_EQ(number(mina("qcloud.cam.auth", R"({"id":"00000000000000000000000000000000","skey":")" + skey + "\"}")), 60012) << "another's id";
  clock.pass(std::chrono::hours(3));
  EXPECT_EQ(number(mina("qcloud.cam.auth", auth_of(in))), 60011);
}

TEST_F(WaferV1ApiTest, EveryOtherAnswerHasTheOriginalsNumber) {
  EXPECT_EQ(number(mina("qcloud.cam.id_skey", R"({"code":"made-up"})")), 40029);
  platform.answer("slow", failure(ErrorCode::upstream_error));
  EXPECT_EQ(number(mina("qcloud.cam.id_skey", R"({"code":"slow"})")), 1005);
  EXPECT_EQ(number(mina("qcloud.cam.id_skey", "{}")), 1003);
  EXPECT_EQ(number(mina("qcloud.cam.id_skey", R"({"code":7})")), 1003);
  EXPECT_EQ(number(mina("qcloud.cam.id_skey", "")), 1011);
  EXPECT_EQ(number(mina("", "{}")), 1002);
  EXPECT_EQ(number(mina("qcloud.cam.drop", "{}")), 1010);
  EXPECT_EQ(number(mina("qcloud.cam.decrypt", R"({"id":"x","skey":"y","encrypt_data":"z"})")), 60021);
  EXPECT_EQ(number(mina("qcloud.cam.auth", "{}", [](Ask& ask) { ask.body = "<xml/>"; })), 1009);
  EXPECT_EQ(number(mina("qcloud.cam.auth", "{}", [](Ask& ask) { ask.body = "{}"; })), 1002);
  EXPECT_EQ(number(mina("qcloud.cam.auth", R"({"id":"x","skey":"y"})", {}, "/mina_auth/wx9")), 1012);
  EXPECT_EQ(mina("qcloud.cam.drop", "{}").status, 200);
}

TEST_F(WaferV1ApiTest, NobodySetsTheServerUpFromOutside) {
  const auto before = query("SELECT * FROM apps");
  const Reply reply = mina("qcloud.cam.initdata", R"({"appid":"wx1","secret":"mine","qcloud_appid":"1","ip":"203.0.113.9","cdb_ip":"203.0.113.9","cdb_port":3306,"cdb_user_name":"root","cdb_pass_wd":"x"})");
  EXPECT_EQ(number(reply), 1013);
  EXPECT_EQ(query("SELECT * FROM apps"), before);
}

TEST_F(WaferV1ApiTest, WhoMayNotCheckMayNotAskTheSessionServer) {
  const std::string para = R"({"id":"x","skey":"y"})";
  const auto from = [&](http::Peer peer, const std::string& key = "") {
    return mina("qcloud.cam.auth", para, [&](Ask& ask) {
      ask.from(std::move(peer));
      if (!key.empty()) ask.with("X-Kaimen-Key", key);
    });
  };
  EXPECT_EQ(from(remote_peer(true)).status, 403);
  EXPECT_EQ(number(from(remote_peer(true))), 60012);
  EXPECT_EQ(from(remote_peer(false), key_text({"verify"})).status, 403);
  EXPECT_EQ(number(from(remote_peer(true), key_text({"verify"}))), 60012) << "let in, and then told about the skey";
  EXPECT_EQ(from(remote_peer(true), key_text({"verify"})).status, 200);
  add_app("elsewhere", "other");
  EXPECT_EQ(number(from(remote_peer(true), key_text({"verify"}, "other"))), 1012);
  EXPECT_EQ(send(client("POST", "/mina_auth/")).status, 404) << "not on the public listener";
}

}  // namespace
}  // namespace kaimen::test

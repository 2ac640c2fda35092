// The sandbox's control side: faults of each kind, the list of calls, and words for what it does not know.
#include "tests/platform/sandbox_fixture.h"

namespace kaimen::tests {
namespace {

using std::chrono::steady_clock;

struct SandboxFaults : testing::Test {
  SandboxWechat box;
  std::string outcome() {
    const auto result = box.exchange(box.login());
    return result ? "session" : std::string(name_of(result.error().error.code));
  }
};

TEST_F(SandboxFaults, AnswerAnErrcode) {
  box.fault(R"({"path":"/sns/jscode2session","errcode":-1})");
  const auto result = box.exchange(box.login());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(name_of(result.error().error.code), "upstream_busy");
  EXPECT_NE(result.error().error.upstream->rid, "");
}
TEST_F(SandboxFaults, DropTheConnection) {
  box.fault(R"({"drop":true})");
  const auto answer = box.send("GET", "/sns/jscode2session");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, http::ClientError::Kind::cut);
  EXPECT_EQ(outcome(), "upstream_error");
}
TEST_F(SandboxFaults, HangUntilTheyAreCleared) {
  box.fault(R"({"path":"/sns/jscode2session","hang":true})");
  const auto from = steady_clock::now();
  const auto answer = box.send("GET", "/sns/jscode2session", "", Millis(300));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, http::ClientError::Kind::timed_out);
  EXPECT_GE(steady_clock::now() - from, Millis(300));
  box.fault("{}");
  EXPECT_EQ(outcome(), "session");
}
TEST_F(SandboxFaults, LetGoOfWhatHangsWhenTheyAreCleared) {
  box.fault(R"({"hang":true})");
  std::optional<http::ClientError::Kind> ended;
  std::atomic<bool> done = false;
  std::thread caller([&] {
    const auto answer = box.send("GET", "/sns/jscode2session", "", Millis(5000));
    if (!answer) ended = answer.error().kind;
    done = true;
  });
  while (box.ask("GET", "/sandbox/calls")["items"].as_array().empty()) std::this_thread::sleep_for(Millis(5));
  // A call is listed a moment before it waits, so once may be too soon.
  while (!done) {
    box.fault("{}");
    std::this_thread::sleep_for(Millis(20));
  }
  caller.join();
  EXPECT_EQ(ended, http::ClientError::Kind::cut) << "closed, not left to time out";
}
TEST_F(SandboxFaults, AnswerGarbage) {
  box.fault(R"({"garbage":true})");
  const auto answer = box.send("GET", "/sns/jscode2session");
  EXPECT_EQ(answer.value().body.size(), 256u);
  EXPECT_EQ(outcome(), "upstream_error");
}
TEST_F(SandboxFaults, AnswerNothing) {
  box.fault(R"({"empty":true})");
  EXPECT_EQ(box.send("GET", "/sns/jscode2session").value().body, "");
  EXPECT_EQ(outcome(), "upstream_error");
}
TEST_F(SandboxFaults, AnswerALieWithAStatus) {
  box.fault(R"({"body":"{\"errcode\":0}","status":503})");
  const auto answer = box.send("GET", "/sns/jscode2session");
  EXPECT_EQ(answer.value().status, 503);
  EXPECT_EQ(answer.value().body, R"({"errcode":0})");
  EXPECT_EQ(outcome(), "upstream_error");
}
TEST_F(SandboxFaults, DelayARightAnswer) {
  box.fault(R"({"delay_ms":250})");
  const std::string code = box.login();
  const auto from = steady_clock::now();
  EXPECT_TRUE(box.exchange(code).has_value());
  EXPECT_GE(steady_clock::now() - from, Millis(250));
}
TEST_F(SandboxFaults, EndAfterTheirTimes) {
  box.fault(R"({"errcode":-1,"times":2})");
  EXPECT_EQ(outcome(), "upstream_busy");
  EXPECT_EQ(outcome(), "upstream_busy");
  EXPECT_EQ(outcome(), "session");
}
TEST_F(SandboxFaults, HitTheirShareOfCalls) {
  box.fault(R"({"errcode":-1,"rate":0})");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(outcome(), "session");
  box.fault(R"({"errcode":-1,"rate":0.5})");
  int hits = 0;
  for (int i = 0; i < 100; ++i) hits += outcome() == "upstream_busy";
  EXPECT_GT(hits, 10);
  EXPECT_LT(hits, 90);
}
TEST_F(SandboxFaults, HitTheirPathAndSpareTheOthers) {
  box.fault(R"({"path":"/cgi-bin/stable_token","errcode":40164})");
  EXPECT_EQ(outcome(), "session");
  EXPECT_EQ(name_of(run_here(box.wechat->fetch_access_token(make_app(), deadline_in(Millis(3000)))).error().error.code),
      "app_misconfigured");
  box.fault(R"({"path":"/cgi-bin/stable_token"})");
  EXPECT_NE(box.token(), "");
}
TEST_F(SandboxFaults, NeverHitTheControlSide) {
  box.fault(R"({"drop":true})");
  EXPECT_NE(box.login(), "");
}
TEST_F(SandboxFaults, OfNoSenseAreRefusedInWords) {
  for (const char* fields :
       {"x", "[]", R"({"pth":"/x","errcode":1})", R"({"errcode":0})", R"({"errcode":"40029"})", R"({"rate":2,"drop":true})",
        R"({"rate":"1","drop":true})", R"({"delay_ms":-1})", R"({"drop":true,"hang":true})", R"({"times":0,"drop":true})",
        R"({"path":"sns","drop":true})", R"({"status":99})", R"({"delay_ms":600001})"}) {
    const auto refused = box.ask("PUT", "/sandbox/faults", fields, 400);
    EXPECT_NE(SandboxWechat::text(refused, "error"), "") << fields;
  }
  EXPECT_EQ(outcome(), "session");
}

TEST(SandboxThatStops, LetsGoOfWhatHangs) {
  SandboxWechat box;
  box.fault(R"({"hang":true})");
  EXPECT_FALSE(box.send("GET", "/sns/jscode2session", "", Millis(200)).has_value());
  const auto from = steady_clock::now();
  box.sandbox.stop();
  box.server->drain();
  EXPECT_LT(steady_clock::now() - from, Millis(3000));
}

struct SandboxCalls : testing::Test {
  SandboxWechat box;
  json::array items() { return box.ask("GET", "/sandbox/calls")["items"].as_array(); }
};
TEST_F(SandboxCalls, AreListedWithSecretsMasked) {
  const std::string code = box.login();
  EXPECT_TRUE(box.exchange(code).has_value());
  EXPECT_EQ(errcode_of(box.exchange(code)), 40163);
  const std::string token = box.token();
  EXPECT_EQ(errcode_of(box.phone("nonsense", "oX")), 40029);
  const auto calls = items();
  ASSERT_EQ(calls.size(), 5u) << "the control side is not among them; the phone call asked for a token of its own";
  EXPECT_EQ(calls[0].at("method"), "GET");
  EXPECT_EQ(calls[0].at("path"), "/sns/jscode2session");
  EXPECT_EQ(calls[0].at("appid"), kAppid);
  EXPECT_EQ(calls[0].at("errcode"), 0);
  EXPECT_EQ(calls[0].at("query").at("js_code").as_string(), code);
  EXPECT_EQ(calls[0].at("query").at("secret"), "***");
  EXPECT_EQ(calls[0].at("query").as_object().size(), 4u);
  EXPECT_EQ(calls[1].at("errcode"), 40163);
  EXPECT_EQ(calls[2].at("body").at("secret"), "***");
  EXPECT_EQ(calls[2].at("appid"), kAppid);
  EXPECT_EQ(calls[4].at("path"), "/wxa/business/getuserphonenumber");
  EXPECT_EQ(calls[4].at("appid"), kAppid) << "known by the token";
  EXPECT_EQ(calls[4].at("body").at("code"), "nonsense");
  const std::string all = http::to_text(calls);
  EXPECT_EQ(all.find("s3cret"), std::string::npos);
  EXPECT_EQ(all.find(token), std::string::npos);
}
TEST_F(SandboxCalls, ShowAParameterGivenTwiceAndOneThatIsNoText) {
  box.ask("GET", "/sns/jscode2session?js_code=a&js_code=b&x=%ff");
  const auto call = items().at(0);
  EXPECT_EQ(call.at("query").at("js_code"), json::array({"a", "b"}));
  EXPECT_EQ(call.at("query").at("x"), "hex:ff");
}
TEST_F(SandboxCalls, NameTheFaultThatHitThem) {
  box.fault(R"({"drop":true})");
  EXPECT_FALSE(box.send("GET", "/cgi-bin/token?appid=wx1").has_value());
  const auto call = items().at(0);
  EXPECT_EQ(call.at("fault"), "drop");
  EXPECT_TRUE(call.at("errcode").is_null());
}
TEST_F(SandboxCalls, AreForgottenOnDemand) {
  EXPECT_FALSE(box.exchange("nonsense").has_value());
  ASSERT_EQ(items().size(), 1u);
  box.ask("DELETE", "/sandbox/calls");
  EXPECT_EQ(items().size(), 0u);
}

TEST(SandboxControl, SaysInWordsWhatItDoesNotKnow) {
  SandboxWechat box;
  struct Wrong {
    const char *path, *body;
    int status;
  };
  for (const auto& [path, body, status] : {
           Wrong{"login", "x", 400},
           Wrong{"login", "[]", 400},
           Wrong{"login", "{}", 400},
           Wrong{"login", R"({"appid":"wx00000000000000aa"})", 400},
           Wrong{"login", R"({"appid":"wx00000000000000aa","user":7})", 400},
           Wrong{"login", R"({"appid":"wx00000000000000aa","user":""})", 400},
           Wrong{"login", R"({"appid":"wx00000000000000aa","user":"a","rotat":true})", 400},
           Wrong{"login", R"({"appid":"wxnone","user":"a"})", 404},
           Wrong{"apps", R"({"appid":"wx/1","secret":"s"})", 400},
           Wrong{"apps", R"({"appid":"wx1","secret":""})", 400},
           Wrong{"phone", R"({"appid":"wx00000000000000aa","user":"a","phone":"+86138"})", 400},
           Wrong{"user-info", R"({"appid":"wx00000000000000aa","user":"a","key":"older"})", 400},
           Wrong{"open-data", R"({"appid":"wx00000000000000aa","user":"a","data":7})", 400},
           Wrong{"open-data", R"({"appid":"wx00000000000000aa","user":"a","data":{},"key":"previous"})", 400},
           Wrong{"nothing", "{}", 404},
       }) {
    EXPECT_NE(SandboxWechat::text(box.control(path, body, status), "error"), "") << path << body;
  }
  box.ask("GET", "/sandbox/login", "", 405);
  box.ask("POST", "/sandbox/faults", "{}", 405);
  box.ask("PUT", "/sandbox/calls", "{}", 405);
}

}  // namespace
}  // namespace kaimen::tests

// resetusersessionkey, getuserencryptkey and the content checks: against the sandbox as they should be, and against answers that lie.
#include "platform/wechat_answer.h"
#include "tests/platform/sandbox_fixture.h"

namespace kaimen::tests {
namespace {

Deadline soon() { return deadline_in(Millis(3000)); }

TEST(UserKeyCalls, a_reset_key_takes_the_place_of_the_old_one) {
  SandboxWechat at;
  const auto session = at.session();
  const auto reset = run_here(at.wechat->reset_session_key(make_app(), Secret(at.token()), session.openid, session.session_key, soon()));
  ASSERT_TRUE(reset);
  EXPECT_FALSE(at.key_stands(session.openid, session.session_key).value());
  EXPECT_TRUE(at.key_stands(session.openid, reset.value()).value());
  const auto again = run_here(at.wechat->reset_session_key(make_app(), Secret(at.token()), session.openid, session.session_key, soon()));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error.code, ErrorCode::stale_session_key);
}

TEST(UserKeyCalls, encrypt_keys_come_newest_first) {
  SandboxWechat at;
  const auto session = at.session();
  const auto ask = [&] { return run_here(at.wechat->encrypt_keys(make_app(), Secret(at.token()), session.openid, session.session_key, soon())).value(); };
  EXPECT_EQ(ask().size(), 1U);
  at.clock.advance(std::chrono::hours(1));
  const auto keys = ask();
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].version, 2);
  EXPECT_EQ(keys[0].expires_in, Seconds{3600});
  EXPECT_EQ(keys[1].expires_in, Seconds{0});
}

TEST(UserKeyCalls, a_text_is_thought_of) {
  SandboxWechat at;
  const std::string openid = at.session().openid;
  const auto ask = [&](const std::string& text) { return run_here(at.wechat->check_text(make_app(), Secret(at.token()), openid, text, soon())).value(); };
  EXPECT_EQ(ask("fine"), core::Verdict::pass);
  EXPECT_EQ(ask("risky"), core::Verdict::risky);
  EXPECT_EQ(ask("review"), core::Verdict::review);
}

TEST(UserKeyCalls, a_picture_is_named_by_a_trace_id) {
  SandboxWechat at;
  const std::string openid = at.session().openid;
  const auto ask = [&] { return run_here(at.wechat->check_picture(make_app(), Secret(at.token()), openid, "http://127.0.0.1/a.png", soon())).value(); };
  const std::string first = ask();
  EXPECT_FALSE(first.empty());
  EXPECT_NE(first, ask());
}

TEST(UserKeyCalls, answers_that_lie_are_no_answers) {
  using namespace platform;
  const auto malformed = [](const auto& result) { return !result && result.error().error.code == ErrorCode::upstream_error; };
  const std::string key = R"("session_key":"tiihtNczf5v6AKRyjwEUhQ==")";
  EXPECT_TRUE(read_session_reset(200, R"({"errcode":0,"openid":"o1",)" + key + "}", "o1"));
  EXPECT_TRUE(malformed(read_session_reset(200, R"({"errcode":0,"openid":"o2",)" + key + "}", "o1")));
  EXPECT_TRUE(malformed(read_session_reset(200, "{" + key + "}", "o1")));
  EXPECT_TRUE(malformed(read_session_reset(200, R"({"errcode":0,"openid":"o1","session_key":"short"})", "o1")));
  for (const char* lie : {R"({"errcode":0})", R"({"key_info_list":{}})", R"({"key_info_list":[1]})", R"({"key_info_list":[{}]})", R"({"key_info_list":[{"encrypt_key":"k","iv":"i","version":-1,"expire_in":1,"create_time":1}]})",
                          R"({"key_info_list":[{"encrypt_key":"k","iv":"i","version":1,"expire_in":1,"create_time":9223372036854775807}]})"}) {
    EXPECT_TRUE(malformed(read_encrypt_keys(200, lie))) << lie;
  }
  for (const char* lie : {"{}", R"({"result":{}})", R"({"result":{"suggest":"PASS"}})", R"({"result":[]})"}) EXPECT_TRUE(malformed(read_text_check(200, lie))) << lie;
  EXPECT_EQ(read_text_check(200, R"({"errcode":87014,"errmsg":"risky content"})").value(), core::Verdict::risky);
  for (const char* lie : {"{}", R"({"trace_id":""})", R"({"trace_id":7})", R"({"trace_id":"a b"})"}) EXPECT_TRUE(malformed(read_picture_check(200, lie))) << lie;
}

}  // namespace
}  // namespace kaimen::tests

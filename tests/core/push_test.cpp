// Pushes through the rules: their time, what they change, and that ended sessions are ended before WeChat hears "success".
#include "tests/core/fixture.h"

namespace kaimen::test {

using Kind = core::PushMessage::Kind;

class PushTest : public CoreTest {
 protected:
  core::PushMessage message(Kind kind, const std::string& openid, const std::string& once = "1") {
    core::PushMessage made;
    made.kind = kind;
    made.openid = openid;
    made.once = crypto::sha256(once);
    return made;
  }
  core::Push letter(const std::string& body, Millis ago = 0ms) {
    return {std::to_string(epoch_ms(clock.now() - ago) / 1000), "nonce", "right", body};
  }
  Result<> receive(const core::Push& push) {
    core::Trace trace;
    auto received = run_here(services().pushes.receive(app(), push, &trace));
    if (!received) return received.error();
    return ok();
  }
  core::User user_now(const Id& id) { return run_here(store().find_user(id)).value(); }
  void name(const Id& user, const std::string& nickname) {
    core::ProfileChange change;
    change.nickname = nickname;
    change.avatar_url = "https://example.com/a.png";
    ASSERT_TRUE(run_here(services().profiles.update(user, change, {})));
  }
};

TEST_F(PushTest, a_revoked_part_is_taken_once) {
  const auto login = log_in("o1");
  name(login.user.id, "ann");
  auto revoked = message(Kind::access_revoked, "o1");
  revoked.nickname = true;
  platform.push("p", revoked);
  ASSERT_TRUE(receive(letter("p")));
  EXPECT_EQ(user_now(login.user.id).nickname, "");
  EXPECT_EQ(user_now(login.user.id).avatar_url, "https://example.com/a.png");
  name(login.user.id, "ann again");
  ASSERT_TRUE(receive(letter("p")));
  ASSERT_TRUE(receive(letter("p")));
  EXPECT_EQ(user_now(login.user.id).nickname, "ann again");
  EXPECT_EQ(one("SELECT actor FROM events WHERE kind = 'profile_withdrawn'"), "wechat");
}

TEST_F(PushTest, a_closed_account_ends_its_sessions_at_once) {
  const auto login = log_in("o1");
  platform.push("p", message(Kind::account_closed, "o1"));
  ASSERT_TRUE(receive(letter("p")));
  EXPECT_EQ(check(login.tokens.token), Reason::deleted);
  EXPECT_EQ(reason_of(renew(login.tokens.renew_token)), Reason::deleted);
}

TEST_F(PushTest, the_answer_is_sealed_where_the_app_says_so) {
  platform.push("p", message(Kind::other, ""));
  core::Trace trace;
  EXPECT_EQ(run_here(services().pushes.receive(app(), letter("p"), &trace)).value().body, "success");
  set("push_reply", "encrypted");
  const auto sealed = run_here(services().pushes.receive(app(), letter("p"), &trace)).value();
  EXPECT_EQ(sealed.type, "text/sealed");
  EXPECT_EQ(sealed.body, "success for p");
  set("push_reply", "plain");
  EXPECT_EQ(run_here(services().pushes.receive(app(), letter("p"), &trace)).value().type, "text/plain");
}

TEST_F(PushTest, five_minutes_either_way_are_in_time) {
  platform.push("p", message(Kind::other, ""));
  for (const auto ago : {0ms, 300'000ms, -300'000ms}) EXPECT_TRUE(receive(letter("p", ago))) << ago.count();
  for (const auto ago : {301'000ms, -301'000ms, 86'400'000ms}) EXPECT_EQ(code_of(receive(letter("p", ago))), ErrorCode::signature_invalid) << ago.count();
  for (const std::string said : {"", "x", "1795000000x", "-1", "99999999999999999999"}) {
    core::Push push = letter("p");
    push.timestamp = said;
    EXPECT_EQ(code_of(receive(push)), ErrorCode::signature_invalid) << said;
    EXPECT_EQ(code_of(services().pushes.check(*app(), push)), ErrorCode::signature_invalid) << said;
  }
}

TEST_F(PushTest, what_does_not_open_is_refused) {
  core::Push push = letter("p");
  EXPECT_EQ(code_of(receive(push)), ErrorCode::signature_invalid);
  platform.push("p", message(Kind::account_closed, "o1"));
  push.signature = "wrong";
  EXPECT_EQ(code_of(receive(push)), ErrorCode::signature_invalid);
  EXPECT_EQ(code_of(services().pushes.check(*app(), push)), ErrorCode::signature_invalid);
  push.signature = "right";
  EXPECT_TRUE(services().pushes.check(*app(), push));
}

TEST_F(PushTest, what_concerns_nobody_here_is_acknowledged) {
  platform.push("other", message(Kind::other, ""));
  platform.push("nobody", message(Kind::account_closed, ""));
  platform.push("stranger", message(Kind::account_closed, "o9"));
  for (const std::string body : {"other", "nobody", "stranger"}) EXPECT_TRUE(receive(letter(body))) << body;
}

}  // namespace kaimen::test

// JWTs and the keys that sign them: what a JWT says and how long, that a signature is made once, and that keys are shown before they sign.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

constexpr const char* kIssuer = "https://login.example.cn";

class JwtsTest : public CoreTest {
 protected:
  core::JwtSubject subject() const {
    core::JwtSubject subject;
    subject.session.bytes.fill(1);
    subject.user.bytes.fill(2);
    subject.app_id = "wx1";
    subject.ticket_end = clock.now() + 2h;
    return subject;
  }
  Result<core::Jwt> make(const std::string& ticket, const std::string& audience = "shop", const std::string& issuer = kIssuer) {
    return run_here(services().jwts.make(ticket, audience, issuer, subject()));
  }
  static std::string claims(const core::Jwt& jwt) {
    const size_t first = jwt.text.find('.'), second = jwt.text.find('.', first + 1);
    return *from_base64url(jwt.text.substr(first + 1, second - first - 1));
  }
  static std::string key_of(const core::Jwt& jwt) { return from_base64url(jwt.text.substr(0, jwt.text.find('.')))->substr(22, 8); }
  std::vector<std::string> shown() {
    std::vector<std::string> ids;
    for (const auto& key : services().jwt_keys.shown()) ids.push_back(key->id);
    return ids;
  }
  std::string signing() { return services().jwt_keys.signing_key(clock.now()).value()->id; }
  size_t rows() { return static_cast<size_t>(std::stoi(one("SELECT count(*) FROM ticket_keys WHERE kind = 2"))); }
};

TEST_F(JwtsTest, ItSaysWhoToWhomAndForHowLong) {
  core::JwtSubject who = subject();
  who.openid = "o1";
  who.unionid = "u1";
  who.external_id = "crm-7";
  who.roles = {"editor", "owner"};
  who.registered = true;
  const auto jwt = run_here(services().jwts.make("ticket", "https://api.example.cn", kIssuer, who)).value();
  const std::string now = std::to_string(epoch_ms(clock.now()) / 1000), end = std::to_string(epoch_ms(clock.now()) / 1000 + 600);
  const std::string text = claims(jwt);
  const size_t jti = text.find("\"jti\":\"") + 7;
  const std::string id = text.substr(jti, 32);
  EXPECT_EQ(text, "{\"iss\":\"https://login.example.cn\",\"sub\":\"" + who.user.hex() + "\",\"aud\":\"https://api.example.cn\",\"exp\":" + end + ",\"nbf\":" + now +
                      ",\"iat\":" + now + ",\"jti\":\"" + id + "\",\"sid\":\"" + who.session.hex() +
                      "\",\"app_id\":\"wx1\",\"openid\":\"o1\",\"unionid\":\"u1\",\"external_id\":\"crm-7\",\"registered\":true,\"roles\":[\"editor\",\"owner\"]}");
}

TEST_F(JwtsTest, WhatIsNotKnownIsNotSaid) {
  const std::string text = claims(make("ticket").value());
  for (const auto* name : {"openid", "unionid", "external_id"}) EXPECT_EQ(text.find(name), text.npos) << name;
  EXPECT_NE(text.find("\"registered\":false,\"roles\":[]"), text.npos);
}

TEST_F(JwtsTest, ItNeverOutlivesTheTicket) {
  core::JwtSubject who = subject();
  who.ticket_end = clock.now() + 90s + 400ms;
  const auto jwt = run_here(services().jwts.make("ticket", "shop", kIssuer, who)).value();
  EXPECT_EQ(jwt.expires_at, clock.now() + 90s);
}

TEST_F(JwtsTest, OneTicketAndAudienceGetTheSameUntilHalfOfItsLifeIsOver) {
  const auto first = make("ticket").value();
  clock.pass(5min - 1ms);
  EXPECT_EQ(make("ticket").value().text, first.text);
  EXPECT_EQ(services().jwts.kept("ticket", "shop", kIssuer)->text, first.text);
  clock.pass(1ms);
  EXPECT_EQ(services().jwts.kept("ticket", "shop", kIssuer), nullptr);
  EXPECT_NE(make("ticket").value().text, first.text);
}

TEST_F(JwtsTest, AnotherTicketAudienceOrIssuerGetsAnother) {
  const auto first = make("ticket").value();
  EXPECT_EQ(services().jwts.kept("ticket2", "shop", kIssuer), nullptr);
  EXPECT_EQ(services().jwts.kept("ticket", "shop2", kIssuer), nullptr);
  EXPECT_EQ(services().jwts.kept("ticket", "shop", "https://other"), nullptr);
  EXPECT_NE(claims(make("ticket", "shop2").value()), claims(first));
}

TEST_F(JwtsTest, ManyAtOnceShareOneSignature) {
  const auto made = together<Result<core::Jwt>>(100, [&](int) { return services().jwts.make("ticket", "shop", kIssuer, subject()); });
  for (const auto& jwt : made) EXPECT_EQ(jwt.value().text, made[0].value().text);
}

TEST_F(JwtsTest, WhatIsKeptIsBounded) {
  // Far more than are kept: whatever comes out later is still right, and the newest is there.
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(make("ticket" + std::to_string(i)));
  const auto newest = make("newest").value();
  EXPECT_EQ(services().jwts.kept("newest", "shop", kIssuer)->text, newest.text);
  EXPECT_NE(claims(make("ticket0").value()), claims(newest));
}

TEST_F(JwtsTest, AnAudienceIsOneTo128PrintableCharacters) {
  for (const std::string& bad : {std::string(), std::string(129, 'a'), std::string("a b"), std::string("a\n"), std::string("é"), std::string("a\0b", 3), std::string("\x7f")}) {
    EXPECT_EQ(code_of(make("ticket", bad)), ErrorCode::invalid_request) << bad;
  }
  for (const std::string& good : {std::string("a"), std::string(128, 'a'), std::string("https://x.example/?q=\"\\")}) EXPECT_TRUE(make("ticket", good)) << good;
}

TEST_F(JwtsTest, WithoutAnIssuerThereIsNone) { EXPECT_EQ(code_of(make("ticket", "shop", "")), ErrorCode::app_misconfigured); }

TEST_F(JwtsTest, WithoutRandomnessThereIsNone) {
  random.works_for = 0;
  EXPECT_EQ(code_of(make("ticket")), ErrorCode::unavailable);
}

// ---- keys ----

TEST_F(JwtsTest, TheFirstStartMakesOneKeyAndARestartNone) {
  const auto first = shown();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(signing(), first[0]);
  restart();
  EXPECT_EQ(shown(), first);
}

TEST_F(JwtsTest, AKeyIsShownTwoDaysBeforeItSigns) {
  const std::string first = signing();
  clock.pass(28 * 24h - 1ms);
  ASSERT_TRUE(minute());
  EXPECT_EQ(shown().size(), 1U);
  clock.pass(1ms);
  ASSERT_TRUE(minute());
  ASSERT_EQ(shown().size(), 2U);
  clock.pass(48h - 1ms);
  EXPECT_EQ(signing(), first);
  EXPECT_EQ(key_of(make("ticket").value()), first);
  clock.pass(1ms);
  EXPECT_NE(signing(), first);
  EXPECT_EQ(key_of(make("ticket2").value()), signing());
}

TEST_F(JwtsTest, AReplacedKeyIsShownWhileWhatItSignedCanBeGood) {
  const std::string first = signing();
  for (int day = 0; day < 30; ++day) {
    clock.pass(24h);
    ASSERT_TRUE(minute());
  }
  ASSERT_NE(signing(), first);
  clock.pass(10min + 2h);
  ASSERT_TRUE(minute());
  EXPECT_EQ(shown()[0], first);
  clock.pass(1min);
  ASSERT_TRUE(minute());
  EXPECT_EQ(shown(), std::vector<std::string>{signing()});
  EXPECT_EQ(rows(), 1U);
}

TEST_F(JwtsTest, ARetiredKeyIsShownNoMoreAndAFreshOneSigns) {
  const std::string first = signing();
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  ASSERT_TRUE(run_here(services().jwt_keys.maintain()));
  ASSERT_EQ(shown().size(), 1U);
  EXPECT_NE(shown()[0], first);
  EXPECT_EQ(signing(), shown()[0]);
}

TEST_F(JwtsTest, ThePrivateKeyIsSealed) {
  EXPECT_EQ(rows(), 1U);
  // 0x01 and the master key's id are in front of every sealed value; a PKCS #8 key begins with 0x30.
  EXPECT_EQ(one("SELECT hex(substr(key_sealed, 1, 1)) FROM ticket_keys WHERE kind = 2"), "01");
}

}  // namespace
}  // namespace kaimen::test

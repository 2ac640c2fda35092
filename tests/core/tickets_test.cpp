// Renew tokens: their form is theirs alone, and every bit of it counts.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

using TicketsTest = CoreTest;

TEST_F(TicketsTest, ARenewTokenNamesItsSessionAppAndGeneration) {
  const auto answer = log_in("o1");
  const auto opened = services().tickets.open_renew(answer.tokens.renew_token);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->session, answer.session.id);
  EXPECT_EQ(opened->app, app()->number);
  EXPECT_EQ(opened->generation, 0U);
}

TEST_F(TicketsTest, ARenewTokenIsNoTicket) {
  const std::string token = log_in("o1").tokens.renew_token;
  EXPECT_EQ(check(token), Reason::malformed);
  EXPECT_EQ(check("km1." + token.substr(5)), Reason::malformed);
}

TEST_F(TicketsTest, ATicketIsNoRenewToken) {
  const std::string token = log_in("o1").tokens.token;
  EXPECT_FALSE(services().tickets.open_renew(token));
  EXPECT_FALSE(services().tickets.open_renew("kmr1." + token.substr(4)));
}

TEST_F(TicketsTest, EveryBitOfARenewTokenCounts) {
  const std::string token = log_in("o1").tokens.renew_token;
  const std::string bytes = *from_base64url(token.substr(5));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(services().tickets.open_renew("kmr1." + to_base64url(flipped))) << bit;
  }
}

TEST_F(TicketsTest, EveryCharacterOfARenewTokenCounts) {
  const std::string token = log_in("o1").tokens.renew_token;
  for (size_t bit = 0; bit < token.size() * 8; ++bit) {
    std::string flipped = token;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(services().tickets.open_renew(flipped)) << bit;
  }
}

TEST_F(TicketsTest, ARenewTokenIsNeitherLongerNorShorter) {
  const std::string token = log_in("o1").tokens.renew_token;
  for (size_t length = 0; length < token.size(); ++length) EXPECT_FALSE(services().tickets.open_renew(token.substr(0, length))) << length;
  EXPECT_FALSE(services().tickets.open_renew(token + "A"));
  EXPECT_FALSE(services().tickets.open_renew(token + "="));
  EXPECT_FALSE(services().tickets.open_renew(token + std::string(1, '\0')));
  EXPECT_FALSE(services().tickets.open_renew(" " + token));
}

TEST_F(TicketsTest, TwoTokensOfOneGenerationDiffer) {
  const auto answer = log_in("o1");
  const auto again = services().tickets.issue(*answer.app, answer.session, answer.user, services().live.clock.now()).value();
  EXPECT_NE(again.token, answer.tokens.token);
  EXPECT_NE(again.renew_token, answer.tokens.renew_token);
}

TEST_F(TicketsTest, ASessionPastItsEndGetsNoTicket) {
  const auto answer = log_in("o1");
  const auto late = services().tickets.issue(*answer.app, answer.session, answer.user, answer.session.idle_expires_at);
  EXPECT_EQ(reason_of(late), Reason::expired);
}

TEST_F(TicketsTest, WhatDoesNotFitIntoATicketIsAnError) {
  const auto answer = log_in("o1");
  core::User user = answer.user;
  user.roles.assign(200, "a-role");
  EXPECT_EQ(code_of(services().tickets.issue(*answer.app, answer.session, user, clock.now())), ErrorCode::internal);
}

TEST_F(TicketsTest, ATicketSaysWhatTheUserIs) {
  auto answer = log_in("o1");
  answer.user.roles = {"editor", "owner"};
  answer.user.registered = false;
  answer.user.external_id = "crm-7";
  answer.session.env = core::Env::trial;
  const auto issued = services().tickets.issue(*answer.app, answer.session, answer.user, clock.now()).value();
  core::Checker checker(services().live);
  ASSERT_EQ(checker.check(issued.token)->reason, check::Reason::none);
  const auto& claims = checker.opened().claims;
  EXPECT_EQ(claims.roles, "editor,owner");
  EXPECT_FALSE(claims.registered());
  EXPECT_EQ(claims.external_id, "crm-7");
  EXPECT_EQ(claims.openid, "o1");
  EXPECT_EQ(claims.env(), core::Env::trial);
}

}  // namespace
}  // namespace kaimen::test

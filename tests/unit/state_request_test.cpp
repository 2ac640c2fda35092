// What a request that presents a ticket is answered by the state file, as /verify answers it.
#include "tests/unit/state_file.h"

#include "base/random.h"
#include "check/base64url.h"
#include "crypto/aead.h"

namespace kaimen::check {
namespace {

TEST_F(StateFileTest, ARequestIsAnsweredAsByVerify) {
  write();
  publish();
  const std::string good = "Bearer " + ticket(1), other = ticket(2);
  EXPECT_EQ(answer({{"authorization", good}}), 204);
  EXPECT_EQ(answer({}), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MISSING);
  EXPECT_EQ(answer({{"Authorization", good}, {"X-Kaimen-Ticket", other}}), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MALFORMED);
  EXPECT_EQ(answer({}, {.optional = 1}), 204);
  EXPECT_EQ(who_.identified, 0);
  EXPECT_EQ(answer({{"Authorization", good}}, {.app_id = "wx8"}), 403);
  EXPECT_EQ(answer({{"Authorization", good}}, {.app_id = "wx7", .role = "ops", .env = "trial", .registered = 1}), 204);
  EXPECT_EQ(answer({{"Authorization", good}}, {.role = "op"}), 403);
  EXPECT_EQ(answer({{"Authorization", good}}, {.env = "nowhere"}), 403);
  apps_[1].project = "other";
  writer_->publish_apps(apps_);
  EXPECT_EQ(answer({{"Authorization", good}}), 403) << "two projects and none is named";
  EXPECT_EQ(answer({{"Authorization", good}}, {.project = "default"}), 204);
}

TEST_F(StateFileTest, AProjectWithoutAppsCountsWhereTheNodeSaysSo) {
  write();
  publish();
  const std::string good = "Bearer " + ticket(1);
  EXPECT_EQ(answer({{"Authorization", good}}), 204);
  writer_->publish_apps(apps_, 2);
  EXPECT_EQ(answer({{"Authorization", good}}), 403);
  EXPECT_EQ(answer({{"Authorization", good}}, {.app_id = "wx7"}), 204);
}

TEST_F(StateFileTest, TheNodesOwnTicketHeadersAreRead) {
  write();
  publish();
  const std::string good = ticket(1), other = ticket(2), long_name(kStateNameMax, 'n');
  EXPECT_EQ(answer({{"X-Own-Ticket", good}}), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MISSING);
  writer_->publish_headers({"X-Own-Ticket", long_name});
  EXPECT_EQ(answer({{"x-own-TICKET", good}}), 204);
  EXPECT_EQ(answer({{long_name, good}}), 204);
  EXPECT_EQ(answer({{long_name + "n", good}}), 401);
  EXPECT_EQ(answer({{"X-Own-Ticke", good}}), 401);
  EXPECT_EQ(answer({{"X-Own-Ticket", good}, {"X-Kaimen-Ticket", other}}), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MALFORMED) << "two that differ";
  writer_->publish_headers({});
  EXPECT_EQ(answer({{"X-Own-Ticket", good}}), 401);
  writer_->publish_headers(std::vector<std::string>(kStateHeadersMax + 1, "X-A"));
  EXPECT_EQ(answer({{"Authorization", "Bearer " + good}}), 503) << "a header that is not known may hold another ticket";
}

TEST_F(StateFileTest, XWxSkeyIsForWafersClientsAlone) {
  write();
  publish();
  const std::string of_7 = ticket(1);
  EXPECT_EQ(answer({{"X-WX-Skey", of_7}}), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MISSING) << "nobody reads it where there is no app of wafer's";
  apps_[1].wafer = true;
  writer_->publish_apps(apps_, 1, true);
  EXPECT_EQ(answer({{"X-WX-Skey", of_7}}), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MALFORMED) << "wx7 is none";
  EXPECT_EQ(answer({{"X-WX-Skey", of_7}, {"Authorization", "Bearer " + of_7}}), 204) << "it came in another way too";
  apps_[0].wafer = true;
  writer_->publish_apps(apps_, 1, true);
  EXPECT_EQ(answer({{"x-wx-skey", of_7}}), 204);
}

// The answer cannot name who acts: as the plain user they could do what only the user may.
TEST_F(StateFileTest, ASupportViewIsRefusedHere) {
  write();
  publish();
  Claims claims = claims_of(1);
  claims.flags |= kFlagActor;
  claims.actor = "anna";
  const std::string view = seal_ticket(key_of(1), claims, nonce_of(77));
  ASSERT_FALSE(view.empty());
  EXPECT_EQ(status(view), 403);
  EXPECT_EQ(who_.identified, 0);
  EXPECT_EQ(status(ticket(1)), 204);
}

/// A ticket with this openid as whoever has the key could make one, not minding what seal_ticket refuses.
std::string sealed_by_hand(const Key& key, const std::string& openid) {
  constexpr size_t kFixed = 16 + 16 + 4 + 6 + 4 + 4 + 2;
  const std::string text = seal_ticket(key, claims_of(1), nonce_of(1));
  std::string raw(decoded_size(text.size() - kTicketPrefix.size()), '\0');
  EXPECT_TRUE(decode_base64url(std::string_view(text).substr(kTicketPrefix.size()), reinterpret_cast<uint8_t*>(raw.data())));
  const std::string id = raw.substr(0, 4), additional = std::string(kTicketPrefix) + id, secret(key.bytes.begin(), key.bytes.end());
  std::string body = crypto::aead_open(secret, additional, std::string_view(raw).substr(4)).value().substr(0, kFixed);
  body += {static_cast<char>(openid.size() >> 8), static_cast<char>(openid.size() & 0xff)};
  body += openid + std::string(3 * 2, '\0');
  SystemRandom random;
  raw = id + crypto::aead_seal(secret, additional, body, random).value();
  std::string made(kTicketPrefix);
  append_base64url(reinterpret_cast<const uint8_t*>(raw.data()), raw.size(), made);
  return made;
}

// Whoever may read the state file could seal such a one: it must not overrun the room of the answer.
TEST_F(StateFileTest, AnAuthenticTicketOfMoreTextThanIsEverSealedIsMalformed) {
  write();
  publish();
  EXPECT_EQ(status(sealed_by_hand(key_of(1), std::string(kTicketFieldMax, 'x'))), 204);
  EXPECT_EQ(status(sealed_by_hand(key_of(1), std::string(kTicketFieldMax + 1, 'x'))), 401);
  EXPECT_EQ(who_.reason, KAIMEN_MALFORMED);
  EXPECT_EQ(status(sealed_by_hand(key_of(1), std::string(2900, 'x'))), 401);
}

// lighttpd's CGI and FastCGI and PHP make HTTP_X_KAIMEN_ROLES of X.Kaimen.Roles and X!Kaimen!Roles too.
TEST(ClaimsIdentityTest, AnyCaseAndWhateverStandsForTheHyphens) {
  for (const std::string name : {"X-Kaimen-User", "x_kaimen_user", "X-KAIMEN_Openid", "x-kaimen-whatever", "X-WX-OPENID", "x_wx_from_unionid", "X-Wx-Appid",
                                 "X.Kaimen.Roles", "x!kaimen-user", "X-Kaimen~Roles", "X*WX*OPENID", "X-WX-FROM|Unionid", "X+Kaimen-External.Id"}) {
    EXPECT_TRUE(kaimen_claims_identity(name.data(), name.size())) << name;
  }
  for (const std::string name : {"X-Kaimen-Ticket", "X.Kaimen.Ticket", "X-Kaimen", "X-WX-Skey", "Authorization", "X-WX-OPENIDS",
                                 "XxKaimen-User", "X0Kaimen-User", "X-WXyOPENID", ""}) {
    EXPECT_FALSE(kaimen_claims_identity(name.data(), name.size())) << name;
  }
}

}  // namespace
}  // namespace kaimen::check

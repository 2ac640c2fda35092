// Which ticket a request presents: where two readers could differ on who is calling, nobody is.
#include "api/presented.h"

#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

using Kind = api::Presented::Kind;
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Case {
  Headers headers;
  Kind kind;
  std::string ticket;
};

TEST(PresentedTest, TheTable) {
  const std::vector<std::string> configured{"X-WX-Skey", "X-Shop-Token"};
  const std::vector<Case> table{
      {{}, Kind::none, ""},
      {{{"Accept", "km1.a"}}, Kind::none, ""},
      // Authorization
      {{{"Authorization", "Bearer km1.a"}}, Kind::one, "km1.a"},
      {{{"authorization", "bearer km1.a"}}, Kind::one, "km1.a"},
      {{{"AUTHORIZATION", "BEARER   km1.a"}}, Kind::one, "km1.a"},
      {{{"Authorization", "Bearer\tkm1.a"}}, Kind::one, "km1.a"},
      {{{"Authorization", "Bearer"}}, Kind::one, ""},
      {{{"Authorization", "Basic a20xLmE="}}, Kind::none, ""},
      {{{"Authorization", "km1.a"}}, Kind::none, ""},
      {{{"Authorization", "Bearerkm1.a"}}, Kind::none, ""},
      {{{"Authorization", "Bearer km1.a"}, {"Authorization", "Bearer km1.a"}}, Kind::conflict, ""},
      {{{"Authorization", "Bearer km1.a"}, {"authorization", "Basic x"}}, Kind::conflict, ""},
      {{{"Authorization", "Basic x"}, {"Authorization", "Bearer km1.a"}}, Kind::conflict, ""},
      {{{"Authorization", "Bearer km1.a"}, {"Authorization", "Bearer km1.b"}, {"Cookie", "kaimen=km1.a"}}, Kind::conflict, ""},
      // headers
      {{{"X-Kaimen-Ticket", "km1.a"}}, Kind::one, "km1.a"},
      {{{"x-kaimen-TICKET", "km1.a"}}, Kind::one, "km1.a"},
      {{{"X-WX-Skey", "km1.a"}}, Kind::one, "km1.a"},
      {{{"x-shop-token", "km1.a"}}, Kind::one, "km1.a"},
      {{{"X_Kaimen_Ticket", "km1.a"}}, Kind::none, ""},
      {{{"X-Kaimen-Ticket", "km1.a"}, {"X-Kaimen-Ticket", "km1.b"}}, Kind::conflict, ""},
      // cookies
      {{{"Cookie", "kaimen=km1.a"}}, Kind::one, "km1.a"},
      {{{"Cookie", "a=b; kaimen=km1.a; c=d"}}, Kind::one, "km1.a"},
      {{{"Cookie", "a=b;kaimen=km1.a"}}, Kind::one, "km1.a"},
      {{{"Cookie", "kaimen=\"km1.a\""}}, Kind::one, "km1.a"},
      {{{"Cookie", "Kaimen=km1.a"}}, Kind::none, ""},
      {{{"Cookie", "xkaimen=km1.a; kaimen2=km1.a; kaimen_renew=kmr1.a"}}, Kind::none, ""},
      {{{"Cookie", "kaimen"}}, Kind::none, ""},
      {{{"Cookie", "kaimen=km1.a; kaimen=km1.b"}}, Kind::conflict, ""},
      {{{"Cookie", "kaimen=km1.a"}, {"Cookie", "kaimen=km1.b"}}, Kind::conflict, ""},
      {{{"Cookie", "kaimen=km1.a; kaimen=km1.a"}}, Kind::one, "km1.a"},
      // several
      {{{"Authorization", "Bearer km1.a"}, {"Cookie", "kaimen=km1.a"}}, Kind::one, "km1.a"},
      {{{"Authorization", "Bearer km1.a"}, {"Cookie", "kaimen=km1.b"}}, Kind::conflict, ""},
      {{{"Cookie", "kaimen=km1.b"}, {"Authorization", "Bearer km1.a"}}, Kind::conflict, ""},
      {{{"Cookie", "kaimen=km1.b"}, {"Authorization", "Bearer"}}, Kind::conflict, ""},
      {{{"Authorization", "Bearer "}, {"Cookie", "kaimen=km1.b"}}, Kind::conflict, ""},
      {{{"Authorization", "Bearer\tx"}, {"Cookie", "kaimen=km1.b"}}, Kind::conflict, ""},
      {{{"Authorization", "Basic x"}, {"Cookie", "kaimen=km1.b"}}, Kind::one, "km1.b"},
      {{{"X-Kaimen-Ticket", "km1.a"}, {"X-WX-Skey", "km1.b"}}, Kind::conflict, ""},
      {{{"X-Kaimen-Ticket", "km1.a"}, {"X-WX-Skey", "km1.a"}, {"Cookie", "kaimen=km1.a"}}, Kind::one, "km1.a"},
  };
  for (size_t i = 0; i < table.size(); ++i) {
    http::Request request;
    for (const auto& [name, value] : table[i].headers) request.headers.push_back({name, value});
    const auto presented = api::presented_ticket(request, configured, false);
    EXPECT_EQ(presented.kind, table[i].kind) << "row " << i;
    if (table[i].kind == Kind::one) {
      EXPECT_EQ(presented.ticket, table[i].ticket) << "row " << i;
    }
  }
}

TEST(PresentedTest, TheSkeyOfWafersClientsWhereItIsLookedAt) {
  const auto presented = [](const Headers& headers, bool skey = true) {
    http::Request request;
    for (const auto& [name, value] : headers) request.headers.push_back({name, value});
    return api::presented_ticket(request, {}, skey);
  };
  EXPECT_EQ(presented({{"x-wx-SKEY", "km1.a"}}).ticket, "km1.a");
  EXPECT_TRUE(presented({{"X-WX-Skey", "km1.a"}}).by_skey);
  EXPECT_TRUE(presented({{"X-WX-Skey", "km1.a"}, {"X-WX-Skey", "km1.a"}}).by_skey);
  EXPECT_EQ(presented({{"X-WX-Skey", "km1.a"}}, false).kind, Kind::none);
  EXPECT_EQ(presented({{"X-WX-Skey", "km1.a"}, {"X-WX-Skey", "km1.b"}}).kind, Kind::conflict);
  EXPECT_EQ(presented({{"X-WX-Skey", "km1.a"}, {"Authorization", "Bearer km1.b"}}).kind, Kind::conflict);
  for (const Headers& both : {Headers{{"X-WX-Skey", "km1.a"}, {"Authorization", "Bearer km1.a"}}, Headers{{"Cookie", "kaimen=km1.a"}, {"X-WX-Skey", "km1.a"}}}) {
    EXPECT_EQ(presented(both).kind, Kind::one);
    EXPECT_FALSE(presented(both).by_skey) << "it came another way too";
    EXPECT_FALSE(presented(both).by_cookie);
  }
}

TEST(PresentedTest, TwoCookiesThatDifferAreNone) {
  http::Request request;
  request.headers = {{"Cookie", "kaimen_renew=a"}, {"Cookie", "kaimen_renew=b"}};
  EXPECT_EQ(api::cookie(request, api::kRenewCookie), "");
  request.headers.pop_back();
  EXPECT_EQ(api::cookie(request, api::kRenewCookie), "a");
}

TEST(PresentedTest, TicketsInQueries) {
  for (const auto* query : {"t=km1.abc", "km1.abc", "a=b&c=kmr1.abc", "t=km1%2Eabc", "t=km1%2eabc", "t=%6bm1.abc", "t=k%6D1.abc", "t=km%31.abc", "t=%6B%6D%72%31%2E"}) {
    EXPECT_TRUE(api::ticket_in_query(query)) << query;
  }
  for (const auto* query : {"", "app_id=wx1", "t=km1", "t=km2.a", "t=%"}) EXPECT_FALSE(api::ticket_in_query(query)) << query;
}

}  // namespace
}  // namespace kaimen::test

// Users as a team's own systems see them: what may be set, whom a key finds, and that tickets follow.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

class DirectoryApiTest : public ApiTest {
 protected:
  void SetUp() override {
    key_ = key_text({"read", "write"});
    who_ = log_in("o1");
  }
  std::string path(const std::string& below = "") const { return "/admin/v1/users/" + who_.user.id.hex() + below; }
  Reply put(const std::string& target, const std::string& body) { return send(admin("PUT", target, key_, body)); }
  Reply find(const std::string& query, const std::string& key = "") {
    return send(admin("GET", "/admin/v1/users" + (query.empty() ? "" : "?" + query), key.empty() ? key_ : key));
  }
  static std::vector<std::string> ids(const Reply& reply) {
    std::vector<std::string> found;
    const auto body = reply.object();
    const auto* items = body.if_contains("items");
    if (!items) return {"status " + std::to_string(reply.status)};
    for (const auto& item : items->get_array()) found.emplace_back(item.at("id").get_string());
    return found;
  }
  std::vector<std::string> mine() const { return {who_.user.id.hex()}; }

  std::string key_;
  core::LoginAnswer who_;
};

TEST_F(DirectoryApiTest, TicketsFollowWhatIsSet) {
  const Reply set = put(path("/external-id"), R"({"external_id":"customer-1"})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.text("external_id"), "customer-1");
  EXPECT_EQ(set.text("state"), "active");
  EXPECT_EQ(send(verify(who_.tokens.token)).header("X-Kaimen-Reason"), "renew");
  auto renewed = renew(who_.tokens.renew_token).value();
  EXPECT_EQ(send(verify(renewed.tokens.token)).header("X-Kaimen-External-Id"), "customer-1");

  ASSERT_EQ(put(path("/roles"), R"({"roles":["shop:owner","editor","editor"]})").status, 200);
  EXPECT_EQ(send(verify(renewed.tokens.token)).header("X-Kaimen-Reason"), "renew");
  renewed = renew(renewed.tokens.renew_token).value();
  EXPECT_EQ(send(verify(renewed.tokens.token)).header("X-Kaimen-Roles"), "editor,shop:owner");
  EXPECT_EQ(send(verify(renewed.tokens.token, "role=editor")).status, 204);

  // The same set in another order, and the same external id: nothing to outdate.
  ASSERT_EQ(put(path("/roles"), R"({"roles":["editor","shop:owner"]})").status, 200);
  ASSERT_EQ(put(path("/external-id"), R"({"external_id":"customer-1"})").status, 200);
  EXPECT_EQ(send(verify(renewed.tokens.token)).status, 204);

  ASSERT_EQ(put(path("/external-id"), R"({"external_id":null})").status, 200);
  EXPECT_EQ(send(verify(renewed.tokens.token)).header("X-Kaimen-Reason"), "renew");
  EXPECT_EQ(send(verify(renew(renewed.tokens.renew_token).value().tokens.token)).header("X-Kaimen-External-Id"), "");
}

TEST_F(DirectoryApiTest, WhatIsNoExternalIdIsInvalid) {
  for (const std::string& value : std::vector<std::string>{"\"\"", "1", "[]", "\"a b\"", "\"\\u0007\"", "\"\\r\\nX: y\"", "\"é\"", "\"" + std::string(129, 'x') + "\""}) {
    EXPECT_EQ(put(path("/external-id"), R"({"external_id":)" + value + "}").status, 400) << value;
  }
  EXPECT_EQ(put(path("/external-id"), "{}").status, 400) << "only null takes it away";
  EXPECT_EQ(put(path("/external-id"), R"({"externalId":"x"})").status, 400);
  EXPECT_EQ(check(who_.tokens.token), Reason::none);
  EXPECT_EQ(put(path("/external-id"), R"({"external_id":")" + std::string(128, '~') + "\"}").status, 200);
}

TEST_F(DirectoryApiTest, WhatAreNoRolesIsInvalid) {
  std::string many = R"(["r0")", long_ones = R"(["a")", most = R"([")" + std::string(64, '0') + '"';
  for (int i = 1; i < 33; ++i) many += ",\"r" + std::to_string(i) + "\"";
  for (int i = 0; i < 10; ++i) long_ones += ",\"" + std::string(63, static_cast<char>('a' + i)) + "\"";
  for (int i = 1; i < 9; ++i) most += ",\"" + std::string(63, static_cast<char>('a' + i)) + "\"";
  for (const std::string& value : std::vector<std::string>{"null", "\"editor\"", "[1]", "[\"\"]", "[\"Editor\"]", "[\"a,b\"]", "[\"a b\"]", "[\"" + std::string(65, 'x') + "\"]", many + "]",
                                                           long_ones + "]"}) {
    EXPECT_EQ(put(path("/roles"), R"({"roles":)" + value + "}").status, 400) << value;
  }
  EXPECT_EQ(put(path("/roles"), "{}").status, 400);
  EXPECT_EQ(put(path("/roles"), R"({"roles":)" + most + "]}").status, 200);
}

TEST_F(DirectoryApiTest, TheLongestOfAllFitsIntoATicket) {
  // openid and unionid as long as WeChat's may be, the longest external id and as many roles as there may be.
  const std::string openid(128, 'o'), unionid(128, 'u');
  const auto full = login(request(platform.fresh_code(openid, unionid))).value();
  std::string roles;
  for (int i = 0; i < 10; ++i) roles += (i == 0 ? "\"" : ",\"") + std::string(i == 0 ? 64 : 63, static_cast<char>('a' + i)) + "\"";
  const std::string user = "/admin/v1/users/" + full.user.id.hex();
  ASSERT_EQ(put(user + "/external-id", R"({"external_id":")" + std::string(128, 'x') + "\"}").status, 200);
  ASSERT_EQ(put(user + "/roles", R"({"roles":[)" + roles + "]}").status, 200);
  const auto renewed = renew(full.tokens.renew_token);
  ASSERT_TRUE(renewed);
  EXPECT_EQ(send(verify(renewed.value().tokens.token)).header("X-Kaimen-Roles").size(), 640u);
}

TEST_F(DirectoryApiTest, AnExternalIdIsOneUsers) {
  const auto other = log_in("o2");
  ASSERT_EQ(put(path("/external-id"), R"({"external_id":"x"})").status, 200);
  const Reply refused = put("/admin/v1/users/" + other.user.id.hex() + "/external-id", R"({"external_id":"x"})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "conflict");
  EXPECT_EQ(check(other.tokens.token), Reason::none);
}

TEST_F(DirectoryApiTest, AUserIsFoundByWhateverNamesIt) {
  const auto other = login(request(platform.fresh_code("o2", "u2"))).value();
  bind_phone(who_, "13800000001");
  ASSERT_EQ(put(path("/external-id"), R"({"external_id":"customer-1"})").status, 200);
  EXPECT_EQ(ids(find("external_id=customer-1")), mine());
  EXPECT_EQ(ids(find("app_id=wx1&openid=o1")), mine());
  EXPECT_EQ(ids(find("openid=o1")), mine());
  EXPECT_EQ(ids(find("openid=o1&project=default")), mine());
  EXPECT_EQ(ids(find("openid=o1&project=shop")), std::vector<std::string>{});
  EXPECT_EQ(ids(find("openid=o9")), std::vector<std::string>{});
  EXPECT_EQ(ids(find("openid=o1&appid=wx1&project=default")), mine());
  EXPECT_EQ(ids(find("phone=%2B8613800000001")), mine());
  EXPECT_EQ(ids(find("phone=+8613800000001")), mine()) << "a plus sign in a query is a blank";
  EXPECT_EQ(ids(find("unionid=u2")), std::vector{other.user.id.hex()});
  EXPECT_EQ(ids(find("ids=" + who_.user.id.hex() + "," + std::string(32, '0'))), mine());
  for (const char* nobody : {"external_id=customer-2", "app_id=wx1&openid=o9", "phone=%2B8613800000009", "unionid=u9", "external_id=customer-1&project=shop"}) {
    EXPECT_EQ(ids(find(nobody)), std::vector<std::string>{}) << nobody;
  }
  const auto body = find("external_id=customer-1").object();
  const auto& user = body.at("items").at(0);
  EXPECT_EQ(user.at("phone_number").get_string(), "+8613800000001");
  EXPECT_EQ(user.at("state").get_string(), "active");
  ASSERT_EQ(user.at("identities").get_array().size(), 1u);
  const auto& identity = user.at("identities").at(0);
  EXPECT_EQ(identity.at("provider").get_string(), "wechat");
  EXPECT_EQ(identity.at("app_id").get_string(), "wx1");
  EXPECT_EQ(identity.at("openid").get_string(), "o1");
  EXPECT_TRUE(identity.at("unionid").is_null());
  EXPECT_EQ(http::to_text(body).find("session_key"), std::string::npos);
}

TEST_F(DirectoryApiTest, AmongManyAppsAnOpenidWantsItsOwn) {
  for (int i = 0; i < 200; ++i) {
    core::NewApp app;
    app.app_id = "wxmany" + std::to_string(i);
    app.secret = Secret("secret");
    ASSERT_TRUE(run_here(services().apps.add(std::move(app))));
  }
  EXPECT_EQ(find("openid=o1").code(), "invalid_request");
  EXPECT_EQ(ids(find("openid=o1&app_id=wx1")), mine());
}

TEST_F(DirectoryApiTest, AllUsersComePageByPage) {
  for (int i = 2; i < 6; ++i) log_in("o" + std::to_string(i));
  std::vector<std::string> seen;
  std::string cursor;
  for (int pages = 0; pages < 9; ++pages) {
    const Reply page = find("limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& id : ids(page)) seen.push_back(id);
    cursor = page.text("next_cursor");
    if (cursor.empty()) break;
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(ids(find("")), seen);
}

TEST_F(DirectoryApiTest, WhatTheQueryDoesNotKnowIsRefused) {
  std::string too_many = "ids=" + std::string(32, '0');
  for (int i = 0; i < 200; ++i) too_many += "," + std::string(32, '1');
  for (const std::string& query : std::vector<std::string>{"external-id=x", "externalid=x", "external_id=", "app_id=wx1", "app_id=wx1&appid=wx1&openid=o1&openid=o1", "ids=", "ids=x",
                                                           "ids=" + std::string(32, '0') + ",", "phone=13800000001", "phone=%2B86x", "unionid=u&external_id=x", "limit=0", "limit=201",
                                                           "cursor=AA", "external_id=a&external_id=b", too_many}) {
    EXPECT_EQ(find(query).status, 400) << query;
  }
  EXPECT_EQ(find("app_id=nowhere&openid=o1").status, 404);
}

TEST_F(DirectoryApiTest, AKeyOfAProjectFindsAndChangesNobodyElse) {
  add_app("wx2", "shop");
  const auto theirs = log_in("o2", "wx2");
  const std::string shop = key_text({"read", "write"}, "shop");
  ASSERT_EQ(put(path("/external-id"), R"({"external_id":"x"})").status, 200);
  bind_phone(who_, "13800000001");
  const std::vector<std::string> them{theirs.user.id.hex()};
  EXPECT_EQ(ids(find("", shop)), them);
  EXPECT_EQ(ids(find("project=shop")), them);
  EXPECT_EQ(ids(find("project=default", shop)), std::vector<std::string>{});
  for (const std::string& query : std::vector<std::string>{"external_id=x", "phone=%2B8613800000001", "ids=" + who_.user.id.hex(), "external_id=x&project=default"}) {
    EXPECT_EQ(ids(find(query, shop)), std::vector<std::string>{}) << query;
    EXPECT_EQ(ids(find(query)), mine()) << query;
  }
  EXPECT_EQ(find("app_id=wx1&openid=o1", shop).status, 404);
  EXPECT_EQ(send(admin("PUT", path("/external-id"), shop, R"({"external_id":"y"})")).status, 404);
  EXPECT_EQ(send(admin("PUT", path("/roles"), shop, R"({"roles":["y"]})")).status, 404);
  EXPECT_EQ(send(admin("GET", path(), key_)).text("external_id"), "x");
  const std::string user = "/admin/v1/users/" + theirs.user.id.hex();
  EXPECT_EQ(send(admin("PUT", user + "/external-id", shop, R"({"external_id":"x"})")).status, 200) << "each project has its own";
}

TEST_F(DirectoryApiTest, WhoIsDisabledIsSoInState) {
  ASSERT_TRUE(disable(who_.user.id));
  EXPECT_EQ(send(admin("GET", path(), key_)).text("state"), "disabled");
  EXPECT_EQ(put(path("/roles"), R"({"roles":["editor"]})").status, 200);
  EXPECT_EQ(check(who_.tokens.token), Reason::disabled) << "the stronger reason stays";
}

}  // namespace
}  // namespace kaimen::test

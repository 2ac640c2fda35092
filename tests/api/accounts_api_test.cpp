// The routes of accounts: their shapes, and what they refuse.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

class AccountsApiTest : public ApiTest {
 protected:
  void SetUp() override { set("passwords", "on"); }
  Reply put(const std::string& target, const std::string& body, const std::string& token) {
    Ask ask = client("PUT", target, token);
    ask.body = body;
    return send(ask);
  }
  Reply enter(const std::string& name, const std::string& password, const std::string& route = "login") {
    return post("/v1/password/" + route, R"({"app_id":"wx1","username":")" + name + R"(","password":")" + password + R"("})");
  }
};

TEST_F(AccountsApiTest, AnUnknownNameAndAWrongPasswordAreTheSameBytes) {
  ASSERT_EQ(enter("mei", "correct horse", "register").status, 201);
  const Reply wrong = enter("mei", "a bad guess"), unknown = enter("nobody", "a bad guess");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "unauthenticated");
  EXPECT_EQ(wrong.body, unknown.body);
  EXPECT_EQ(wrong.headers, unknown.headers);
  EXPECT_EQ(wrong.header("X-Kaimen-Reason"), "") << "it is not about a ticket";
  EXPECT_EQ(wrong.header("WWW-Authenticate"), "Bearer");
}

TEST_F(AccountsApiTest, NoAppAndAnAppWithoutPasswordsAreTheSameBytes) {
  set("passwords", "off");
  const Reply without = enter("mei", "correct horse");
  EXPECT_EQ(without.status, 404);
  EXPECT_EQ(without.body, post("/v1/password/login", R"({"app_id":"nowhere","username":"mei","password":"correct horse"})").body);
}

TEST_F(AccountsApiTest, WrongTypesAreInvalid) {
  const std::string token = log_in("o1").tokens.token;
  for (const char* body : {"", "[]", R"({"app_id":"wx1"})", R"({"app_id":"wx1","username":1,"password":"12345678"})", R"({"app_id":"wx1","username":"a","password":null})",
                           R"({"app_id":"wx1","username":"a","password":"12345678","device":[]})", R"({"app_id":"wx1","username":"a","password":"12345678","env_version":"x"})"}) {
    EXPECT_EQ(post("/v1/password/register", body).status, 400) << body;
    EXPECT_EQ(post("/v1/password/login", body).status, 400) << body;
  }
  for (const char* body : {"", "{}", R"({"new_password":1})", R"({"new_password":"short","username":"a"})", R"({"new_password":"12345678","username":["a"]})"}) {
    EXPECT_EQ(put("/v1/me/password", body, token).status, 400) << body;
  }
  for (const char* body : {R"({"fields":[]})", R"({"fields":{"company":1}})", R"({"agreements":{}})", R"({"agreements":["terms"]})", R"({"agreements":[{"name":"terms"}]})",
                           R"({"invitation":7})"}) {
    set("registration_fields", "company");
    EXPECT_EQ(post("/v1/me/registration", body, token).status, 400) << body;
  }
  for (const char* body : {"", R"({"app_id":"wx1"})", R"({"app_id":"wx1","code":7})"}) EXPECT_EQ(post("/v1/me/identities", body, token).status, 400) << body;
}

TEST_F(AccountsApiTest, AnAppOfAnotherProjectIsNotThereToLink) {
  add_app("wx2", "other");
  const std::string token = log_in("o1").tokens.token;
  EXPECT_EQ(post("/v1/me/identities", R"({"app_id":"wx2","code":")" + platform.fresh_code("o2") + R"("})", token).status, 404);
  EXPECT_EQ(platform.exchanges, 1) << "the code is not spent";
}

TEST_F(AccountsApiTest, WhatIsMissingIsNamed) {
  set("registration", "fields");
  set("registration_fields", "company,nickname");
  const auto guest = log_in("o1");
  const Reply refused = post("/v1/me/registration", R"({"fields":{"nickname":"Mei"}})", guest.tokens.token);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "registration_required");
  EXPECT_EQ(refused.object().at("missing"), (json::array{"company"}));
  const Reply done = post("/v1/me/registration", R"({"fields":{"nickname":"Mei","company":"x","else":"y"}})", guest.tokens.token);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.object().at("missing"), json::array{});
  EXPECT_EQ(one("SELECT fields FROM registrations"), R"({"company":"x"})") << "only what the app asks for is kept";
}

TEST_F(AccountsApiTest, AFieldThatIsGivenLeavesTheOthersAlone) {
  set("registration_fields", "company,city");
  const std::string token = log_in("o1").tokens.token;
  EXPECT_EQ(post("/v1/me/registration", R"({"fields":{"company":"x","city":"y"}})", token).status, 200);
  set("registration_fields", "department,city");
  EXPECT_EQ(post("/v1/me/registration", R"({"fields":{"department":"z","city":null,"company":null}})", token).status, 200);
  EXPECT_EQ(one("SELECT fields FROM registrations"), R"({"company":"x","department":"z"})") << "null takes away what this app asks for";
}

TEST_F(AccountsApiTest, AKeyOfAnotherProjectNeitherInvitesNorDeletes) {
  add_app("wx2", "other");
  const std::string key = key_text({"write"}, "other");
  const auto who = log_in("o1");
  EXPECT_EQ(send(admin("POST", "/admin/v1/apps/wx1/invitations", key, "{}")).status, 404);
  EXPECT_EQ(send(admin("DELETE", "/admin/v1/users/" + who.user.id.hex(), key)).status, 404);
  EXPECT_EQ(check(who.tokens.token), Reason::none);
  EXPECT_EQ(send(admin("POST", "/admin/v1/apps/wx2/invitations", key, R"({"uses":0})")).status, 400);
  EXPECT_EQ(send(admin("POST", "/admin/v1/apps/wx2/invitations", key, "{}")).status, 201);
}

}  // namespace
}  // namespace kaimen::test

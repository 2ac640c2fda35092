// Who somebody is in the team's own user table: imported before the first login, or resolved at it.
#include "core/account_services.h"
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class ResolvingTest : public CoreTest {
 protected:
  void SetUp() override {
    core::AppChange change;
    change.settings = std::map<std::string, std::string>{{"resolve_url", "https://team.example/who"}};
    change.resolve_secret = Secret("a-secret-of-sixteen");
    ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  }
  void knows(core::ResolvedUser user) {
    resolver().answer([user](const core::WhoIs&) { return std::optional(user); });
  }
  void fails() {
    resolver().answer([](const core::WhoIs&) -> Result<std::optional<core::ResolvedUser>> { return make_error(ErrorCode::upstream_error); });
  }
  static core::ResolvedUser called(const std::string& external_id) {
    core::ResolvedUser user;
    user.external_id = external_id;
    return user;
  }
  core::LoginRequest with_phone(const std::string& openid, const std::string& phone_code) {
    auto wanted = request(platform.fresh_code(openid));
    wanted.phone.emplace().code = phone_code;
    return wanted;
  }
  core::ImportOutcome import(core::ImportLine line) {
    std::vector<core::ImportLine> lines;
    lines.push_back(std::move(line));
    core::Trace trace;
    return run_here(services().accounts->importing.run("default", std::move(lines), core::ImportTerms{}, &trace)).value().at(0);
  }
};

TEST_F(ResolvingTest, TheTicketIsSealedWithWhatTheBackendSays) {
  auto user = called("c-1");
  user.roles = {"b", "a", "b"};
  knows(user);
  const auto first = log_in("o1");
  EXPECT_EQ(first.user.external_id, "c-1");
  EXPECT_EQ(first.user.roles, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(check(first.tokens.token), Reason::none);
  EXPECT_TRUE(renew(first.tokens.renew_token));
  log_in("o1");
  EXPECT_EQ(resolver().asked().size(), 1u);
}

TEST_F(ResolvingTest, TheSameCodeAgainDoesNotAskAgain) {
  knows(called("c-1"));
  const std::string code = platform.fresh_code("o1");
  ASSERT_TRUE(login(code));
  const auto again = login(code).value();
  EXPECT_EQ(again.user.external_id, "c-1");
  EXPECT_EQ(check(again.tokens.token), Reason::none);
  EXPECT_EQ(resolver().asked().size(), 1u);
}

// Were the user named first, the name would go with the user who was put onto another.
TEST_F(ResolvingTest, WhoIsPutOntoAnotherByANumberIsAskedForAsThatOne) {
  set("phone_link", "attach");
  core::ImportLine line;
  line.external_id = "c-1";
  line.phone = "+8613800000000";
  const auto imported = import(line);
  ASSERT_EQ(imported.kind, core::ImportedUser::Kind::created);
  platform.phones = {{"p1", "13800000000"}};
  knows(called("c-1"));
  const auto first = login(with_phone("o1", "p1")).value();
  EXPECT_TRUE(first.warnings.empty());
  EXPECT_EQ(first.user.id, imported.user);
  EXPECT_EQ(first.user.external_id, "c-1");
  EXPECT_EQ(resolver().asked().at(0).user, imported.user);
  EXPECT_EQ(check(first.tokens.token), Reason::none);
}

TEST_F(ResolvingTest, AnImportedNumberFindsNobodyWhereTheAppDoesNotSaySo) {
  core::ImportLine line;
  line.external_id = "c-1";
  line.phone = "+8613800000000";
  const auto imported = import(line);
  platform.phones = {{"p1", "13800000000"}};
  EXPECT_NE(login(with_phone("o1", "p1")).value().user.id, imported.user);
}

TEST_F(ResolvingTest, WhatNobodyCanBeIsAWarning) {
  auto user = called("has a blank");
  knows(user);
  const auto first = log_in("o1");
  ASSERT_EQ(first.warnings.size(), 1u);
  EXPECT_EQ(first.warnings[0].part, "resolve");
  EXPECT_EQ(first.warnings[0].code, ErrorCode::upstream_error);
  EXPECT_EQ(first.user.external_id, "");
}

// The team's backend was being deployed when somebody logged in for the first time.
TEST_F(ResolvingTest, WhatTheBackendDidNotAnswerItIsAskedAgainAtTheNextLogin) {
  fails();
  EXPECT_EQ(log_in("o1").warnings.at(0).part, "resolve");
  knows(called("c-1"));
  const auto second = log_in("o1");
  EXPECT_TRUE(second.warnings.empty());
  EXPECT_EQ(second.user.external_id, "c-1");
  EXPECT_EQ(check(second.tokens.token), Reason::none);
  clock.pass(48h);
  log_in("o1");
  EXPECT_EQ(resolver().asked().size(), 2u);
}

TEST_F(ResolvingTest, WhoTheBackendDoesNotKnowIsNotAskedAboutAgain) {
  resolver().answer([](const core::WhoIs&) { return std::optional<core::ResolvedUser>(); });
  log_in("o1");
  clock.pass(48h);
  EXPECT_TRUE(log_in("o1").warnings.empty());
  EXPECT_EQ(resolver().asked().size(), 1u);
}

TEST_F(ResolvingTest, ADeadBackendIsAskedEverLessOften) {
  fails();
  size_t warned = 0;
  for (int minute = 0; minute < 64; ++minute) {
    warned += log_in("o1").warnings.size();
    clock.pass(60s);
  }
  EXPECT_EQ(resolver().asked().size(), warned) << "nobody waits who is not told why";
  EXPECT_EQ(warned, 7u) << "at minutes 0, 1, 2, 4, 8, 16 and 32";
}

TEST_F(ResolvingTest, AnImportedUserHasTheNumberSealedAsTheirs) {
  core::ImportLine line;
  line.external_id = "c-1";
  line.phone = "+8613800000000";
  const auto imported = import(line);
  const auto user = run_here(store().find_user(imported.user)).value();
  EXPECT_EQ(services().profiles.phone_of(user).value(), "+8613800000000");
  EXPECT_EQ(import(line).kind, core::ImportedUser::Kind::unchanged);
}

TEST_F(ResolvingTest, LinesThatCannotBeRightAreRefusedByThemselves) {
  core::ImportLine nobody, blank, no_app, no_phone, roles;
  blank.external_id = "a b";
  no_app.openid = "o1";
  no_phone.external_id = roles.external_id = "c-1";
  no_phone.phone = "13800000000";
  roles.roles = {"No"};
  for (const auto& line : {nobody, blank, no_app, no_phone, roles}) {
    const auto outcome = import(line);
    EXPECT_EQ(outcome.kind, core::ImportedUser::Kind::refused);
    EXPECT_EQ(outcome.code, ErrorCode::invalid_request);
    EXPECT_NE(outcome.detail, "");
  }
}

}  // namespace
}  // namespace kaimen::test

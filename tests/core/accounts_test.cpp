// Linked identities, phones that find their user, registration, deletion.
#include "core/account_services.h"
#include "core/registered.h"
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class AccountTest : public CoreTest {
 protected:
  Result<core::ChangedUser> link(const core::LoginAnswer& who, const std::string& code, const std::string& app_id = "wx1") {
    return run_here(services().accounts->linking.link(who.user.id, services().apps.find(app_id), Secret(code), &trace));
  }
  core::LoginRequest with_phone(const std::string& openid, const std::string& phone_code) {
    auto asked = request(platform.fresh_code(openid));
    asked.phone.emplace();
    asked.phone->code = phone_code;
    return asked;
  }
  Result<core::LoginAnswer> give(const core::LoginAnswer& who, std::map<std::string, std::string> fields, std::vector<core::Agreement> agreements = {},
                                 const std::string& invitation = "") {
    core::RegistrationRequest act;
    act.app = app();
    act.user = who.user.id;
    act.session = who.session.id;
    act.fields.insert(fields.begin(), fields.end());
    act.agreements = std::move(agreements);
    act.invitation = invitation;
    return run_here(services().accounts->registration.complete(std::move(act), &trace));
  }
  bool registered(const std::string& token) {
    core::Checker checker(services().live);
    static_cast<void>(checker.check(token));
    return checker.opened().claims.registered();
  }
  Result<std::optional<Time>> leave(const core::LoginAnswer& who) { return run_here(services().accounts->deletion.leave(app(), who.user.id, &trace)); }
  core::Trace trace;
};

// ---- linking ----

TEST_F(AccountTest, AnIdentityOfAnotherMiniProgramIsAdded) {
  add_app("wx2");
  const auto who = log_in("o1");
  const std::string code = platform.fresh_code("o2");
  EXPECT_EQ(link(who, code, "wx2").value().user.id, who.user.id);
  EXPECT_EQ(log_in("o2", "wx2").user.id, who.user.id);
  EXPECT_EQ(code_of(link(who, code, "wx2")), ErrorCode::code_used);
  EXPECT_EQ(platform.exchanges, 3) << "a code that was brought is not asked for again";
  EXPECT_TRUE(link(who, platform.fresh_code("o2"), "wx2")) << "the user's own already";
}

TEST_F(AccountTest, AUnionidThatALinkBringsOutdatesTheTicketsWithoutIt) {
  const auto who = log_in("o1");
  ASSERT_TRUE(link(who, platform.fresh_code("o1", "u1")));
  EXPECT_EQ(check(who.tokens.token), Reason::renew);
  EXPECT_EQ(renew(who.tokens.renew_token).value().session.unionid, "u1");
}

TEST_F(AccountTest, AnIdentityOfSomebodyElseIsNot) {
  log_in("o2");
  EXPECT_EQ(code_of(link(log_in("o1"), platform.fresh_code("o2"))), ErrorCode::conflict);
}

TEST_F(AccountTest, ACodeThatLoggedInLinksNothing) {
  const std::string code = platform.fresh_code("o1");
  const auto who = login(code).value();
  EXPECT_EQ(code_of(link(who, code)), ErrorCode::code_used);
}

TEST_F(AccountTest, ACodeThatLinkedLogsNobodyIn) {
  const auto who = log_in("o1");
  const std::string code = platform.fresh_code("o2");
  ASSERT_TRUE(link(who, code));
  EXPECT_EQ(code_of(login(code)), ErrorCode::code_used);
}

TEST_F(AccountTest, CodesThatLinkAreCountedAndNotedAsLoginsAre) {
  const auto who = log_in("o1");
  EXPECT_EQ(code_of(link(who, "made-up")), ErrorCode::code_invalid);
  EXPECT_EQ(one("SELECT count(*) FROM events WHERE kind = 'login_failed'"), "1");
  set("logins_per_minute", "1");
  ASSERT_TRUE(link(who, platform.fresh_code("o2")));
  const int asked = platform.exchanges;
  EXPECT_EQ(code_of(link(who, platform.fresh_code("o3"))), ErrorCode::rate_limited);
  EXPECT_EQ(platform.exchanges, asked) << "WeChat hears nothing of it";
}

TEST_F(AccountTest, AUserAsksWeChatThirtyTimesAMinute) {
  const auto who = log_in("o1"), other = log_in("o2");
  const auto bring = [&](const core::LoginAnswer& by, const std::string& code) {
    core::PhoneProof proof;
    proof.code = code;
    return run_here(services().profiles.bind_phone(subject(by), proof, &trace));
  };
  const auto stands = [&](const core::LoginAnswer& by) {
    return run_here(services().sessions.key_stands(app(), core::SessionView{by.session, by.user}, &trace));
  };
  for (int i = 0; i < 20; ++i) ASSERT_EQ(code_of(bring(who, "p" + std::to_string(i))), ErrorCode::code_invalid);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(stands(who).value(), true);
  EXPECT_EQ(code_of(bring(who, "q")), ErrorCode::rate_limited);
  EXPECT_EQ(code_of(stands(who)), ErrorCode::rate_limited);
  EXPECT_EQ(platform.phone_calls, 20);
  EXPECT_EQ(platform.key_checks, 10);
  EXPECT_EQ(stands(other).value(), true);
  clock.pass(2s);
  EXPECT_EQ(code_of(bring(who, "q")), ErrorCode::code_invalid) << "one that was turned away is not spent";
}

// ---- phones ----

TEST_F(AccountTest, APhoneCodeIsAskedForOnceAlsoAfterARestart) {
  platform.phones["p1"] = "13800000000";
  const auto who = log_in("o1");
  core::PhoneProof proof;
  proof.code = "p1";
  ASSERT_TRUE(run_here(services().profiles.bind_phone(subject(who), proof, &trace)));
  EXPECT_EQ(code_of(run_here(services().profiles.bind_phone(subject(who), proof, &trace))), ErrorCode::code_used);
  restart();
  EXPECT_EQ(code_of(run_here(services().profiles.bind_phone(subject(who), proof, &trace))), ErrorCode::code_used);
  EXPECT_EQ(platform.phone_calls, 1);
}

TEST_F(AccountTest, APhoneCodeThatWeChatNeverSawIsStillGood) {
  platform.phones["p1"] = "13800000000";
  const auto who = log_in("o1");
  core::PhoneProof proof;
  proof.code = "p1";
  platform.token_failure = failure(ErrorCode::app_misconfigured, 40125);
  EXPECT_EQ(code_of(run_here(services().profiles.bind_phone(subject(who), proof, &trace))), ErrorCode::app_misconfigured);
  platform.token_failure.reset();
  clock.pass(1s);  // what WeChat said counts for that long
  EXPECT_TRUE(run_here(services().profiles.bind_phone(subject(who), proof, &trace)));
}

TEST_F(AccountTest, ALoginIsPutOntoTheUserWhoHasTheNumber) {
  set("phone_link", "attach");
  platform.phones = {{"p1", "13800000000"}, {"p2", "13800000000"}};
  const auto owner = login(with_phone("o1", "p1")).value();
  EXPECT_TRUE(owner.is_new_user);
  const auto again = login(with_phone("o2", "p2")).value();
  EXPECT_EQ(again.user.id, owner.user.id);
  EXPECT_FALSE(again.is_new_user);
  EXPECT_TRUE(again.warnings.empty());
  EXPECT_EQ(check(again.tokens.token), Reason::none);
  EXPECT_EQ(log_in("o2").user.id, owner.user.id);
}

TEST_F(AccountTest, ALoginIsPutOntoNobodyWhereTheAppDoesNotSaySo) {
  platform.phones = {{"p1", "13800000000"}, {"p2", "13800000000"}};
  const auto owner = login(with_phone("o1", "p1")).value();
  EXPECT_NE(login(with_phone("o2", "p2")).value().user.id, owner.user.id);
}

TEST_F(AccountTest, WhoWasHereBeforeIsNotPutOntoAnother) {
  set("phone_link", "attach");
  platform.phones = {{"p1", "13800000000"}, {"p2", "13800000000"}};
  const auto owner = login(with_phone("o1", "p1")).value();
  const auto old = log_in("o2");
  const auto again = login(with_phone("o2", "p2")).value();
  EXPECT_EQ(again.user.id, old.user.id);
  ASSERT_EQ(again.warnings.size(), 1u);
  EXPECT_EQ(again.warnings[0].part, "phone");
  EXPECT_EQ(again.warnings[0].code, ErrorCode::conflict);
  EXPECT_TRUE(again.user.phone_sealed.empty());
}

// ---- registration ----

TEST_F(AccountTest, AGuestGivesTheFieldsAndIsRegistered) {
  set("registration", "fields");
  set("registration_fields", "nickname,phone_number,company");
  const auto guest = log_in("o1");
  EXPECT_FALSE(guest.user.registered);
  EXPECT_FALSE(registered(guest.tokens.token));
  const auto refused = give(guest, {{"nickname", "Mei"}, {"phone_number", "+8613800000000"}});
  EXPECT_EQ(code_of(refused), ErrorCode::registration_required);
  EXPECT_EQ(refused.error().detail, "phone_number,company") << "a number is WeChat's to give";
  platform.phones["p1"] = "13800000000";
  core::PhoneProof proof;
  proof.code = "p1";
  ASSERT_TRUE(run_here(services().profiles.bind_phone(subject(guest), proof, &trace)));
  const auto done = give(guest, {{"nickname", "Mei"}, {"company", "x"}}).value();
  EXPECT_TRUE(registered(done.tokens.token));
  EXPECT_EQ(done.user.nickname, "Mei");
  EXPECT_EQ(check(guest.tokens.token), Reason::renew);
  EXPECT_EQ(check(done.tokens.token), Reason::none);
  EXPECT_TRUE(renew(done.tokens.renew_token));
}

TEST_F(AccountTest, ANewVersionIsAskedForAgain) {
  set("agreements", "terms=1");
  const auto first = log_in("o1");
  EXPECT_FALSE(registered(first.tokens.token));
  EXPECT_EQ(code_of(give(first, {}, {{"terms", "0"}})), ErrorCode::registration_required);
  EXPECT_TRUE(registered(give(first, {}, {{"terms", "1"}}).value().tokens.token));
  set("agreements", "terms=2,privacy=1");
  const auto second = log_in("o1");
  EXPECT_FALSE(registered(second.tokens.token));
  EXPECT_EQ(core::missing_parts(*app(), second.user), (std::vector<std::string>{"terms", "privacy"}));
  EXPECT_EQ(give(second, {}, {{"terms", "2"}}).error().detail, "privacy");
  EXPECT_TRUE(registered(give(second, {}, {{"terms", "2"}, {"privacy", "1"}}).value().tokens.token));
}

TEST_F(AccountTest, AGuestIsRegisteredWhereEverybodyIs) {
  set("registration", "invited");
  const auto guest = log_in("o1");
  EXPECT_FALSE(registered(guest.tokens.token));
  set("registration", "open");
  const auto in = log_in("o1");
  EXPECT_TRUE(registered(in.tokens.token));
  EXPECT_EQ(check(guest.tokens.token), Reason::renew) << "it says guest";
  EXPECT_TRUE(registered(renew(guest.tokens.renew_token).value().tokens.token));
  set("registration", "closed");
  EXPECT_TRUE(registered(log_in("o1").tokens.token)) << "registered is registered";
}

// Being registered is the project's; documents are each app's.
TEST_F(AccountTest, WhoIsRegisteredIsSoInAllAppsOfTheProjectButForTheirDocuments) {
  add_app("wx2", "default", {{"registration", "invited"}, {"agreements", "terms=1"}});
  const auto who = log_in("o1");
  EXPECT_TRUE(registered(who.tokens.token));
  ASSERT_TRUE(link(who, platform.fresh_code("o2"), "wx2"));
  const auto there = log_in("o2", "wx2");
  EXPECT_EQ(there.user.id, who.user.id);
  EXPECT_FALSE(registered(there.tokens.token));
  EXPECT_EQ(core::missing_parts(*services().apps.find("wx2"), there.user), std::vector<std::string>{"terms"}) << "but no invitation";
}

TEST_F(AccountTest, AnInvitationIsSpent) {
  set("registration", "invited");
  const auto invitation = run_here(services().accounts->registration.invite(app(), 1, 3600, &trace)).value();
  const auto first = log_in("o1"), second = log_in("o2");
  EXPECT_EQ(give(first, {}).error().detail, "invitation");
  EXPECT_EQ(give(first, {}, {}, "guess").error().detail, "invitation");
  EXPECT_TRUE(give(first, {}, {}, invitation.code.reveal()));
  EXPECT_TRUE(give(first, {}, {}, invitation.code.reveal())) << "again, though spent: the user is registered";
  EXPECT_EQ(give(second, {}, {}, invitation.code.reveal()).error().detail, "invitation");
  EXPECT_EQ(one("SELECT count(*) FROM invitations WHERE instr(code_hash, '" + invitation.code.reveal() + "') > 0"), "0");
}

TEST_F(AccountTest, ANicknameOfARegistrationIsLookedAtWhereTheAppAsksForIt) {
  set("registration", "fields");
  set("registration_fields", "nickname");
  set("profile_check", "enforce");
  const auto guest = log_in("o1");
  EXPECT_EQ(code_of(give(guest, {{"nickname", "risky"}})), ErrorCode::content_rejected);
  EXPECT_FALSE(run_here(store().find_user(guest.user.id)).value().registered);
  const auto registered_user = give(guest, {{"nickname", "Mei"}});
  ASSERT_TRUE(registered_user);
  EXPECT_EQ(registered_user.value().user.nickname, "Mei");
  EXPECT_EQ(platform.checked, (std::vector<std::string>{"risky", "Mei"}));
}

// A registration is answered with a ticket: again and again, it took the place of renewals, which ask.
TEST_F(AccountTest, ARegistrationIsNoWayAroundTheSessionKey) {
  set("login_state", "wechat");
  const auto who = log_in("o1");
  EXPECT_TRUE(give(who, {}));
  platform.stale_keys.insert(std::string(FakePlatform::kKey));
  EXPECT_EQ(reason_of(give(who, {})), Reason::expired);
}

TEST_F(AccountTest, WeChatsStandInForANameIsNone) {
  set("registration", "fields");
  set("registration_fields", "nickname");
  const auto guest = log_in("o1");
  EXPECT_EQ(give(guest, {{"nickname", "微信用户"}}).error().detail, "nickname");
  ASSERT_TRUE(give(guest, {{"nickname", "Mei"}}));
  EXPECT_EQ(give(guest, {{"nickname", "微信用户"}}).value().user.nickname, "Mei");
}

TEST_F(AccountTest, AClosedAppRegistersNobody) {
  set("registration", "closed");
  EXPECT_EQ(code_of(give(log_in("o1"), {})), ErrorCode::forbidden);
}

// ---- export ----

// Two of anybody's were all that a node made at once.
TEST_F(AccountTest, OfAUserOneExportIsMadeAtOnceAndOfAnAppTwo) {
  auto& exporting = services().accounts->exporting;
  std::vector<Id> users;
  for (const char* openid : {"o1", "o2", "o3", "o4", "o5"}) users.push_back(log_in(openid).user.id);
  {
    const auto first = exporting.begin(1, users[0]);
    ASSERT_TRUE(first);
    const auto again = exporting.begin(2, users[0]);
    EXPECT_EQ(code_of(again), ErrorCode::rate_limited);
    EXPECT_TRUE(again.error().retry_after);
    const auto second = exporting.begin(1, users[1]);
    ASSERT_TRUE(second);
    EXPECT_EQ(code_of(exporting.begin(1, users[2])), ErrorCode::rate_limited) << "the app's third";
    const auto third = exporting.begin(2, users[2]), fourth = exporting.begin(3, users[3]);
    ASSERT_TRUE(third && fourth) << "who was turned away holds nothing";
    EXPECT_EQ(code_of(exporting.begin(4, users[4])), ErrorCode::rate_limited) << "the node's fifth";
  }
  EXPECT_TRUE(exporting.begin(3, users[0]));
}

// ---- deletion ----

TEST_F(AccountTest, WhoLeavesIsOutAtOnceAndSomebodyNewWhenBack) {
  const auto who = log_in("o1");
  EXPECT_EQ(leave(who).value(), std::nullopt);
  EXPECT_EQ(check(who.tokens.token), Reason::deleted);
  EXPECT_NE(log_in("o1").user.id, who.user.id);
}

TEST_F(AccountTest, WithinTheGraceALoginIsRefusedAndARestoreIsNot) {
  set("deletion_grace_days", "7");
  ASSERT_TRUE(minute());
  const auto who = log_in("o1");
  const auto due_at = leave(who).value();
  ASSERT_TRUE(due_at);
  EXPECT_EQ(check(who.tokens.token), Reason::deleted);
  const auto refused = login(platform.fresh_code("o1"));
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(reason_of(refused), Reason::deleted);
  EXPECT_EQ(refused.error().until, due_at);
  auto back = request(platform.fresh_code("o1"));
  back.restore = true;
  EXPECT_EQ(login(back).value().user.id, who.user.id);
  clock.pass(8 * 24h);
  ASSERT_TRUE(minute());
  EXPECT_TRUE(run_here(store().find_user(who.user.id)));
}

TEST_F(AccountTest, WhenTheGraceIsOverTheMinuteCarriesItOut) {
  set("deletion_grace_days", "1");
  ASSERT_TRUE(minute());  // the clock must stand for a while before it is believed
  const auto who = log_in("o1");
  ASSERT_TRUE(leave(who));
  clock.pass(24h - 1min);
  ASSERT_TRUE(minute());
  EXPECT_TRUE(run_here(store().find_user(who.user.id)));
  clock.pass(1min);
  ASSERT_TRUE(minute());
  EXPECT_EQ(code_of(run_here(store().find_user(who.user.id))), ErrorCode::not_found);
  EXPECT_EQ(one("SELECT count(*) FROM identities"), "0");
}

}  // namespace
}  // namespace kaimen::test

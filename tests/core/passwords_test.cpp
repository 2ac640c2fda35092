// Passwords: who gets in, who does not and how long that takes, and that guessing ends.
#include <sqlite3.h>

#include <deque>

#include "core/account_services.h"
#include "crypto/password.h"
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

// Makes SQLite's file somebody else's for a while, as a backup tool does: acts wait.
class WriteLock {
 public:
  explicit WriteLock(const std::string& file) {
    EXPECT_EQ(sqlite3_open_v2(file.c_str(), &handle_, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle_);
  }
  ~WriteLock() { sqlite3_close(handle_); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  sqlite3* handle_ = nullptr;
};

class PasswordTest : public CoreTest {
 protected:
  void SetUp() override { set("passwords", "on"); }
  core::PasswordRequest ask(const std::string& name, const std::string& password, const std::string& app_id = "wx1") {
    core::PasswordRequest request;
    request.app = services().apps.find(app_id);
    request.username = name;
    request.password = Secret(password);
    return request;
  }
  Result<core::LoginAnswer> sign_up(const std::string& name, const std::string& password = "correct horse") {
    return run_here(services().accounts->passwords.register_user(ask(name, password), &trace));
  }
  Result<core::LoginAnswer> enter(const std::string& name, const std::string& password = "correct horse", const std::string& app_id = "wx1") {
    return run_here(services().accounts->passwords.login(ask(name, password, app_id), &trace));
  }
  Result<> change(const core::LoginAnswer& who, std::optional<std::string> name, std::optional<std::string> old_password, const std::string& fresh) {
    core::PasswordChange act;
    act.app = app();
    act.user = who.user.id;
    act.session = who.session.id;
    act.username = std::move(name);
    if (old_password) act.old_password = Secret(*old_password);
    act.new_password = Secret(fresh);
    return run_here(services().accounts->passwords.change(std::move(act), &trace));
  }
  /// Whether there is one within a second: what is no password is refused without the store, once there is a place for it.
  Task<bool> find_place() {
    for (int tries = 0; tries < 500; ++tries) {
      auto refused = co_await services().accounts->passwords.register_user(ask("bo", "short"), &trace);
      if (code_of(refused) == ErrorCode::invalid_request) co_return true;
      co_await sleep_for(2ms);
    }
    co_return false;
  }
  core::Trace trace;
};

// WeChat looks at names for those who come with an openid: elsewhere a name that must be looked at first is not taken.
TEST_F(PasswordTest, ANicknameThatMustBeCheckedIsNotTakenHere) {
  set("profile_check", "enforce");
  auto named = ask("Mei", "correct horse");
  named.nickname = "harmless";
  EXPECT_EQ(code_of(run_here(services().accounts->passwords.register_user(named, &trace))), ErrorCode::invalid_request);
  EXPECT_TRUE(sign_up("Mei"));
  set("profile_check", "report");
  named = ask("Bo", "correct horse");  // of the app as it is now
  named.nickname = "harmless";
  EXPECT_TRUE(run_here(services().accounts->passwords.register_user(named, &trace)));
}

TEST_F(PasswordTest, WhoRegistersLogsInHoweverTheNameIsSpelt) {
  const auto made = sign_up("Mei").value();
  EXPECT_TRUE(made.is_new_user);
  EXPECT_EQ(check(made.tokens.token), Reason::none);
  EXPECT_EQ(made.session.openid, "");
  EXPECT_EQ(enter("ＭＥＩ").value().user.id, made.user.id);
  EXPECT_EQ(code_of(sign_up("ｍｅｉ ")), ErrorCode::conflict);
}

// Each costs 19 MiB and a good deal of a processor: whoever sends more than the app takes is refused before that, and before it is a guess.
TEST_F(PasswordTest, LoginsByPasswordCountAmongTheAppsLogins) {
  ASSERT_TRUE(sign_up("mei"));
  set("logins_per_address_per_minute", "2");
  trace.source.ip = "203.0.113.9";
  EXPECT_TRUE(enter("mei"));
  EXPECT_TRUE(sign_up("bo"));
  for (int i = 0; i < 10; ++i) {
    const auto refused = enter("mei", "wrong horse!");
    ASSERT_EQ(code_of(refused), ErrorCode::rate_limited) << i;
    EXPECT_EQ(refused.error().retry_after, Seconds(30));
  }
  EXPECT_EQ(code_of(sign_up("another")), ErrorCode::rate_limited);
  EXPECT_EQ(code_of(run_here(services().login.run(request(platform.fresh_code("o1")), &trace))), ErrorCode::rate_limited);
  trace.source.ip = "203.0.113.10";
  EXPECT_TRUE(enter("mei")) << "what was refused was no guess";
}

TEST_F(PasswordTest, WhoComesByAnEntryCodeGetsWhatItGives) {
  set("registration", "invited");
  core::NewEntryCode wanted;
  wanted.payload = R"({"device":"door 4"})";
  wanted.wants_picture = false;
  const auto door = run_here(services().entries.add(app(), wanted, &trace)).value();
  wanted.admits = core::EntryAdmits::registered;
  const auto staff = run_here(services().entries.add(app(), wanted, &trace)).value();

  auto by_door = ask("mei", "correct horse");
  by_door.came_by = {"1047 pages/index", door.code};
  const auto made = run_here(services().accounts->passwords.register_user(by_door, &trace)).value();
  EXPECT_EQ(made.entry, wanted.payload);
  EXPECT_EQ(made.session.entry, "1047 pages/index");
  auto by_staff = by_door;
  by_staff.came_by.code = staff.code;
  const auto turned_away = run_here(services().accounts->passwords.login(by_staff, &trace)).value();
  EXPECT_EQ(turned_away.entry, "");
  ASSERT_EQ(turned_away.warnings.size(), 1u);
  EXPECT_EQ(turned_away.warnings[0].part, "entry");
  EXPECT_EQ(turned_away.warnings[0].code, ErrorCode::registration_required);
  auto by_nothing = by_door;
  by_nothing.came_by.code = "somebody else's";
  EXPECT_EQ(run_here(services().accounts->passwords.login(by_nothing, &trace)).value().warnings.at(0).code, ErrorCode::not_found);

  const auto counts = run_here(services().entries.find(app(), door.code)).value().counts;
  EXPECT_EQ(counts.scans, 1);
  EXPECT_EQ(counts.new_users, 1);
  EXPECT_EQ(counts.guests, 1);
  EXPECT_EQ(run_here(services().entries.scans(app(), staff.code, {}, 10)).value().at(0).user, made.user.id);
}

TEST_F(PasswordTest, AppsOfAProjectShareAccountsAndOthersDoNot) {
  const auto made = sign_up("mei").value();
  add_app("wx2", "default", {{"passwords", "on"}});
  add_app("wx3", "other", {{"passwords", "on"}});
  EXPECT_EQ(enter("mei", "correct horse", "wx2").value().user.id, made.user.id);
  EXPECT_EQ(code_of(enter("mei", "correct horse", "wx3")), ErrorCode::unauthenticated);
}

TEST_F(PasswordTest, AnAppThatDoesNotTurnThemOnHasNone) {
  set("passwords", "off");
  EXPECT_EQ(code_of(sign_up("mei")), ErrorCode::not_found);
  EXPECT_EQ(code_of(enter("mei")), ErrorCode::not_found);
  EXPECT_EQ(code_of(change(log_in("o1"), "mei", {}, "12345678")), ErrorCode::not_found);
}

TEST_F(PasswordTest, AnUnknownNameAndAWrongPasswordHaveOneAnswer) {
  ASSERT_TRUE(sign_up("mei"));
  const auto wrong = enter("mei", "wrong horse!"), unknown = enter("nobody"), short_one = enter("mei", "x"), no_name = enter("a\nb");
  for (const auto* refused : {&wrong, &unknown, &short_one, &no_name}) {
    EXPECT_EQ(code_of(*refused), ErrorCode::unauthenticated);
    EXPECT_EQ(refused->error().detail, wrong.error().detail);
    EXPECT_EQ(reason_of(*refused), Reason::none);
  }
}

// Not by a clock, which lies on a busy machine: by what is compared.
TEST_F(PasswordTest, WhereThereIsNobodyAHashOfTheSameCostIsCompared) {
  const std::string& dummy = crypto::nobodys_hash();
  const std::string real = crypto::hash_password(Secret("correct horse"), random).value();
  EXPECT_EQ(dummy.substr(0, dummy.find("$AAAA")), real.substr(0, dummy.find("$AAAA"))) << "the same parameters";
  EXPECT_EQ(dummy.size(), real.size());
  EXPECT_EQ(crypto::is_password(dummy, Secret("anything")).value(), false) << "and it can be compared";
  EXPECT_EQ(dummy.find("$argon2id$v=19$m=19456,t=2,p=1$"), 0u);
}

TEST_F(PasswordTest, GuessingEndsAlsoForNamesNobodyHasAndOverARestart) {
  ASSERT_TRUE(sign_up("mei"));
  for (const char* name : {"mei", "nobody"}) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(enter(name, "a bad guess")), ErrorCode::unauthenticated);
    const auto refused = enter(name);
    EXPECT_EQ(code_of(refused), ErrorCode::rate_limited) << "also with the right one";
    EXPECT_EQ(refused.error().retry_after, 5s);
  }
  restart();
  EXPECT_EQ(code_of(enter("ＭＥＩ")), ErrorCode::rate_limited) << "whatever the spelling";
  clock.pass(5s);
  EXPECT_TRUE(enter("mei"));
  EXPECT_EQ(code_of(enter("mei", "a bad guess")), ErrorCode::unauthenticated) << "a success counts from nothing";
}

TEST_F(PasswordTest, GuessesAtOnceAreCountedBeforeTheyAreLookedAt) {
  ASSERT_TRUE(sign_up("mei"));
  std::function<Task<Result<core::LoginAnswer>>(int)> guess = [this](int i) {
    return services().accounts->passwords.login(ask("mei", "bad guess " + std::to_string(i)), &trace);
  };
  const auto answers = together<Result<core::LoginAnswer>>(30, guess);
  int looked_at = 0;
  for (const auto& answer : answers) looked_at += code_of(answer) == ErrorCode::unauthenticated;
  EXPECT_EQ(looked_at, 5);
}

// Those who were turned away once had a failure each, though nothing had been compared: five such, and the right password did not help.
TEST_F(PasswordTest, MoreThanCanWaitAreToldToComeBackAndHaveLostNothing) {
  set("logins_per_address_per_minute", "33");
  trace.source.ip = "203.0.113.9";
  std::function<Task<Result<core::LoginAnswer>>(int)> attempt = [this](int i) {
    return services().accounts->passwords.login(ask("name" + std::to_string(i), "some password"), &trace);
  };
  const auto answers = together<Result<core::LoginAnswer>>(200, attempt);
  int looked_at = 0;
  for (const auto& answer : answers) {
    looked_at += code_of(answer) == ErrorCode::unauthenticated;
    EXPECT_TRUE(code_of(answer) == ErrorCode::unauthenticated || answer.error().retry_after == 2s);
  }
  EXPECT_EQ(looked_at, 32);
  EXPECT_EQ(one("SELECT count(*) FROM password_failures"), "32");
  EXPECT_EQ(code_of(enter("mei")), ErrorCode::unauthenticated) << "nor a login of the address's";
  EXPECT_EQ(code_of(enter("mei")), ErrorCode::rate_limited) << "which that was";
}

// Any names and no account: three addresses had every other app's logins by password refused.
TEST(PasswordPlacesTest, OneAppsStormLeavesTheOthersTheirPlaces) {
  SystemRandom random;
  core::PasswordThread thread(random);
  std::deque<core::PasswordThread::Place> held;
  const auto take = [&](uint32_t app) {
    for (int taken = 0;; ++taken) {
      auto place = thread.enter(app);
      if (!place) return taken;
      held.push_back(std::move(place.value()));
    }
  };
  EXPECT_EQ(take(1), 32);
  EXPECT_EQ(take(2), 16);
  // Who comes first gets most, and comes down to what all have.
  for (int done = 0; done < 200; ++done) {
    held.pop_front();
    for (uint32_t app = 1; app < 8; ++app) take(app);
  }
  EXPECT_GE(take(8), 4);
  held.clear();
  EXPECT_EQ(take(8), 32);
}

// Half a minute of a store that hung was half a minute in which nobody's password was looked at.
TEST_F(PasswordTest, WhoWaitsForTheStoreHoldsNoPlace) {
  std::optional<WriteLock> lock((directory.path / "kaimen.db").string());
  LocalLoop loop;
  int recorded = 0;
  for (int i = 0; i < 32; ++i) {
    spawn<Result<core::LoginAnswer>>(services().accounts->passwords.register_user(ask("name" + std::to_string(i), "some password"), &trace), [&](auto) {
      if (++recorded == 32) loop.stop();
    });
  }
  bool found = false;
  spawn<bool>(find_place(), [&](bool place) {
    found = place && recorded == 0;
    lock.reset();
  });
  loop.run();
  EXPECT_TRUE(found);
}

TEST_F(PasswordTest, WhatIsNoNameOrNoPasswordIsNotTaken) {
  EXPECT_EQ(code_of(sign_up("")), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(sign_up("a\nb")), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(sign_up("mei", "1234567")), ErrorCode::invalid_request);
  EXPECT_EQ(one("SELECT count(*) FROM users"), "0");
}

TEST_F(PasswordTest, NothingOfAPasswordIsInTheDatabase) {
  ASSERT_TRUE(sign_up("mei", "canary password"));
  EXPECT_EQ(one("SELECT count(*) FROM passwords WHERE instr(hash, 'canary') > 0"), "0");
  EXPECT_EQ(one("SELECT substr(hash, 1, 31) FROM passwords"), "$argon2id$v=19$m=19456,t=2,p=1$");
}

TEST_F(PasswordTest, AMiniProgramsUserAddsAPassword) {
  const auto other = log_in("o1"), here = log_in("o1");
  EXPECT_EQ(code_of(change(here, std::nullopt, std::nullopt, "correct horse")), ErrorCode::invalid_request) << "a name is wanted";
  ASSERT_TRUE(change(here, "mei", std::nullopt, "correct horse"));
  EXPECT_EQ(check(here.tokens.token), Reason::none);
  EXPECT_EQ(check(other.tokens.token), Reason::revoked);
  EXPECT_EQ(enter("mei").value().user.id, here.user.id);
}

TEST_F(PasswordTest, APasswordIsChangedWithTheOldOne) {
  const auto who = sign_up("mei").value();
  EXPECT_EQ(code_of(change(who, {}, {}, "second horse")), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(change(who, {}, "a bad guess", "second horse")), ErrorCode::forbidden);
  EXPECT_EQ(code_of(change(who, "another", "correct horse", "second horse")), ErrorCode::conflict);
  ASSERT_TRUE(change(who, {}, "correct horse", "second horse"));
  EXPECT_EQ(code_of(enter("mei")), ErrorCode::unauthenticated);
  EXPECT_TRUE(enter("mei", "second horse"));
}

TEST_F(PasswordTest, TheOldPasswordCannotBeGuessedHereEither) {
  const auto who = sign_up("mei").value();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(change(who, {}, "a bad guess", "second horse")), ErrorCode::forbidden);
  EXPECT_EQ(code_of(change(who, {}, "correct horse", "second horse")), ErrorCode::rate_limited);
}

TEST_F(PasswordTest, AUserHasPasswordsHashedThirtyTimesAMinute) {
  ASSERT_TRUE(sign_up("mei"));
  const auto who = log_in("o1"), other = log_in("o2");
  for (int i = 0; i < 30; ++i) ASSERT_EQ(code_of(change(who, "mei", {}, "second horse")), ErrorCode::conflict) << i;
  const auto limited = change(who, "mei", {}, "second horse");
  EXPECT_EQ(code_of(limited), ErrorCode::rate_limited);
  EXPECT_TRUE(limited.error().retry_after);
  EXPECT_TRUE(change(other, "bo", {}, "second horse")) << "somebody else's minute";
  clock.pass(2s);
  EXPECT_TRUE(change(who, "cy", {}, "second horse"));
}

TEST_F(PasswordTest, ADisabledUserIsTold) {
  const auto who = sign_up("mei").value();
  ASSERT_TRUE(disable(who.user.id));
  const auto refused = enter("mei");
  EXPECT_EQ(code_of(refused), ErrorCode::forbidden);
  EXPECT_EQ(reason_of(refused), Reason::disabled);
}

}  // namespace
}  // namespace kaimen::test

// Mini programs as rows: what is refused, what is sealed, and what a change means for tickets at once.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class AppsTest : public CoreTest {
 protected:
  static core::NewApp new_app(const std::string& app_id) {
    core::NewApp app;
    app.app_id = app_id;
    app.secret = Secret("secret");
    return app;
  }
  Result<AppPtr> add(core::NewApp app) { return run_here(services().apps.add(std::move(app))); }
  Result<AppPtr> change(core::AppChange change, const std::string& app_id = "wx1") { return run_here(services().apps.change(app_id, std::move(change))); }
  Result<AppPtr> set_secret(const std::string& secret, Seconds overlap) { return run_here(services().apps.set_secret("wx1", Secret(secret), overlap)); }
};

TEST_F(AppsTest, AnAppIsThereAtOnceAndAfterARestart) {
  auto app = new_app("wx2");
  app.name = "Shop";
  app.project = "other";
  app.settings = {{"ticket_seconds", "600"}};
  const auto added = add(std::move(app)).value();
  restart();
  const auto again = services().apps.find("wx2");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->number, added->number);
  EXPECT_EQ(again->name, "Shop");
  EXPECT_EQ(again->project, "other");
  EXPECT_EQ(again->secret.reveal(), "secret");
  EXPECT_EQ(again->settings.ticket_seconds, 600s);
}

TEST_F(AppsTest, SecretsAreSealedInTheStore) {
  ASSERT_TRUE(set_secret("fresh-secret", 1h));
  EXPECT_EQ(one("SELECT count(*) FROM apps WHERE instr(secret_sealed, 'fresh-secret') > 0 OR instr(old_secret_sealed, 'secret-of-wx1') > 0"), "0");
  EXPECT_EQ(one("SELECT count(*) FROM apps WHERE length(secret_sealed) > 30 AND length(old_secret_sealed) > 30"), "1");
}

TEST_F(AppsTest, AnAppIsAddedOnce) { EXPECT_EQ(code_of(add(new_app("wx1"))), ErrorCode::conflict); }

TEST_F(AppsTest, AnAppsNamesAreOfPlainForm) {
  for (const std::string& id : {std::string(), std::string(65, 'a'), std::string("a b"), std::string("a/b"), std::string("a\n"), std::string("caf\xc3\xa9")}) {
    EXPECT_EQ(code_of(add(new_app(id))), ErrorCode::invalid_request) << id;
    auto app = new_app("wx2");
    app.project = id;
    EXPECT_EQ(code_of(add(std::move(app))), ErrorCode::invalid_request) << id;
  }
}

TEST_F(AppsTest, AnAppNeedsAPlatformAndAnUpstreamThatAreThere) {
  auto platform_unknown = new_app("wx2"), upstream_unknown = new_app("wx2");
  platform_unknown.platform = "friendface";
  upstream_unknown.upstream = "http://evil.example";
  EXPECT_EQ(code_of(add(std::move(platform_unknown))), ErrorCode::invalid_request);
  EXPECT_EQ(code_of(add(std::move(upstream_unknown))), ErrorCode::invalid_request);
  core::AppChange to_unknown;
  to_unknown.upstream = "http://evil.example";
  EXPECT_EQ(code_of(change(to_unknown)), ErrorCode::invalid_request);
}

TEST_F(AppsTest, ASecretIsPrintable) {
  for (const std::string& secret : {std::string(), std::string("a b"), std::string("a\n"), std::string(257, 'a')}) {
    auto app = new_app("wx2");
    app.secret = Secret(secret);
    EXPECT_EQ(code_of(add(std::move(app))), ErrorCode::invalid_request);
    EXPECT_EQ(code_of(set_secret(secret, 0s)), ErrorCode::invalid_request);
  }
}

TEST_F(AppsTest, AllThatIsWrongWithSettingsIsNamedAtOnce) {
  auto app = new_app("wx2");
  app.settings = {{"ticket_seconds", "59"}, {"idle_seconds", "soon"}, {"absolute_seconds", "300.5"}, {"max_per_user", "-1"}, {"expose_openid", "yes"}, {"colour", "red"}};
  const auto refused = add(std::move(app));
  EXPECT_EQ(code_of(refused), ErrorCode::invalid_request);
  for (const auto* name : {"ticket_seconds", "idle_seconds", "absolute_seconds", "max_per_user", "expose_openid", "colour"}) {
    EXPECT_NE(refused.error().detail.find(name), std::string::npos) << name;
  }
  EXPECT_FALSE(services().apps.find("wx2"));
}

TEST_F(AppsTest, SettingsHaveTheirExtremes) {
  struct Range {
    const char* name;
    int64_t low, high;
  };
  for (const auto& [name, low, high] : {Range{"ticket_seconds", 60, 86400}, Range{"idle_seconds", 300, 365 * 86400}, Range{"absolute_seconds", 300, 3650LL * 86400}, Range{"max_per_user", 0, 1000}}) {
    for (const auto& [value, good] : {std::pair{std::to_string(low), true}, {std::to_string(high), true}, {std::to_string(low - 1), false}, {std::to_string(high + 1), false},
                                      {std::string("9223372036854775807"), false}, {std::string("9223372036854775808"), false}, {std::string("-9223372036854775808"), false},
                                      {std::string("1e3"), false}, {std::string(" 300"), false}, {std::string("+300"), false}, {std::string("0x200"), false}}) {
      EXPECT_EQ(core::AppSettings::parse({{name, value}}, {}).has_value(), good) << name << "=" << value;
    }
  }
}

TEST_F(AppsTest, ADefaultNicknameIsPlainText) {
  EXPECT_TRUE(core::AppSettings::parse({{"default_nickname", "guest"}}, {}));
  for (const std::string& text : {std::string(65, 'a'), std::string("\xff"), std::string("a\nb")}) {
    EXPECT_EQ(code_of(core::AppSettings::parse({{"default_nickname", text}}, {})), ErrorCode::invalid_request);
  }
}

TEST_F(AppsTest, AChangeMergesSettingsAndAnEmptyOneTakesTheDefaultAgain) {
  set("ticket_seconds", "600");
  set("max_per_user", "3");
  EXPECT_EQ(app()->settings.ticket_seconds, 600s);
  EXPECT_EQ(app()->settings.max_per_user, 3);
  set("ticket_seconds", "");
  EXPECT_EQ(app()->settings.ticket_seconds, 7200s);
  EXPECT_EQ(app()->settings.max_per_user, 3);
}

TEST_F(AppsTest, AChangeThatIsRefusedChangesNothing) {
  core::AppChange wrong;
  wrong.name = "Fresh";
  wrong.settings = std::map<std::string, std::string>{{"ticket_seconds", "1"}};
  EXPECT_EQ(code_of(change(wrong)), ErrorCode::invalid_request);
  EXPECT_EQ(app()->name, "");
}

TEST_F(AppsTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(code_of(change({}, "wx9")), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(services().apps.set_secret("wx9", Secret("s"), 0s))), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_here(services().apps.remove("wx9"))), ErrorCode::not_found);
}

TEST_F(AppsTest, TheOldSecretOverlaps) {
  const auto changed = set_secret("fresh", 1h).value();
  EXPECT_EQ(changed->secret.reveal(), "fresh");
  ASSERT_TRUE(changed->old_secret);
  EXPECT_EQ(changed->old_secret->reveal(), "secret-of-wx1");
  EXPECT_EQ(changed->old_secret_until, clock.now() + 1h);
}

// A rotation that was repeated, because its answer was lost, made the new secret the old one, and WeChat's was gone.
TEST_F(AppsTest, TheSameRotationAgainKeepsTheOldSecret) {
  ASSERT_TRUE(set_secret("fresh", 1h));
  clock.pass(1min);
  const auto again = set_secret("fresh", 1h).value();
  EXPECT_EQ(again->secret.reveal(), "fresh");
  ASSERT_TRUE(again->old_secret);
  EXPECT_EQ(again->old_secret->reveal(), "secret-of-wx1");
  EXPECT_EQ(again->old_secret_until, clock.now() + 1h);
  EXPECT_FALSE(set_secret("fresh", 0s).value()->old_secret);
  EXPECT_FALSE(set_secret("fresh", 1h).value()->old_secret) << "there is none to keep";
}

TEST_F(AppsTest, WithoutOverlapTheOldSecretIsGone) {
  ASSERT_TRUE(set_secret("second", 1h));
  EXPECT_FALSE(set_secret("third", 0s).value()->old_secret);
  EXPECT_EQ(one("SELECT length(old_secret_sealed) FROM apps"), "0");
}

TEST_F(AppsTest, ARemovedAppIsGoneAndItsNumberIsNotGivenAgain) {
  const uint32_t number = app()->number;
  ASSERT_TRUE(run_here(services().apps.remove("wx1")));
  EXPECT_FALSE(app());
  EXPECT_EQ(one("SELECT count(*) FROM apps WHERE length(secret_sealed) > 0"), "0");
  core::AppRow row;
  row.app_id = "wx9";
  row.number = number;
  row.project = "default";
  EXPECT_EQ(code_of(run_here(store().add_app(row))), ErrorCode::conflict);
  EXPECT_NE(add(new_app("wx1")).value()->number, number);
}

TEST_F(AppsTest, AppsAreListedById) {
  add_app("wx3");
  add_app("wx2");
  std::vector<std::string> ids;
  for (const auto& each : services().apps.list()) ids.push_back(each->app_id);
  EXPECT_EQ(ids, (std::vector<std::string>{"wx1", "wx2", "wx3"}));
}

// What one administrator ends must not come back in memory because another one's reading began before it.
TEST_F(AppsTest, ChangesAtTheSameTimeAllHold) {
  // Each begins with the row as it is now; all but the first find it changed.
  LocalLoop loop;
  int left = 4;
  using Settings = std::map<std::string, std::string>;
  const Settings settings{{"ticket_seconds", "600"}, {"idle_seconds", "1200"}, {"absolute_seconds", "9000"}, {"max_per_user", "3"}};
  for (const auto& setting : settings) {
    core::AppChange one;
    one.settings = Settings{setting};
    spawn<Result<core::AppPtr>>(services().apps.change("wx1", std::move(one)), [&](const Result<core::AppPtr>& changed) {
      EXPECT_TRUE(changed);
      if (--left == 0) loop.stop();
    });
  }
  loop.run();
  EXPECT_EQ(services().apps.find("wx1")->setting_values.size(), 4U);
}

TEST_F(AppsTest, AnEndHoldsWhileOthersReadTheApps) {
  const auto answer = log_in("o1");
  LocalLoop slow;  // takes its answer from the store only when it is run
  spawn<Result<>>(services().apps.load(), [&](const Result<>& done) {
    EXPECT_TRUE(done);
    slow.stop();
  });
  core::AppChange end;
  end.revoke_sessions = true;
  ASSERT_TRUE(change(std::move(end)));
  ASSERT_EQ(check(answer.tokens.token), Reason::revoked);
  slow.run();
  EXPECT_EQ(check(answer.tokens.token), Reason::revoked);
}

}  // namespace
}  // namespace kaimen::test

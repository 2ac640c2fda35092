// The configuration: three sources in their order, every problem at once and with its place, and printing that can be read back.
#include "app/config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>

#include "app/config_checks.h"
#include "app/store_url.h"
#include "tests/app/temporary_directory.h"

namespace kaimen::app {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override { sources_.default_file = false; }

  void file(const std::string& text) {
    sources_.file = directory_.path() + "/kaimen.toml";
    std::ofstream(*sources_.file) << text;
  }
  void environment(const std::string& name, const std::string& value) { sources_.environment.emplace_back(name, value); }

  Config loaded() {
    auto config = load_config(sources_);
    if (config) return config.value();
    for (const auto& error : config.error().errors) ADD_FAILURE() << error;
    return {};
  }
  std::vector<std::string> problems() {
    const auto config = load_config(sources_);
    return config ? std::vector<std::string>{} : config.error().errors;
  }
  /// The one problem there is.
  std::string problem() {
    const auto all = problems();
    EXPECT_EQ(all.size(), 1U) << testing::PrintToString(all);
    return all.empty() ? "" : all.front();
  }
  static bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  TemporaryDirectory directory_;
  ConfigSources sources_;
};

TEST_F(ConfigTest, DefaultsAreThoseOfTheContract) {
  const Config config = loaded();
  EXPECT_EQ(config.public_listen, "0.0.0.0:8080");
  EXPECT_EQ(config.private_listen, "127.0.0.1:8081");
  EXPECT_EQ(config.data_directory, "/var/lib/kaimen");
  EXPECT_EQ(config.database_path(), "/var/lib/kaimen/kaimen.db");
  EXPECT_EQ(config.session_ticket_seconds, 7200);
  EXPECT_EQ(config.session_max_per_user, 20);
  EXPECT_EQ(config.upstreams.at("wechat").base_url, "https://api.weixin.qq.com");
}

TEST_F(ConfigTest, EnvironmentOverridesFileAndFlagsOverrideBoth) {
  file("threads = 3\n[public]\nlisten = \"127.0.0.1:1\"\n[private]\nlisten = \"127.0.0.1:2\"\n");
  environment("KAIMEN_PUBLIC_LISTEN", "127.0.0.1:11");
  environment("KAIMEN_PRIVATE_LISTEN", "127.0.0.1:12");
  sources_.flags = {{"--private", "private.listen", "127.0.0.1:22"}};
  const Config config = loaded();
  EXPECT_EQ(config.threads, 3);
  EXPECT_EQ(config.public_listen, "127.0.0.1:11");
  EXPECT_EQ(config.private_listen, "127.0.0.1:22");
}

TEST_F(ConfigTest, ListsInTheEnvironmentAreSeparatedByCommas) {
  environment("KAIMEN_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,unix");
  EXPECT_EQ(loaded().trusted_proxies, (std::vector<std::string>{"10.0.0.0/8", "192.0.2.1", "unix"}));
}

TEST_F(ConfigTest, UpstreamsAreNamedInTheEnvironmentToo) {
  environment("KAIMEN_UPSTREAMS_TEST_LAB_BASE_URL", "http://127.0.0.1:8082");
  environment("KAIMEN_UPSTREAMS_WECHAT_PROXY", "http://proxy.example:3128");
  const Config config = loaded();
  EXPECT_EQ(config.upstreams.at("test_lab").base_url, "http://127.0.0.1:8082");
  EXPECT_EQ(config.upstreams.at("wechat").base_url, "https://api.weixin.qq.com");
  EXPECT_EQ(config.upstreams.at("wechat").proxy, "http://proxy.example:3128");
}

TEST_F(ConfigTest, AllProblemsAreReportedAtOnceEachWithItsPlace) {
  file("thread = 1\n[public]\nlisten = \"nowhere\"\n[session]\nticket_seconds = \"long\"\n[log]\nlevel = \"loud\"\n");
  environment("KAIMEN_PUBLIC_LISTENER", "127.0.0.1:1");
  environment("KAIMEN_SESSION_IDLE_SECONDS", "1");
  sources_.flags = {{"--private", "private.listen", "8081"}};
  const auto all = problems();
  EXPECT_EQ(all.size(), 7U) << testing::PrintToString(all);
  const std::string text = testing::PrintToString(all), at = *sources_.file;
  EXPECT_TRUE(contains(text, at + " line 1: thread: there is no such key")) << text;
  EXPECT_TRUE(contains(text, at + " line 3: public.listen: 'nowhere'")) << text;
  EXPECT_TRUE(contains(text, at + " line 5: session.ticket_seconds: must be a whole number")) << text;
  EXPECT_TRUE(contains(text, at + " line 7: log.level: must be debug")) << text;
  EXPECT_TRUE(contains(text, "environment: KAIMEN_PUBLIC_LISTENER: there is no such key")) << text;
  EXPECT_TRUE(contains(text, "environment: KAIMEN_SESSION_IDLE_SECONDS: ")) << text;
  EXPECT_TRUE(contains(text, "--private (private.listen): '8081' is not ADDRESS:PORT")) << text;
}

// ---- a database server ----

TEST_F(ConfigTest, AServersUrlIsTakenFromEverySource) {
  for (const std::string scheme : {"postgres://", "postgresql://", "mysql://", "mariadb://"}) {
    sources_.environment = {{"KAIMEN_STORE_URL", scheme + "kaimen@db.example:1234/kaimen"}};
    const Config config = loaded();
    EXPECT_EQ(config.store_url, scheme + "kaimen@db.example:1234/kaimen");
    EXPECT_EQ(config.database_path(), "");
    EXPECT_EQ(config.data_directory, "/var/lib/kaimen") << "for the lock and the admin socket";
    EXPECT_EQ(config.master_key_file, "/var/lib/kaimen/master.key");
  }
  EXPECT_EQ(loaded().store_connections, 4);
  EXPECT_EQ(loaded().store_revocation_poll_ms, 250);
  EXPECT_EQ(loaded().store_revocation_grace_seconds, 300);
}

TEST_F(ConfigTest, AUrlThatItsEngineDoesNotUnderstandIsAProblem) {
  for (const std::string url : {"postgres://kaimen@db.example:port/kaimen", "postgres://db.example/kaimen?nonsense=1", "mysql://db.example/kaimen",
                                "mysql://kaimen@db.example", "mysql://kaimen@db.example/kaimen?nonsense=1"}) {
    sources_.environment = {{"KAIMEN_STORE_URL", url}};
    EXPECT_TRUE(contains(problem(), "environment: KAIMEN_STORE_URL: ")) << url;
  }
  sources_.environment = {{"KAIMEN_STORE_URL", "postgres:///kaimen?host=/run/postgresql"}};
  EXPECT_TRUE(problems().empty());
}

TEST_F(ConfigTest, NothingOfAPasswordStandsInAProblem) {
  for (const std::string password : {"se/cret", "se@cret", "se cret", "se#cret", "se?cret"}) {
    sources_.environment = {{"KAIMEN_STORE_URL", "postgres://kaimen:" + password + "@db.example/kaimen"}};
    const std::string text = problem();
    EXPECT_TRUE(contains(text, "must be percent-encoded")) << text;
    EXPECT_FALSE(contains(text, "cret")) << text;
  }
  sources_.environment = {{"KAIMEN_STORE_URL", "postgress://kaimen:secret@db.example/kaimen"}};
  EXPECT_FALSE(contains(problem(), "secret"));
}

TEST_F(ConfigTest, ThePasswordIsNotPrinted) {
  const std::pair<const char*, const char*> urls[] = {
      {"postgres://kaimen:s3cret@db.example:5432/kaimen", "postgres://kaimen@db.example:5432/kaimen"},
      {"mysql://kaimen:s3cret@db.example/kaimen?tls=verify", "mysql://kaimen@db.example/kaimen?tls=verify"},
      {"postgres://db.example/kaimen?user=kaimen&password=s3cret", "postgres://db.example/kaimen?user=kaimen"},
      {"postgres://db.example/kaimen?password=s3cret&sslmode=require&sslpassword=s3cret", "postgres://db.example/kaimen?sslmode=require"},
      {"postgres://db.example/kaimen?password=s3cret", "postgres://db.example/kaimen"},
  };
  for (const auto& [url, shown] : urls) {
    sources_.environment = {{"KAIMEN_STORE_URL", url}};
    const std::string text = config_as_toml(loaded());
    EXPECT_FALSE(contains(text, "s3cret")) << text;
    EXPECT_TRUE(contains(text, std::string("url = \"") + shown + "\"  # its password is not shown\n")) << text;
  }
  EXPECT_EQ(without_password("postgres://kaimen@db.example:5432/kaimen"), "postgres://kaimen@db.example:5432/kaimen");
  EXPECT_EQ(without_password("postgres://[::1]:5432/kaimen"), "postgres://[::1]:5432/kaimen");
  EXPECT_EQ(without_password("postgres://kaimen:a:b@c/d@db/kaimen"), "postgres://kaimen@db/kaimen") << "rather too much";
}

TEST_F(ConfigTest, ThePasswordMayStandInAFile) {
  const std::string path = directory_.path() + "/password";
  std::ofstream(path) << "p@ss:w/rd%\n";
  ::chmod(path.c_str(), 0600);
  environment("KAIMEN_STORE_URL", "postgres://kaimen@db.example/kaimen");
  environment("KAIMEN_STORE_PASSWORD_FILE", path);
  const Config config = loaded();
  EXPECT_EQ(url_to_connect(config).value().reveal(), "postgres://kaimen:p%40ss%3Aw%2Frd%25@db.example/kaimen");
  ::chmod(path.c_str(), 0640);
  EXPECT_TRUE(contains(url_to_connect(config).error().errors.front(), "wider than 0600"));
  ::chmod(path.c_str(), 0600);
  std::ofstream(path) << "\n";
  EXPECT_TRUE(contains(url_to_connect(config).error().errors.front(), "empty"));
}

TEST_F(ConfigTest, OnePasswordIsEnough) {
  environment("KAIMEN_STORE_URL", "postgres://kaimen:secret@db.example/kaimen");
  environment("KAIMEN_STORE_PASSWORD_FILE", "/nowhere");
  EXPECT_TRUE(contains(problem(), "store.url has a password already"));
}

TEST_F(ConfigTest, ASqliteFileHasNoPassword) {
  environment("KAIMEN_STORE_PASSWORD_FILE", "/nowhere");
  EXPECT_TRUE(contains(problem(), "a SQLite file has no password"));
}

TEST_F(ConfigTest, NumbersOfTheStoreHaveTheirLimits) {
  const std::tuple<const char*, int64_t, int64_t> ranges[] = {
      {"KAIMEN_STORE_CONNECTIONS", 1, 64}, {"KAIMEN_STORE_REVOCATION_POLL_MS", 50, 500}, {"KAIMEN_STORE_REVOCATION_GRACE_SECONDS", 5, 86'400}};
  for (const auto& [name, least, most] : ranges) {
    for (const int64_t good : {least, most}) {
      sources_.environment = {{name, std::to_string(good)}};
      EXPECT_TRUE(problems().empty()) << name << ' ' << good;
    }
    for (const int64_t bad : {least - 1, most + 1}) {
      sources_.environment = {{name, std::to_string(bad)}};
      EXPECT_TRUE(contains(problem(), "must be " + std::to_string(least) + " to ")) << name << ' ' << bad;
    }
  }
}

TEST_F(ConfigTest, TheStateFileHasAnAbsolutePathAndItsAppsAFile) {
  environment("KAIMEN_CHECK_STATE_FILE", "run/check");
  EXPECT_TRUE(contains(problem(), "must be an absolute path"));
  sources_.environment = {{"KAIMEN_CHECK_APPS", "wx1"}};
  EXPECT_TRUE(contains(problem(), "set without check.state_file"));
  sources_.environment = {{"KAIMEN_CHECK_REVOCATIONS", "999"}};
  EXPECT_TRUE(contains(problem(), "must be 1000 to 10000000"));
  sources_.environment = {{"KAIMEN_CHECK_STATE_FILE", "/run/kaimen/check"}, {"KAIMEN_CHECK_APPS", "wx1"}};
  EXPECT_TRUE(problems().empty());
}

TEST_F(ConfigTest, ConfigurationProblemsExitWithTwo) {
  environment("KAIMEN_THREADS", "many");
  const auto config = load_config(sources_);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().exit_code, kExitUsage);
  EXPECT_FALSE(config.error().hint.empty());
}

TEST_F(ConfigTest, AnUnknownSectionIsAnErrorEvenWhenEmpty) {
  file("[pubic]\n");
  EXPECT_TRUE(contains(problem(), "line 1: pubic"));
}

TEST_F(ConfigTest, AnUnknownMemberOfAnUpstreamIsAnError) {
  file("[upstreams.wechat]\nbase_ulr = \"https://api.weixin.qq.com\"\n");
  EXPECT_TRUE(contains(problem(), "line 2: upstreams.wechat.base_ulr: there is no such key"));
}

TEST_F(ConfigTest, AFileThatIsNotTomlNamesTheLine) {
  file("threads = 1\n[public\n");
  EXPECT_TRUE(contains(problem(), "kaimen.toml line 2: "));
}

TEST_F(ConfigTest, AFileThatIsNotThereIsAnError) {
  sources_.file = directory_.path() + "/none.toml";
  EXPECT_TRUE(contains(problem(), "none.toml"));
}

TEST_F(ConfigTest, PrivateListenerBeyondLoopbackNeedsTls) {
  environment("KAIMEN_PRIVATE_LISTEN", "0.0.0.0:8081");
  EXPECT_TRUE(contains(problem(), "environment: KAIMEN_PRIVATE_LISTEN: '0.0.0.0:8081' is reachable from other machines"));
}

TEST_F(ConfigTest, PrivateListenerBeyondLoopbackIsAllowedWithNamedNetworks) {
  environment("KAIMEN_PRIVATE_LISTEN", "10.0.0.5:8081");
  environment("KAIMEN_PRIVATE_PLAINTEXT_FROM", "10.0.0.0/24");
  EXPECT_TRUE(problems().empty());
}

TEST_F(ConfigTest, PlaintextUpstreamsAreForLoopbackOnly) {
  environment("KAIMEN_UPSTREAMS_WECHAT_BASE_URL", "http://api.weixin.qq.com");
  EXPECT_TRUE(contains(problem(), "KAIMEN_UPSTREAMS_WECHAT_BASE_URL: http:// is for loopback"));
}

TEST_F(ConfigTest, AnUpstreamWithoutAddressIsAnError) {
  environment("KAIMEN_UPSTREAMS_OTHER_PROXY", "http://127.0.0.1:3128");
  EXPECT_TRUE(contains(problem(), "upstreams.other.base_url: missing"));
}

TEST_F(ConfigTest, ARelativeDatabasePathIsAnError) {
  environment("KAIMEN_STORE_URL", "sqlite://kaimen.db");
  EXPECT_TRUE(contains(problem(), "absolute path"));
}

TEST_F(ConfigTest, ACertificateWithoutItsKeyIsAnError) {
  environment("KAIMEN_PUBLIC_TLS_CERTIFICATE", "/etc/kaimen/cert.pem");
  EXPECT_TRUE(contains(problem(), "set without public.tls_key"));
}

TEST_F(ConfigTest, TwoListenersOnOnePortAreAnError) {
  environment("KAIMEN_PRIVATE_LISTEN", "127.0.0.1:8080");
  EXPECT_TRUE(contains(problem(), "same port"));
}

TEST_F(ConfigTest, HeaderNamesWithUnderscoresAreRefused) {
  environment("KAIMEN_SESSION_TICKET_HEADERS", "X_Session");
  EXPECT_TRUE(contains(problem(), "X_Session"));
}

TEST_F(ConfigTest, DataDirectoryNamesStoreAndKeyUnlessTheStoreIsNamed) {
  sources_.data = directory_.path();
  EXPECT_EQ(loaded().database_path(), directory_.path() + "/kaimen.db");
  EXPECT_EQ(loaded().master_key_file, directory_.path() + "/master.key");
  environment("KAIMEN_STORE_URL", "sqlite:///elsewhere/users.db");
  EXPECT_EQ(loaded().database_path(), "/elsewhere/users.db");
  EXPECT_EQ(loaded().data_directory, directory_.path());
}

TEST_F(ConfigTest, APathTooLongForTheAdminSocketIsAnError) {
  sources_.data = "/" + std::string(100, 'd');
  EXPECT_TRUE(contains(problem(), "too long"));
}

TEST_F(ConfigTest, PrintedConfigurationReadsBackAsItself) {
  file("threads = 2\ntrusted_proxies = [\"10.0.0.0/8\"]\n[session]\nticket_headers = [\"X-Session\"]\n"
       "[upstreams.lab]\nbase_url = \"http://127.0.0.1:9\"\n[public]\nurl = \"https://login.example.cn\"\n");
  const std::string printed = config_as_toml(loaded());
  file(printed);
  EXPECT_EQ(config_as_toml(loaded()), printed);
}

TEST_F(ConfigTest, PrintedConfigurationNeverShowsTheMasterKey) {
  const std::string key = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
  environment("KAIMEN_MASTER_KEY", key);
  const std::string printed = config_as_toml(loaded());
  EXPECT_FALSE(contains(printed, key));
  EXPECT_TRUE(contains(printed, "KAIMEN_MASTER_KEY=********"));
}

TEST_F(ConfigTest, TheSandboxSecretIsNoConfiguration) {
  environment("KAIMEN_SANDBOX_SECRET", "0123456789abcdef");
  EXPECT_TRUE(problems().empty());
}

TEST(ListenAddressTest, TakesAddressesApart) {
  ASSERT_TRUE(parse_listen("[::1]:0"));
  EXPECT_TRUE(parse_listen("[::1]:0")->is_loopback());
  EXPECT_TRUE(parse_listen("127.9.9.9:65535")->is_loopback());
  EXPECT_FALSE(parse_listen("10.0.0.1:80")->is_loopback());
  EXPECT_TRUE(parse_listen("[::]:80")->is_any());
}

class BadListenAddressTest : public testing::TestWithParam<const char*> {};
TEST_P(BadListenAddressTest, IsRefused) { EXPECT_FALSE(parse_listen(GetParam())) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(All, BadListenAddressTest,
                         testing::Values("", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
                                         "::1:80", "[127.0.0.1]:80", "127.1:80"));

}  // namespace
}  // namespace kaimen::app

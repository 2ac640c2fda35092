// What `kaimen check` learns of a real server. The servers of the contract tests are set to be fast, not durable: that must be seen.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "store/mysql_url.h"
#include "store/open.h"
#include "store/probe.h"
#include "tests/servers/urls.h"

namespace kaimen::store {

namespace {

using servers::Database;
using State = Probe::State;

Result<std::vector<Probe>> look(const std::string& url) {
  const SystemClock clock;
  TRY(auto engine, open_engine(url, clock));
  return engine->probe();
}

/// The state of the one that says so; a test fails where there is none.
State state_of(const std::vector<Probe>& probes, const std::string& words) {
  const auto found = std::ranges::find_if(probes, [&](const Probe& probe) { return probe.what.find(words) != std::string::npos; });
  if (found != probes.end()) {
    EXPECT_EQ(found->hint.empty(), found->state == State::good) << found->what;
    return found->state;
  }
  std::string all;
  for (const Probe& probe : probes) all += probe.what + "\n";
  ADD_FAILURE() << "nothing says \"" << words << "\":\n" << all;
  return State::good;
}
bool says(const std::vector<Probe>& probes, const std::string& words) {
  return std::ranges::any_of(probes, [&](const Probe& probe) { return probe.what.find(words) != std::string::npos; });
}

void make_schema(const std::string& url, Dialect dialect) {
  const SystemClock clock;
  SystemRandom random;
  auto engine = open_engine(url, clock).value();
  const auto made = migrate(*engine, dialect, random);
  ASSERT_TRUE(made) << made.error().detail;
}

/// A user of its own while this lives; in the URL instead of the one there.
class User {
 public:
  User(servers::Engine engine, const Database& database) : engine_(engine), admin_(database.url()) {
    SystemRandom random;
    name_ = "probe_" + Id::make(SystemClock().now(), random).value().hex().substr(0, 20);
    const size_t begin = admin_.find("://") + 3;
    url_ = admin_.substr(0, begin) + name_ + ":probe" + admin_.substr(admin_.find('@', begin));
    if (engine_ == servers::Engine::postgres) {
      run("CREATE ROLE \"" + name_ + "\" LOGIN PASSWORD 'probe'");
    } else {
      run("CREATE USER '" + name_ + "'@'127.0.0.1' IDENTIFIED BY 'probe'");
    }
  }
  ~User() {
    if (engine_ == servers::Engine::postgres) {
      run("DROP OWNED BY \"" + name_ + "\"");
      run("DROP ROLE \"" + name_ + "\"");
    } else {
      run("DROP USER '" + name_ + "'@'127.0.0.1'");
    }
  }
  User(const User&) = delete;
  User& operator=(const User&) = delete;
  /// "GRANT SELECT ON x TO " and the user.
  void run_for(const std::string& sql) {
    run(sql + (engine_ == servers::Engine::postgres ? "\"" + name_ + "\"" : "'" + name_ + "'@'127.0.0.1'"));
  }
  const std::string& url() const { return url_; }

 private:
  void run(const std::string& sql) { servers::execute(engine_, admin_, sql); }
  const servers::Engine engine_;
  const std::string admin_;
  std::string name_, url_;
};

std::string with_option(const std::string& url, const std::string& option) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + option;
}

}  // namespace

TEST(PostgresProbe, SeesAServerThatMayLoseWhatItAcknowledged) {
  const Database database(servers::Engine::postgres);
  make_schema(database.url(), Dialect::postgres);
  const auto probes = look(database.url()).value();
  EXPECT_EQ(state_of(probes, "takes writes"), State::good);
  EXPECT_EQ(state_of(probes, "fsync is off"), State::doubtful);
  EXPECT_EQ(state_of(probes, "synchronous_commit is off"), State::doubtful);
  EXPECT_EQ(state_of(probes, "transactions are isolated"), State::good);
  EXPECT_EQ(state_of(probes, "privileges it needs"), State::good);
  const auto durable = look(with_option(database.url(), "options=-c%20synchronous_commit%3Don")).value();
  EXPECT_FALSE(says(durable, "synchronous_commit is off"));
}

TEST(PostgresProbe, LeavesNothingBehind) {
  const Database database(servers::Engine::postgres);
  EXPECT_TRUE(look(database.url()));
  const auto left = servers::execute(servers::Engine::postgres, database.url(), "SELECT relname FROM pg_class WHERE relname LIKE 'kaimen%'");
  EXPECT_TRUE(left.empty());
}

TEST(PostgresProbe, SeesAServerThatOnlyReads) {
  const Database database(servers::Engine::postgres);
  const auto probes = look(with_option(database.url(), "options=-c%20default_transaction_read_only%3Don")).value();
  ASSERT_EQ(probes.size(), 1U);
  EXPECT_EQ(state_of(probes, "only reads"), State::bad);
}

TEST(PostgresProbe, TriesEveryPrivilege) {
  const Database database(servers::Engine::postgres);
  make_schema(database.url(), Dialect::postgres);
  User user(servers::Engine::postgres, database);
  EXPECT_EQ(state_of(look(user.url()).value(), "a privilege is missing"), State::bad);
  user.run_for("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ");
  const auto writer = look(user.url()).value();
  EXPECT_FALSE(says(writer, "a privilege is missing"));
  EXPECT_EQ(state_of(writer, "cannot migrate"), State::doubtful);
  user.run_for("GRANT CREATE ON SCHEMA public TO ");
  EXPECT_EQ(state_of(look(user.url()).value(), "privileges it needs"), State::good);
  user.run_for("REVOKE DELETE ON events FROM ");
  EXPECT_EQ(state_of(look(user.url()).value(), "a privilege is missing"), State::bad);
}

TEST(PostgresProbe, FailsWhereNobodyAnswers) {
  const auto probes = look("postgres://a:b@127.0.0.1:1/c");
  ASSERT_FALSE(probes);
  EXPECT_EQ(probes.error().code, ErrorCode::unavailable);
}

TEST(MysqlProbe, SeesAServerThatMayLoseWhatItAcknowledged) {
  const Database database(servers::Engine::mysql);
  make_schema(database.url(), Dialect::mysql);
  const auto probes = look(database.url()).value();
  EXPECT_EQ(state_of(probes, "takes writes"), State::good);
  EXPECT_EQ(state_of(probes, "innodb_flush_log_at_trx_commit is 2"), State::doubtful);
  EXPECT_EQ(state_of(probes, "transactions are isolated"), State::good);
  EXPECT_EQ(state_of(probes, "privileges it needs"), State::good);
  EXPECT_FALSE(says(probes, "Galera"));
}

TEST(MysqlProbe, TriesEveryPrivilege) {
  const Database database(servers::Engine::mysql);
  make_schema(database.url(), Dialect::mysql);
  const std::string name = '`' + parse_mysql_url(database.url()).value().database + '`';
  User user(servers::Engine::mysql, database);
  user.run_for("GRANT SELECT, INSERT, UPDATE, DELETE ON " + name + ".* TO ");
  const auto writer = look(user.url()).value();
  EXPECT_FALSE(says(writer, "a privilege is missing"));
  EXPECT_EQ(state_of(writer, "cannot migrate"), State::doubtful);
  user.run_for("GRANT CREATE ON " + name + ".* TO ");
  EXPECT_EQ(state_of(look(user.url()).value(), "cannot migrate"), State::doubtful);  // there are views, too
  user.run_for("GRANT CREATE VIEW ON " + name + ".* TO ");
  EXPECT_EQ(state_of(look(user.url()).value(), "privileges it needs"), State::good);
  user.run_for("REVOKE UPDATE ON " + name + ".* FROM ");
  EXPECT_EQ(state_of(look(user.url()).value(), "a privilege is missing"), State::bad);
}

TEST(MysqlReadOnlyServerProbe, SeesAServerThatOnlyReads) {
  const Database database(servers::Engine::mysql);
  User user(servers::Engine::mysql, database);
  user.run_for("GRANT ALL ON `" + parse_mysql_url(database.url()).value().database + "`.* TO ");
  servers::execute(servers::Engine::mysql, database.url(), "SET GLOBAL read_only = ON");
  const auto probes = look(user.url());
  servers::execute(servers::Engine::mysql, database.url(), "SET GLOBAL read_only = OFF");
  ASSERT_TRUE(probes) << probes.error().detail;
  ASSERT_EQ(probes.value().size(), 1U);
  EXPECT_EQ(state_of(probes.value(), "only reads"), State::bad);
}

}  // namespace kaimen::store

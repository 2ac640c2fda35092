// What `kaimen check` says of the store. What a database server itself is asked is the contract tests' (probe_test.cpp).
#include "app/check_store.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/app/temporary_directory.h"
#include "tests/servers/urls.h"

namespace kaimen::app {

namespace {

using State = Finding::State;

/// This machine's clock, set wrong.
class WrongClock final : public Clock {
 public:
  explicit WrongClock(Seconds ahead) : ahead_(ahead) {}
  Time now() const override { return SystemClock().now() + ahead_; }

 private:
  const Seconds ahead_;
};

Config config_of(const std::string& url) {
  Config config;
  config.store_url = url;
  return config;
}

const Finding* finding(const std::vector<Finding>& findings, const std::string& words) {
  const auto found = std::ranges::find_if(findings, [&](const Finding& one) { return one.what.find(words) != std::string::npos; });
  return found == findings.end() ? nullptr : &*found;
}

}  // namespace

TEST(CheckStore, SaysThatAFileIsNotThereYet) {
  const TemporaryDirectory directory;
  const auto findings = check_store(config_of("sqlite://" + directory.path() + "/kaimen.db"), SystemClock());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].state, State::warn);
  EXPECT_NE(findings[0].what.find("not there yet"), std::string::npos);
}

TEST(CheckStore, SaysThatNobodyAnswersAndNoPassword) {
  const auto findings = check_store(config_of("postgres://kaimen:hidden@127.0.0.1:1/kaimen"), SystemClock());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].state, State::fail);
  EXPECT_EQ(findings[0].what.find("hidden"), std::string::npos);
  EXPECT_FALSE(findings[0].hint.empty());
}

TEST(CheckStorePostgres, SeesClocksThatDiffer) {
  const servers::Database database(servers::Engine::postgres);
  const auto state_at = [&](Seconds ahead) {
    const auto findings = check_store(config_of(database.url()), WrongClock(ahead));
    const auto* clock = finding(findings, "the database's clock");
    EXPECT_TRUE(clock);
    return clock ? clock->what : "";
  };
  EXPECT_EQ(state_at(Seconds{0}), "the database's clock is this machine's");
  EXPECT_EQ(state_at(Seconds{20}), "the database's clock is this machine's");
  EXPECT_EQ(state_at(Seconds{40}), "the database's clock is 40 s behind this machine's");
  EXPECT_EQ(state_at(Seconds{-40}), "the database's clock is 40 s ahead of this machine's");
}

TEST(CheckStorePostgres, SaysWhatTheSchemaLacks) {
  const servers::Database database(servers::Engine::postgres);
  const auto findings = check_store(config_of(database.url()), SystemClock());
  const auto* schema = finding(findings, "no tables of Kaimen yet");
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->state, State::warn);
}

TEST(CheckStoreMysql, LooksAtServerClockAndSchema) {
  const servers::Database database(servers::Engine::mysql);
  const auto findings = check_store(config_of(database.url()), SystemClock());
  for (const char* words : {"takes writes", "the database's clock", "no tables of Kaimen yet"}) EXPECT_TRUE(finding(findings, words)) << words;
}

}  // namespace kaimen::app

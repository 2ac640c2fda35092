// What a node knows reaches the readers of its state file before the act that brought it is answered.
#include "core/publication.h"

#include <unistd.h>

#include <fstream>
#include <set>

#include "check/kaimen_check.h"
#include "tests/core/many_nodes.h"

namespace kaimen::test {
namespace {

class PublicationTest : public CoreTest {
 protected:
  void TearDown() override {
    kaimen_check_close(handle_);
    publication_.reset();
    file_.reset();
    unlink(path_.c_str());
    unlink((path_ + ".lock").c_str());
    CoreTest::TearDown();
  }
  void publish(std::vector<std::string> only = {}) {
    std::string error;
    file_ = check::StateWriter::open(path_, 1000, services().live.revocations, error);
    ASSERT_TRUE(file_) << error;
    if (!only.empty()) {
      services().ticket_keys.own_keys(only);
      ASSERT_TRUE(run_here(services().ticket_keys.maintain()));
    }
    publication_.emplace(services().live, *file_, std::move(only));
  }
  /// What a reader is told: 204, 503 or the reason.
  std::string read(const std::string& ticket) {
    publication_->beat();
    if (!handle_) kaimen_check_open(path_.c_str(), &handle_);
    kaimen_identity who;
    const int status = kaimen_check_ticket(handle_, ticket.data(), ticket.size(), &who);
    return status == 401 ? kaimen_reason_name(who.reason) : std::to_string(status);
  }
  std::string login(const std::string& user, const std::string& app_id = "wx1") { return log_in(user, app_id).tokens.token; }

  const std::string path_ = "/tmp/kaimen-publication-" + std::to_string(getpid());
  std::unique_ptr<check::StateWriter> file_;
  std::optional<core::Publication> publication_;
  kaimen_check* handle_ = nullptr;
};

TEST_F(PublicationTest, ATicketIsGoodUntilItsSessionEnds) {
  publish();
  const auto answer = log_in("o1");
  EXPECT_EQ(read(answer.tokens.token), "204");
  core::Trace trace;
  ASSERT_TRUE(run_here(services().sessions.end(answer.session.id, std::nullopt, Reason::logged_out, &trace)));
  EXPECT_EQ(read(answer.tokens.token), "logged_out");
}

TEST_F(PublicationTest, WhatEndedBeforeIsInTheFileFromTheStart) {
  const auto answer = log_in("o1");
  core::Trace trace;
  ASSERT_TRUE(run_here(services().sessions.end(answer.session.id, std::nullopt, Reason::logged_out, &trace)));
  publish();
  EXPECT_EQ(read(answer.tokens.token), "logged_out");
}

TEST_F(PublicationTest, KeysAndAppsAreFollowed) {
  publish();
  const std::string ticket = login("o1");
  EXPECT_EQ(read(ticket), "204");
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  EXPECT_EQ(read(ticket), "renew");
  const std::string fresh = login("o2");
  EXPECT_EQ(read(fresh), "204");
  core::AppChange change;
  change.disabled = true;
  ASSERT_TRUE(run_here(services().apps.change("wx1", std::move(change))));
  EXPECT_EQ(read(fresh), "disabled");
}

TEST_F(PublicationTest, AProjectWithoutAppsCountsAsItDoesForVerify) {
  publish();
  const std::string ticket = login("o1");
  ASSERT_EQ(read(ticket), "204");
  const auto asked = [&] {
    kaimen_presented presented{};
    kaimen_identity who;
    kaimen_presented_ticket(&presented, ticket.data(), ticket.size());
    return kaimen_check_request(handle_, &presented, nullptr, &who);
  };
  EXPECT_EQ(asked(), 204);
  core::Project project;
  project.name = "empty";
  ASSERT_TRUE(run_here(services().projects.add(std::move(project), core::Source{})));
  EXPECT_EQ(asked(), 403);
}

TEST_F(PublicationTest, ANodeThatMayNotCheckLetsNobodyCheck) {
  publish();
  const std::string ticket = login("o1");
  services().live.good_until(clock.now());
  EXPECT_EQ(read(ticket), "503");
  services().live.good_until(clock.now() + 60s);
  EXPECT_EQ(read(ticket), "204");
}

TEST_F(PublicationTest, AFileForOneAppHoldsItsOwnKeysAlone) {
  add_app("wx2");
  publish({"wx2"});
  const std::string first = login("o1"), second = login("o2", "wx2");
  EXPECT_EQ(read(first), "503") << "under the key of all, as wx2's still are";
  EXPECT_EQ(read(second), "503");
  clock.pass(1h);
  const std::string third = login("o3", "wx2");
  EXPECT_EQ(read(third), "204") << "under its own";
  EXPECT_EQ(read(login("o4")), "renew") << "wx1's are not for this file";
  EXPECT_EQ(check(third), Reason::none) << "the node knows both";
  EXPECT_EQ(check(login("o5")), Reason::none);
  const auto ring = services().live.keys.get();
  std::ifstream file(path_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (const auto& key : ring->keys()) {
    const std::string key_bytes(key.key.bytes.begin(), key.key.bytes.end());
    EXPECT_EQ(bytes.find(key_bytes) != std::string::npos, !key.apps.empty());
  }
}

TEST_F(PublicationTest, AppsWithKeysOfTheirOwnGoOnWithThemDayByDay) {
  add_app("wx2");
  services().ticket_keys.own_keys({"wx2"});
  ASSERT_TRUE(minute());
  restart();  // and nobody asks for them any more
  std::set<uint32_t> sealed_under;
  for (int hour = 0; hour < 24 * 5; ++hour) {
    clock.pass(1h);
    ASSERT_TRUE(minute());
    const auto number = services().live.apps.get()->find("wx2")->number;
    sealed_under.insert(services().ticket_keys.sealing_key(clock.now(), number).value().id);
    EXPECT_NE(services().ticket_keys.sealing_key(clock.now()).value().id, services().ticket_keys.sealing_key(clock.now(), number).value().id);
  }
  EXPECT_GE(sealed_under.size(), 5U);
  const auto kept = run_here(store().list_ticket_keys()).value();
  EXPECT_LE(std::ranges::count_if(kept, [](const auto& row) { return row.kind == core::KeyKind::ticket && !row.apps.empty(); }), 4) << "those that are done are dropped";
}

TEST_F(PublicationTest, AfterALeakAnAppsOwnKeyIsReplacedAtOnce) {
  add_app("wx2");
  publish({"wx2"});
  clock.pass(1h);
  const std::string leaked = login("o1", "wx2");
  EXPECT_EQ(read(leaked), "204");
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  EXPECT_EQ(read(leaked), "renew");
  EXPECT_EQ(read(login("o2", "wx2")), "204");
}

TEST_F(PublicationTest, AnAppThatIsGoneHasNoKeysMadeAnyMore) {
  add_app("wx2");
  services().ticket_keys.own_keys({"wx2"});
  ASSERT_TRUE(minute());
  ASSERT_TRUE(run_here(services().apps.remove("wx2")));
  const auto own = [&] {
    const auto rows = run_here(store().list_ticket_keys()).value();
    return std::ranges::count_if(rows, [](const auto& row) { return row.kind == core::KeyKind::ticket && !row.apps.empty(); });
  };
  EXPECT_EQ(own(), 1);
  for (int day = 0; day < 5; ++day) {
    clock.pass(24h);
    ASSERT_TRUE(minute());
  }
  EXPECT_EQ(own(), 0);
}

}  // namespace
}  // namespace kaimen::test

// The master key is replaced while the node serves (K3): nothing is lost on the way, whenever it is interrupted.
#include <thread>

#include "core/master_keys.h"
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

const std::string kNewKey = "fedcba9876543210fedcba9876543210";

class MasterKeysTest : public CoreTest {
 protected:
  /// The next start seals under the new key, and opens both.
  void begin() {
    master_key = kNewKey;
    other_keys = {Secret(kMasterKey)};
    restart();
  }
  /// The rest of the walks, from `after`; how many rows were sealed anew.
  uint64_t rotate(std::string after = {}) {
    uint64_t resealed = 0;
    do {
      const auto step = run_here(services().master_keys.step(after)).value();
      resealed += step.resealed;
      after = step.next;
    } while (!after.empty());
    return resealed;
  }
  core::MasterKeyState state() { return run_here(services().master_keys.state()).value(); }
  static uint32_t id_of(const std::string& key) {
    SystemRandom random;
    return crypto::Vault::make(Secret(key), {}, random).value().current_key_id();
  }
  /// How many values of any table are under that key, as the file has them.
  int under(const std::string& key) {
    std::string head = "01" + core::master_key_name(id_of(key));
    for (char& c : head) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    int count = 0;
    for (const auto& table : query("SELECT name FROM sqlite_schema WHERE type = 'table'")) {
      for (const auto& column : query("SELECT name FROM pragma_table_info('" + table[0] + "')")) {
        count += std::stoi(one("SELECT count(*) FROM " + table[0] + " WHERE hex(substr(" + column[0] + ", 1, 5)) = '" + head + "'"));
      }
    }
    return count;
  }
  size_t found_by_phone(const std::string& number) {
    core::UserSearch search;
    search.phone = number;
    search.limit = 10;
    return run_here(services().directory.find(std::move(search))).value().users.size();
  }
};

TEST_F(MasterKeysTest, EverythingIsUnderTheNewKeyAndFoundAsBefore) {
  const auto who = log_in("o1");
  bind_phone(who, "13800000001");
  ASSERT_TRUE(run_here(services().apps.set_secret("wx1", Secret("another"), 1h)));
  core::NewWebhook webhook;
  webhook.project = "default";
  webhook.url = "https://hooks.example.com/";
  ASSERT_TRUE(run_here(services().webhooks.add(std::move(webhook))));
  ASSERT_GT(under(kMasterKey), 5);
  begin();
  EXPECT_EQ(found_by_phone("+8613800000001"), 1U) << "before anything is sealed anew";
  EXPECT_EQ(check(who.tokens.token), Reason::none);
  EXPECT_EQ(state().settled, id_of(kMasterKey));
  EXPECT_EQ(state().next, id_of(kNewKey));

  EXPECT_GT(rotate(), 4U);
  EXPECT_EQ(under(kMasterKey), 0);
  EXPECT_EQ(state().settled, id_of(kNewKey));
  EXPECT_FALSE(state().next);

  other_keys.clear();
  restart();
  EXPECT_EQ(found_by_phone("+8613800000001"), 1U);
  EXPECT_EQ(check(who.tokens.token), Reason::none);
  EXPECT_TRUE(renew(who.tokens.renew_token));
  EXPECT_EQ(app()->secret.reveal(), "another");
  EXPECT_EQ(app()->old_secret->reveal(), "secret-of-wx1");
  EXPECT_EQ(rotate(), 0U) << "again is nothing";
}

TEST_F(MasterKeysTest, WhateverIsInterruptedGoesOnFromTheBeginning) {
  for (int i = 0; i < 30; ++i) log_in("o" + std::to_string(i));
  begin();
  std::string after;
  for (int steps = 0; steps < 40; ++steps) {
    restart();  // as a kill after every step
    const auto step = run_here(services().master_keys.step(after)).value();
    after = steps % 3 == 2 ? std::string() : step.next;  // and the caller forgets now and then
    if (step.next.empty()) break;
  }
  rotate(after);
  EXPECT_EQ(under(kMasterKey), 0);
}

TEST_F(MasterKeysTest, ANodeThatLacksAKeyDoesNotStart) {
  log_in("o1");
  begin();
  master_key = kMasterKey;
  other_keys.clear();
  stop();
  const auto refused = try_start();
  EXPECT_EQ(code_of(refused), ErrorCode::invalid_request);
  EXPECT_NE(refused.error().detail.find(core::master_key_name(id_of(kNewKey))), std::string::npos) << refused.error().detail;
  begin();
  rotate();
  master_key = kMasterKey;
  other_keys.clear();
  stop();
  EXPECT_EQ(code_of(try_start()), ErrorCode::invalid_request) << "the old key alone opens nothing any more";
  master_key = "a third key of thirty-two bytes!";
  other_keys = {Secret(kMasterKey)};
  stop();
  EXPECT_EQ(code_of(try_start()), ErrorCode::invalid_request);
}

TEST_F(MasterKeysTest, APlaceThatIsNotFromHereEndsNothing) {
  log_in("o1");
  begin();
  for (const char* place : {"x", "0.", "0.5.", "0.5.00", "1.5..0000"}) EXPECT_EQ(code_of(run_here(services().master_keys.step(place))), ErrorCode::invalid_request) << place;
  EXPECT_EQ(state().settled, id_of(kMasterKey));
}

// KAIMEN_TEST_ROWS=100000 for the whole of it; the figures are printed.
TEST_F(MasterKeysTest, ManyRowsUnderLoad) {
  const char* wanted = std::getenv("KAIMEN_TEST_ROWS");
  const int rows = wanted ? std::atoi(wanted) : 300;
  const auto watched = log_in("watched");
  for (int i = 0; i < rows; ++i) ASSERT_TRUE(login(platform.fresh_code("many" + std::to_string(i))));
  begin();
  std::atomic<bool> done{false};
  std::atomic<int> checks{0}, failed{0}, logins{0};
  std::thread checker([&] {
    while (!done) {
      failed += check(watched.tokens.token) != Reason::none;
      ++checks;
    }
  });
  std::thread others([&] {
    for (int i = 0; !done; ++i) {
      failed += !login(platform.fresh_code("many" + std::to_string(i % rows))).has_value();
      ++logins;
    }
  });
  const auto start = std::chrono::steady_clock::now();
  const uint64_t resealed = rotate();
  const auto took = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
  done = true;
  checker.join();
  others.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(checks, 0);
  EXPECT_GE(resealed, static_cast<uint64_t>(rows) / 2);
  EXPECT_EQ(under(kMasterKey), 0);
  std::printf("%lu rows sealed anew in %ld ms beside %d checks and %d logins\n", static_cast<unsigned long>(resealed), static_cast<long>(took.count()), checks.load(),
              logins.load());
}

}  // namespace
}  // namespace kaimen::test

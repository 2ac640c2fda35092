// T1: where there is no randomness there is an error, and nothing that was made without it.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class RandomnessTest : public CoreTest {
 protected:
  /// How often `act` fails when its source of randomness breaks before its first, second, … use, until it succeeds.
  template <class Act>
  int failures_of(Act act) {
    for (int works = 0; works < 50; ++works) {
      random.calls = 0;
      random.works_for = works;
      const auto done = act();
      random.works_for = std::numeric_limits<int64_t>::max();
      if (done) return works;
      EXPECT_EQ(code_of(done), ErrorCode::unavailable) << works;
    }
    ADD_FAILURE() << "it never succeeds";
    return -1;
  }
};

TEST_F(RandomnessTest, ALoginWithoutRandomnessIsRefused) {
  const int uses = failures_of([&] { return login(platform.fresh_code("o1")); });
  EXPECT_GE(uses, 6) << "claim, sealed session_key, two ids, ticket, renew token";
}

TEST_F(RandomnessTest, ALoginThatIsRefusedForItAtTheClaimLeavesTheCode) {
  platform.code("c1", "o1");
  random.calls = 0;
  random.works_for = 0;
  EXPECT_EQ(code_of(login("c1")), ErrorCode::unavailable);
  EXPECT_EQ(platform.exchanges, 0);
  random.works_for = std::numeric_limits<int64_t>::max();
  EXPECT_TRUE(login("c1"));
}

TEST_F(RandomnessTest, ARenewalWithoutRandomnessIsRefused) {
  // The first renewal is recorded and its answer lost; the same token then gets that generation.
  const auto answer = log_in("o1");
  const int uses = failures_of([&] { return renew(answer.tokens.renew_token); });
  EXPECT_GE(uses, 2) << "ticket, renew token";
}

TEST_F(RandomnessTest, AKeyWithoutRandomnessIsRefused) {
  const int uses = failures_of([&] {
    core::NewAccessKey key;
    key.name = "ci";
    key.scopes = {"read"};
    return run_here(services().access_keys.create(std::move(key)));
  });
  EXPECT_GE(uses, 2) << "id, secret";
  EXPECT_EQ(one("SELECT count(*) FROM access_keys"), "1") << "the one that succeeded";
}

TEST_F(RandomnessTest, AnAppWithoutRandomnessIsRefused) {
  const int uses = failures_of([&] {
    core::NewApp app;
    app.app_id = "wx2";
    app.secret = Secret("secret");
    return run_here(services().apps.add(std::move(app)));
  });
  EXPECT_GE(uses, 2) << "number, sealed secret";
}

TEST_F(RandomnessTest, TicketKeysWithoutRandomnessAreNotMade) {
  const int before = std::stoi(one("SELECT count(*) FROM ticket_keys"));
  clock.pass(23h);
  const int uses = failures_of([&] { return run_here(services().ticket_keys.maintain()); });
  EXPECT_GE(uses, 2) << "bytes, id";
  EXPECT_EQ(one("SELECT count(*) FROM ticket_keys"), std::to_string(before + 1));
}

TEST_F(RandomnessTest, ManyTicketsHaveManyNonces) {
  const auto answer = log_in("o1");
  std::set<std::string> nonces;
  constexpr size_t kMany = 20'000;
  for (size_t i = 0; i < kMany; ++i) {
    const auto issued = services().tickets.issue(*answer.app, answer.session, answer.user, services().live.clock.now()).value();
    nonces.insert(from_base64url(std::string_view(issued.token).substr(4))->substr(4, 12));
  }
  EXPECT_EQ(nonces.size(), kMany);
}

}  // namespace
}  // namespace kaimen::test

// Ticket keys: made a day apart and an hour beforehand, dropped when nothing sealed under them can be good any more.
#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

class TicketKeysTest : public CoreTest {
 protected:
  uint32_t sealing() { return services().ticket_keys.sealing_key(clock.now()).value().id; }
  std::vector<core::TicketKeyRow> rows(core::KeyKind kind) {
    auto all = run_here(store().list_ticket_keys()).value();
    std::erase_if(all, [&](const auto& row) { return row.kind != kind; });
    return all;
  }
  /// A row of the store for a key that this test knows.
  check::Key add_key(uint32_t id, std::vector<uint32_t> apps) {
    check::Key key;
    key.id = id;
    key.bytes.fill(7);
    core::TicketKeyRow row;
    row.id = id;
    const char name[4] = {static_cast<char>(id >> 24), static_cast<char>(id >> 16), static_cast<char>(id >> 8), static_cast<char>(id)};
    const auto vault = crypto::Vault::make(Secret("0123456789abcdef0123456789abcdef"), {}, random).value();
    row.key_sealed = vault.seal("ticket_key", std::string_view(name, 4), Secret(std::string(32, '\7'))).value();
    row.apps = std::move(apps);
    row.created_at = row.seals_from = clock.now();
    EXPECT_TRUE(run_here(store().add_ticket_key(std::move(row))));
    EXPECT_TRUE(run_here(services().ticket_keys.maintain()));
    return key;
  }
  /// The ticket of a login, sealed under another key.
  std::string sealed_under(const check::Key& key, const core::LoginAnswer& answer) {
    check::Claims claims;
    claims.session = answer.session.id.bytes;
    claims.user = answer.user.id.bytes;
    claims.app = answer.session.app;
    claims.issued_ms = static_cast<uint64_t>(epoch_ms(clock.now()));
    claims.life_s = 60;
    return check::seal_ticket(key, claims, random.bytes<12>().value());
  }
};

TEST_F(TicketKeysTest, TheFirstStartMakesOneOfEachKind) {
  EXPECT_EQ(rows(core::KeyKind::ticket).size(), 1U);
  EXPECT_EQ(rows(core::KeyKind::renew).size(), 1U);
}

TEST_F(TicketKeysTest, ARestartMakesNone) {
  const auto before = sealing();
  restart();
  EXPECT_EQ(rows(core::KeyKind::ticket).size(), 1U);
  EXPECT_EQ(rows(core::KeyKind::renew).size(), 1U);
  EXPECT_EQ(sealing(), before);
}

TEST_F(TicketKeysTest, TheNextKeyIsThereAnHourBeforeItSeals) {
  const uint32_t first = sealing();
  clock.pass(23h - 1ms);
  ASSERT_TRUE(minute());
  EXPECT_EQ(rows(core::KeyKind::ticket).size(), 1U);
  clock.pass(1ms);
  ASSERT_TRUE(minute());
  ASSERT_EQ(rows(core::KeyKind::ticket).size(), 2U);
  EXPECT_EQ(services().live.keys.get()->keys().size(), 2U) << "known to checks already";
  clock.pass(1h - 1ms);
  EXPECT_EQ(sealing(), first);
  clock.pass(1ms);
  EXPECT_NE(sealing(), first);
}

TEST_F(TicketKeysTest, OneKeyADayIsMade) {
  for (int hour = 0; hour < 24 * 5; ++hour) {
    clock.pass(1h);
    ASSERT_TRUE(minute());
  }
  EXPECT_EQ(one("SELECT count(*) FROM events WHERE kind = 'ticket_key_added'"), "8") << "one for renewals, one for JWTs, one at start, five since";
}

TEST_F(TicketKeysTest, TicketsOfTheDayBeforeAreStillGood) {
  set("ticket_seconds", "86400");
  clock.pass(23h);
  ASSERT_TRUE(minute());
  clock.pass(1h - 1ms);
  const auto old = log_in("o1");
  clock.pass(23h);
  ASSERT_TRUE(minute());
  EXPECT_EQ(check(old.tokens.token), Reason::none);
}

TEST_F(TicketKeysTest, AKeyIsDroppedTwoHoursAfterTheEndOfItsLastTicket) {
  const uint32_t first = sealing();
  const auto knows_first = [&] { return services().live.keys.get()->find(first) != nullptr; };
  clock.pass(23h);
  ASSERT_TRUE(minute());
  clock.pass(27h);  // sealed until 24 h, good until 48 h
  ASSERT_TRUE(minute());
  EXPECT_TRUE(knows_first());
  clock.pass(1ms);
  ASSERT_TRUE(minute());
  EXPECT_FALSE(knows_first());
  EXPECT_EQ(one("SELECT count(*) FROM ticket_keys WHERE id = " + std::to_string(first)), "0");
}

TEST_F(TicketKeysTest, RenewTokensOutliveTicketKeys) {
  const auto answer = log_in("o1");
  for (int day = 0; day < 29; ++day) {
    clock.pass(24h);
    ASSERT_TRUE(minute());
  }
  EXPECT_TRUE(renew(answer.tokens.renew_token));
}

TEST_F(TicketKeysTest, AfterALeakEveryTicketAnswersRenew) {
  const auto before = log_in("o1");
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  EXPECT_EQ(check(before.tokens.token), Reason::renew);
  EXPECT_EQ(check(log_in("o2").tokens.token), Reason::none);
  EXPECT_EQ(check(renew(before.tokens.renew_token).value().tokens.token), Reason::none);
}

TEST_F(TicketKeysTest, TheNextDaysKeyIsRetiredToo) {
  clock.pass(23h);
  ASSERT_TRUE(minute());
  const auto leaked = rows(core::KeyKind::ticket);
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  clock.pass(2h);
  ASSERT_TRUE(minute());
  for (const auto& row : leaked) EXPECT_NE(sealing(), row.id);
}

TEST_F(TicketKeysTest, TwoNodesOverOneStoreShareKeys) {
  Node second(store(), platforms(), random, clock);
  ASSERT_TRUE(run_here(second.services.start()));
  const auto answer = log_in("o1");
  EXPECT_EQ(check_on(second.services, answer.tokens.token), Reason::none);
  core::Trace trace;
  EXPECT_EQ(check(run_here(second.services.sessions.renew(answer.tokens.renew_token, &trace)).value().tokens.token), Reason::none);
}

TEST_F(TicketKeysTest, KeysAreSealedInTheStore) {
  const auto node_key = services().live.keys.get()->keys().front().key;
  const auto stored = run_here(store().list_ticket_keys()).value();
  for (const auto& row : stored) {
    EXPECT_EQ(row.key_sealed.find(std::string(reinterpret_cast<const char*>(node_key.bytes.data()), 32)), std::string::npos);
  }
}

TEST_F(TicketKeysTest, AKeyOutOfItsScopeSealsNothing) {
  const auto answer = log_in("o1");
  const auto other = add_app("wx2");
  const auto scoped = add_key(77, {other->number});
  EXPECT_EQ(check(sealed_under(scoped, answer)), Reason::malformed);
  const auto there = log_in("o2", "wx2");
  EXPECT_EQ(check(sealed_under(scoped, there)), Reason::none) << "the same key, in its scope";
}

TEST_F(TicketKeysTest, AKeyWithAScopeDoesNotStandInForTheKeyOfAll) {
  std::vector<uint32_t> ids;
  for (const auto& row : rows(core::KeyKind::ticket)) ids.push_back(row.id);
  ASSERT_TRUE(run_here(store().drop_ticket_keys(ids)));
  add_key(77, {app()->number});
  EXPECT_NE(sealing(), 77U);
  EXPECT_EQ(check(log_in("o1").tokens.token), Reason::none);
}

TEST_F(TicketKeysTest, UnderAnotherMasterKeyNothingStarts) {
  auto vault = crypto::Vault::make(Secret("another master key of 32 bytes!!"), {}, random).value();
  FakeOutbound outbound;
  FakeResolver resolver;
  core::Services other(store(), platforms(), outbound, resolver, vault, random, clock, core::AppSettings{}, {"wechat"}, {"wechat"});
  EXPECT_EQ(code_of(run_here(other.start())), ErrorCode::invalid_request);
  EXPECT_FALSE(other.live.ready);
}

// A retirement must not be undone in memory by a reading that began before it.
TEST_F(TicketKeysTest, ARetirementHoldsWhileOthersReadTheKeys) {
  const auto answer = log_in("o1");
  LocalLoop slow;
  bool read = false;
  spawn<Result<>>(services().ticket_keys.maintain(), [&](const Result<>& done) {
    EXPECT_TRUE(done);
    read = true;
    slow.stop();
  });
  // It reads twice: the first answer is there once the store has answered another question; the second one waits while the keys are retired.
  ASSERT_TRUE(run_here(store().list_ticket_keys()));
  slow.post([&] { slow.stop(); });
  slow.run();
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  ASSERT_EQ(check(answer.tokens.token), Reason::renew);
  if (!read) slow.run();  // on a busy machine the second answer may have come already
  EXPECT_EQ(check(answer.tokens.token), Reason::renew);
}

}  // namespace
}  // namespace kaimen::test

// Two nodes on one database that do what must not slip past each other at the same moment, many times over.
#include <set>

#include "core/journal_store.h"
#include "tests/contract/engine_factory.h"

namespace kaimen::contract {

namespace {

class EngineRaces : public testing::TestWithParam<servers::Engine> {
 protected:
  static constexpr int kRounds = 25;

  EngineRaces() : factory_(GetParam()), here_(factory_.open()), there_(factory_.open()) {}

  static Id new_id() {
    SystemRandom random;
    return Id::make(t0, random).value();
  }
  core::RecordLogin login_act(const std::string& openid, uint32_t app = 7) {
    core::RecordLogin act;
    act.app = app;
    act.app_id = "wx" + std::to_string(app);
    act.project = "default";
    act.provider = "wechat";
    act.code_hash = new_id().hex();  // 32 bytes, each time others
    act.owner = new_id();
    act.openid = openid;
    act.new_user = new_id();
    act.new_session = new_id();
    act.now = t0;
    act.idle_expires_at = t0 + 30 * 24h;
    act.absolute_expires_at = t0 + 180 * 24h;
    act.revocations_until = t0 + 4h;
    return act;
  }
  static Result<core::LoginRecord> login(core::Store& store, const core::RecordLogin& act) {
    auto claimed = run_here(store.claim_code({act.app, act.code_hash, act.owner, act.now}));
    if (!claimed) return claimed.error();
    return run_here(store.record_login(act));
  }
  static core::RenewSession first_renewal(const Id& session) {
    core::RenewSession act;
    act.session = session;
    act.app = 7;
    act.now = t0;
    act.idle_expires_at = t0 + 30 * 24h;
    act.revocations_until = t0 + 4h;
    return act;
  }
  std::vector<core::Session> live(const Id& user) { return run_here(here_->list_sessions(user, t0)).value(); }
  /// Both start together.
  static void race(const std::function<void()>& one, const std::function<void()>& other) {
    at_once(2, [&](int i) { (i == 0 ? one : other)(); });
  }

  EngineFactory factory_;
  std::unique_ptr<core::Store> here_, there_;
};

TEST_P(EngineRaces, a_login_does_not_slip_past_a_disablement) {
  const Id user = login(*here_, login_act("o1")).value().user.id;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(run_here(here_->enable_user(user, t0, {"r", {}, {}})));
    const auto act = login_act("o1");
    std::optional<Result<core::LoginRecord>> made;
    race([&] { made.emplace(login(*here_, act)); },
         [&] { ASSERT_TRUE(run_here(there_->disable_user({user, std::nullopt, "", t0, t0 + 4h, {"r", {}, {}}}))); });
    if (!*made) {
      EXPECT_EQ(made->error().code, ErrorCode::forbidden);
    }
    EXPECT_TRUE(live(user).empty()) << "round " << round;
  }
}

TEST_P(EngineRaces, a_renewal_does_not_slip_past_an_end) {
  for (int round = 0; round < kRounds; ++round) {
    const auto made = login(*here_, login_act("o1")).value();
    core::RenewSession renewal = first_renewal(made.session.id);
    race([&] { ASSERT_TRUE(run_here(here_->renew_session(renewal))); },
         [&] { ASSERT_TRUE(run_here(there_->end_session({made.session.id, std::nullopt, Reason::logged_out, t0, t0 + 4h, {"r", {}, {}}}))); });
    EXPECT_EQ(run_here(here_->find_session(made.session.id)).value().session.ended, Reason::logged_out);
    renewal.generation = run_here(here_->find_session(made.session.id)).value().session.generation;
    EXPECT_EQ(run_here(there_->renew_session(renewal)).value().kind, core::Renewal::Kind::refused);
  }
}

TEST_P(EngineRaces, two_renewals_with_one_token_give_one_generation) {
  for (int round = 0; round < kRounds; ++round) {
    const auto made = login(*here_, login_act("o1")).value();
    const core::RenewSession renewal = first_renewal(made.session.id);
    std::optional<core::Renewal> a, b;
    race([&] { a.emplace(run_here(here_->renew_session(renewal)).value()); }, [&] { b.emplace(run_here(there_->renew_session(renewal)).value()); });
    ASSERT_TRUE(a->session && b->session);
    EXPECT_EQ(a->session->generation, 1u);
    EXPECT_EQ(b->session->generation, 1u);
  }
}

TEST_P(EngineRaces, the_limit_of_sessions_holds) {
  Id user;
  for (int round = 0; round < kRounds; ++round) {
    auto one = login_act("o1"), other = login_act("o1");
    one.max_per_user = other.max_per_user = 3;
    race([&] { user = login(*here_, one).value().user.id; }, [&] { ASSERT_TRUE(login(*there_, other)); });
    EXPECT_LE(live(user).size(), 3u);
  }
  EXPECT_EQ(live(user).size(), 3u);
}

TEST_P(EngineRaces, somebody_new_becomes_one_user) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string openid = "new" + std::to_string(round);
    const auto one = login_act(openid), other = login_act(openid);
    Id a, b;
    race([&] { a = login(*here_, one).value().user.id; }, [&] { b = login(*there_, other).value().user.id; });
    EXPECT_EQ(a, b);
  }
}

TEST_P(EngineRaces, one_unionid_in_two_apps_becomes_one_user) {
  for (int round = 0; round < kRounds; ++round) {
    auto one = login_act("a" + std::to_string(round), 7), other = login_act("b" + std::to_string(round), 8);
    one.unionid = other.unionid = "u" + std::to_string(round);
    Id a, b;
    race([&] { a = login(*here_, one).value().user.id; }, [&] { b = login(*there_, other).value().user.id; });
    EXPECT_EQ(a, b);
  }
}

core::RecordLogin with_union(core::RecordLogin act, const std::string& unionid) {
  act.unionid = unionid;
  act.move_phone = [](const Id&, const Id&, const std::string& sealed) -> Result<core::SealedPhone> { return core::SealedPhone{sealed, "index"}; };
  return act;
}

TEST_P(EngineRaces, two_logins_that_both_merge_make_one_user) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string n = std::to_string(round);
    const Id web = login(*here_, with_union(login_act("web" + n, 8), "m" + n)).value().user.id;
    const Id own = login(*here_, login_act("mini" + n)).value().user.id;
    ASSERT_NE(web, own);
    Id a, b;
    race([&] { a = login(*here_, with_union(login_act("mini" + n), "m" + n)).value().user.id; },
         [&] { b = login(*there_, with_union(login_act("mini" + n), "m" + n)).value().user.id; });
    EXPECT_EQ(a, web);
    EXPECT_EQ(b, web);
    EXPECT_EQ(live(web).size(), 4u);
    EXPECT_TRUE(live(own).empty());
  }
}

TEST_P(EngineRaces, a_login_does_not_slip_past_a_merge) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string n = std::to_string(round);
    const Id user = login(*here_, login_act("stays" + n)).value().user.id, other = login(*here_, login_act("goes" + n)).value().user.id;
    core::MergeUsers merge{user, other, [](const Id&, const Id&, const std::string& sealed) -> Result<core::SealedPhone> { return core::SealedPhone{sealed, "index"}; }, t0, t0 + 4h, {"r", {}, {}}};
    race([&] { ASSERT_TRUE(login(*here_, login_act("goes" + n))); }, [&] { ASSERT_TRUE(run_here(there_->merge_users(merge))); });
    EXPECT_EQ(live(user).size(), 3u) << "round " << round;
    EXPECT_TRUE(live(other).empty());
  }
}

TEST_P(EngineRaces, a_disablement_does_not_get_lost_in_a_merge) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string n = std::to_string(round);
    const Id web = login(*here_, with_union(login_act("w" + n, 8), "d" + n)).value().user.id;
    const Id own = login(*here_, login_act("x" + n)).value().user.id;
    // Whom he bans is by then himself, or still another row that takes the ban along when it is merged.
    bool banned = false;
    race([&] { static_cast<void>(login(*here_, with_union(login_act("x" + n), "d" + n))); },
         [&] { banned = run_here(there_->disable_user({own, std::nullopt, "", t0, t0 + 4h, {"r", {}, {}}})).has_value(); });
    const auto after = login(*there_, with_union(login_act("x" + n), "d" + n));
    EXPECT_EQ(after.has_value(), !banned) << "round " << round;
    if (banned) {
      EXPECT_TRUE(live(own).empty());
    }
    static_cast<void>(web);
  }
}

TEST_P(EngineRaces, a_delivery_is_leased_by_one_node) {
  core::Webhook webhook;
  webhook.id = new_id();
  webhook.project = "default";
  webhook.url = "https://hook.example.com";
  webhook.created_at = t0;
  ASSERT_TRUE(run_here(here_->journal().add_webhook(webhook)));
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(login(*here_, login_act("h" + std::to_string(round))));
    core::LeaseDeliveries act;
    act.now = t0 + round * 1h;
    act.until = act.now + 20s;
    std::vector<core::LeasedDelivery> a, b;
    race([&] { a = run_here(here_->journal().lease_deliveries(act)).value(); }, [&] { b = run_here(there_->journal().lease_deliveries(act)).value(); });
    std::set<Id> seen;
    for (const auto* leased : {&a, &b}) {
      for (const auto& one : *leased) {
        EXPECT_TRUE(seen.insert(one.delivery.id).second) << "two nodes send it";
        core::SettleDelivery settled;
        settled.webhook = webhook.id;
        settled.id = one.delivery.id;
        settled.lease_until = one.lease_until;
        settled.delivered = true;
        settled.now = act.now;
        ASSERT_TRUE(run_here(here_->journal().settle_delivery(settled)));
      }
    }
    EXPECT_EQ(seen.size(), 1u);
  }
}

TEST_P(EngineRaces, a_code_is_claimed_once) {
  for (int round = 0; round < kRounds; ++round) {
    const auto one = login_act("o1");
    auto other = one;
    other.owner = new_id();
    using Kind = core::CodeClaim::Kind;
    std::optional<Kind> a, b;
    race([&] { a = run_here(here_->claim_code({7, one.code_hash, one.owner, t0})).value().kind; },
         [&] { b = run_here(there_->claim_code({7, other.code_hash, other.owner, t0})).value().kind; });
    EXPECT_NE(*a == Kind::claimed, *b == Kind::claimed);
    EXPECT_TRUE(*a == Kind::pending || *b == Kind::pending);
  }
}

TEST_P(EngineRaces, a_lease_is_held_by_one) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string app = "wx" + std::to_string(round);
    std::optional<uint64_t> a, b;
    race([&] { a = run_here(here_->lease_access_token(app, new_id(), t0, t0 + 5s)).value(); },
         [&] { b = run_here(there_->lease_access_token(app, new_id(), t0, t0 + 5s)).value(); });
    EXPECT_NE(a.has_value(), b.has_value());
  }
}

TEST_P(EngineRaces, a_phone_proof_is_taken_once) {
  const Id a_user = login(*here_, login_act("o1")).value().user.id, b_user = login(*here_, login_act("o2")).value().user.id;
  for (int round = 0; round < kRounds; ++round) {
    const std::string once = new_id().hex();
    bool a = false, b = false;
    race([&] { a = run_here(here_->save_phone({a_user, "s", "i", {}, once, core::PhoneUnique::off, t0, {"r", {}, {}}})).has_value(); },
         [&] { b = run_here(there_->save_phone({b_user, "s", "i", {}, once, core::PhoneUnique::off, t0, {"r", {}, {}}})).has_value(); });
    EXPECT_NE(a, b);
  }
}

constexpr auto race_server = [](const auto&) { return std::string("server"); };

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, EngineRaces, testing::Values(servers::Engine::postgres), race_server);
INSTANTIATE_TEST_SUITE_P(Mysql, EngineRaces, testing::Values(servers::Engine::mysql), race_server);

}  // namespace kaimen::contract

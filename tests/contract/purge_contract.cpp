// What a purge takes, and what it leaves, to the millisecond; and the views other teams read.
#include "tests/contract/account_acts.h"

namespace kaimen::contract {

class PurgeAt {
 public:
  PurgeAt(core::Store& store, StoreFactory& factory) : store_(store), factory_(factory) { EXPECT_TRUE(run_here(store_.purge(t0))); }
  void operator()(Time now) {
    factory_.pass(now - last_);
    last_ = now;
    EXPECT_TRUE(run_here(store_.purge(now)));
  }

 private:
  core::Store& store_;
  StoreFactory& factory_;
  Time last_ = t0;
};

TEST_P(StoreContract, a_spent_code_is_kept_ten_minutes) {
  login("c1");
  PurgeAt purge(store(), factory());
  purge(t0 + 10min - 1ms);
  EXPECT_EQ(claim(login_act("c1")).value().kind, core::CodeClaim::Kind::done);
  purge(t0 + 10min);
  EXPECT_EQ(claim(login_act("c1")).value().kind, core::CodeClaim::Kind::claimed);
}

TEST_P(StoreContract, a_revocation_is_kept_until_its_time) {
  ASSERT_TRUE(end(login("c1").session.id, t0));
  PurgeAt purge(store(), factory());
  purge(t0 + 4h - 1ms);
  EXPECT_EQ(factory().query("SELECT count(*) FROM revocations")[0][0], "1");
  purge(t0 + 4h);
  EXPECT_EQ(factory().query("SELECT count(*) FROM revocations")[0][0], "0");
}

TEST_P(StoreContract, a_once_mark_is_kept_a_day) {
  core::SavePhone act;
  act.user = login("c1").user.id;
  act.once = hash("once");
  act.now = t0;
  ASSERT_TRUE(run_here(store().save_phone(act)));
  PurgeAt purge(store(), factory());
  purge(t0 + 24h - 1ms);
  EXPECT_EQ(code_of(run_here(store().save_phone(act))), ErrorCode::conflict);
  purge(t0 + 24h);
  EXPECT_TRUE(run_here(store().save_phone(act)));
}

// Days are purged whole: a session goes on the day after it could go.
Time day_after(Time time) { return std::chrono::ceil<std::chrono::days>(time + 1ms); }

TEST_P(StoreContract, an_ended_session_is_kept_thirty_days) {
  const auto session = login("c1").session;
  ASSERT_TRUE(end(session.id, t0 + 5s));
  PurgeAt purge(store(), factory());
  purge(t0 + 5s + 30 * 24h);
  EXPECT_TRUE(run_here(store().find_session(session.id)));
  purge(day_after(t0 + 5s + 30 * 24h));
  EXPECT_EQ(code_of(run_here(store().find_session(session.id))), ErrorCode::not_found);
}

TEST_P(StoreContract, a_session_that_ran_out_is_kept_thirty_days) {
  const auto session = login("c1").session;
  const Time renewed_at = t0 + 10 * 24h;
  const Time ran_out = renew(session, 0, renewed_at).session->idle_expires_at;
  PurgeAt purge(store(), factory());
  purge(ran_out + 30 * 24h);
  EXPECT_TRUE(run_here(store().find_session(session.id)));
  purge(day_after(ran_out + 30 * 24h));
  EXPECT_EQ(code_of(run_here(store().find_session(session.id))), ErrorCode::not_found);
}

TEST_P(StoreContract, a_purge_takes_more_than_one_slice) {
  std::vector<core::RecordLogin> acts;
  for (int i = 0; i < 1201; ++i) acts.push_back(login_act("c" + std::to_string(i)));
  login_at_once(acts);
  PurgeAt purge(store(), factory());
  purge(t0 + 10min);
  EXPECT_EQ(factory().query("SELECT count(*) FROM codes")[0][0], "0");
}

TEST_P(StoreContract, a_purge_leaves_what_lives) {
  const auto made = login("c1");
  PurgeAt purge(store(), factory());
  purge(t0 + 29 * 24h);
  EXPECT_EQ(live_sessions(made.user.id, t0 + 29 * 24h).size(), 1u);
  EXPECT_TRUE(run_here(store().find_user(made.user.id)));
}

// ---- views ----

TEST_P(StoreContract, the_users_view_is_readable_while_the_store_runs) {
  auto act = login_act("c1");
  act.default_nickname = "n";
  const auto made = login(act);
  ASSERT_TRUE(run_here(store().save_phone(phone_act(made.user.id, "index"))));
  ASSERT_TRUE(disable(login("c2", "o2").user.id, t0, t0 + 1h));
  const auto rows = factory().query(
      "SELECT id, project, external_id, state, disabled_until, registered, nickname, avatar_url, gender, language, country, province, "
      "city, has_phone, roles, attributes, created_at FROM kaimen_users_v1 ORDER BY state");
  ASSERT_EQ(rows.size(), 2u);
  const std::string at = std::to_string(epoch_ms(t0));
  const std::vector<std::string> expected = {made.user.id.hex(), "default", "", "active", "NULL", "1", "n", "", "0",
                                             "", "", "", "", "1", "", "{}", at};
  EXPECT_EQ(rows[0], expected);
  EXPECT_EQ(rows[1][3], "disabled");
  EXPECT_EQ(rows[1][4], std::to_string(epoch_ms(t0 + 1h)));
  EXPECT_EQ(rows[1][13], "0");
}

TEST_P(StoreContract, the_identities_view_is_readable_while_the_store_runs) {
  auto act = login_act("c1");
  act.unionid = "u1";
  const auto made = login(act);
  const auto rows = factory().query("SELECT user_id, project, provider, app_id, openid, unionid, created_at FROM kaimen_identities_v1");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], (std::vector<std::string>{made.user.id.hex(), "default", "wechat", "wx7", "o1", "u1", std::to_string(epoch_ms(t0))}));
}

TEST_P(StoreContract, no_view_shows_what_is_sealed) {
  auto act = login_act("c1");
  act.session_key_sealed = "sealed-key-canary";
  act.session_key_index = "index-canary";
  core::SavePhone phone;
  phone.user = login(act).user.id;
  phone.phone_sealed = "phone-canary";
  phone.phone_index = "phone-index-canary";
  ASSERT_TRUE(run_here(store().save_phone(phone)));
  for (const std::string view : {"kaimen_users_v1", "kaimen_identities_v1"}) {
    const auto rows = factory().query("SELECT * FROM " + view);
    ASSERT_FALSE(rows.empty());
    for (const auto& row : rows) {
      for (const auto& value : row) EXPECT_EQ(value.find("canary"), std::string::npos) << view;
    }
  }
}

// ---- neighbours ----

TEST_P(StoreContract, an_act_that_fails_does_not_fail_its_neighbours) {
  // Larger than any store keeps: the statement itself fails, in the middle of its batch.
  const Id user = login("c1").user.id;
  LocalLoop loop;
  constexpr int kActs = 200;
  int waiting = kActs, failed = 0, done = 0;
  for (int i = 0; i < kActs; ++i) {
    core::SaveProfile act;
    act.user = user;
    act.nickname = i % 50 == 7 ? std::string(2 * 1024 * 1024, 'x') : "n" + std::to_string(i);
    spawn<Result<core::User>>(store().save_profile(act), [&, i](Result<core::User> saved) {
      if (i % 50 == 7) {
        EXPECT_FALSE(saved);
        ++failed;
      } else {
        EXPECT_TRUE(saved);
        ++done;
      }
      if (--waiting == 0) loop.stop();
    });
  }
  loop.run();
  EXPECT_EQ(failed, 4);
  EXPECT_EQ(done, kActs - 4);
  EXPECT_LT(run_here(store().find_user(user)).value().nickname.size(), 5u);
  EXPECT_EQ(factory().query("SELECT count(*) FROM events WHERE kind = 'profile_saved'")[0][0], std::to_string(kActs - 4));
}

}  // namespace kaimen::contract

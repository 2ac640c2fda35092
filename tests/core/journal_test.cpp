// Refusals on record: a login that WeChat refused, a renewal, data that no session_key fits.
#include "core/journal.h"

#include "tests/core/fixture.h"

namespace kaimen::test {

namespace {

class JournalTest : public CoreTest {
 protected:
  std::vector<core::EventView> events(const std::string& kind) {
    core::ListEvents query;
    query.kind = kind;
    return run_here(services().journal.list(query)).value().events;
  }
};

}  // namespace

TEST_F(JournalTest, a_login_that_wechat_refused_is_noted_with_errcode_and_rid) {
  platform.answer("bad", failure(ErrorCode::code_invalid, 40029));
  ASSERT_FALSE(login("bad"));
  const auto noted = events("login_failed");
  ASSERT_EQ(noted.size(), 1u);
  EXPECT_EQ(noted[0].detail, R"({"code":"code_invalid","errcode":40029,"rid":"rid-40029"})");
  EXPECT_EQ(noted[0].project, "default");
}

TEST_F(JournalTest, a_login_that_never_reached_wechat_is_not_noted) {
  platform.answer("unsent", failure(ErrorCode::unavailable, 0, true));
  ASSERT_FALSE(login("unsent"));
  EXPECT_TRUE(events("login_failed").empty());
}

TEST_F(JournalTest, a_disabled_users_login_is_noted) {
  const auto made = log_in("o1");
  ASSERT_TRUE(disable(made.user.id));
  ASSERT_FALSE(login(platform.fresh_code("o1")));
  const auto noted = events("login_failed");
  ASSERT_EQ(noted.size(), 1u);
  EXPECT_EQ(noted[0].reason, Reason::disabled);
}

TEST_F(JournalTest, a_refused_renewal_is_noted_with_its_reason) {
  const auto made = log_in("o1");
  ASSERT_TRUE(log_out(made));
  ASSERT_FALSE(renew(made.tokens.renew_token));
  ASSERT_FALSE(renew("kmr1.nonsense"));
  const auto noted = events("renewal_refused");
  ASSERT_EQ(noted.size(), 1u);
  EXPECT_EQ(noted[0].reason, Reason::logged_out);
  EXPECT_EQ(noted[0].session, made.session.id);
}

TEST_F(JournalTest, of_one_dead_session_no_more_refusals_are_noted_than_one_user_may_cause) {
  const auto made = log_in("o1"), other = log_in("o2");
  ASSERT_TRUE(log_out(made));
  ASSERT_TRUE(log_out(other));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(reason_of(renew(made.tokens.renew_token)), Reason::logged_out);
  EXPECT_EQ(reason_of(renew(other.tokens.renew_token)), Reason::logged_out);
  EXPECT_EQ(one("SELECT count(*) FROM events WHERE kind = 'renewal_refused'"), "31");
}

TEST_F(JournalTest, data_that_no_key_fits_is_noted_with_the_keys_that_were_tried) {
  const auto made = log_in("o1");
  core::PhoneProof proof;
  proof.encrypted = encrypt("ZZECAwQFBgcICQoLDA0ODw==", "phone|wx1|0|13800000000");
  core::Trace trace;
  ASSERT_FALSE(run_here(services().profiles.bind_phone(subject(made), proof, &trace)));
  const auto noted = events("decrypt_failed");
  ASSERT_EQ(noted.size(), 1u);
  EXPECT_EQ(noted[0].user, made.user.id);
  // The login that brought the key says so under the same name.
  const auto logins = events("login_new_user");
  ASSERT_EQ(logins.size(), 1u);
  const std::string key = logins[0].detail.substr(std::string(R"({"session_key":")").size(), 8);
  EXPECT_EQ(noted[0].detail, R"({"part":"phone","code":"stale_session_key","keys":[")" + key + R"("]})");
}

TEST_F(JournalTest, nobody_fills_the_record_by_being_refused) {
  platform.answer("bad", failure(ErrorCode::code_invalid, 40029));
  const Error refused = failure(ErrorCode::code_invalid, 40029).error;
  for (int i = 0; i < 250; ++i) run_here(services().journal.login_failed(app(), refused, core::Source{}));
  EXPECT_LE(std::stoi(one("SELECT count(*) FROM events WHERE kind = 'login_failed'")), 120);
  EXPECT_GE(std::stoi(one("SELECT count(*) FROM events WHERE kind = 'login_failed'")), 90);
  clock.pass(1s);
  const int before = std::stoi(one("SELECT count(*) FROM events"));
  for (int i = 0; i < 250; ++i) run_here(services().journal.login_failed(app(), refused, core::Source{}));
  EXPECT_LE(std::stoi(one("SELECT count(*) FROM events")) - before, 20);
}

}  // namespace kaimen::test

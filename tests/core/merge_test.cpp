// Two users found to be one, through the whole of a login: tickets, renewal, phone.
#include "tests/core/fixture.h"

namespace kaimen::test {

namespace {

class MergeTest : public CoreTest {
 protected:
  core::LoginAnswer log_in_as(const std::string& openid, const std::string& unionid, const std::string& app_id = "wx1") {
    return login(request(platform.fresh_code(openid, unionid), app_id)).value();
  }
};

}  // namespace

TEST_F(MergeTest, a_late_unionid_moves_sessions_tickets_and_phone) {
  add_app("wx2");
  const auto named = log_in_as("web", "u1", "wx2");
  const auto own = log_in_as("mini", "");
  bind_phone(own, "13800000001");
  const auto late = log_in_as("mini", "u1");
  EXPECT_EQ(late.user.id, named.user.id);
  EXPECT_EQ(services().profiles.phone_of(late.user).value(), "+8613800000001");
  EXPECT_EQ(check(own.tokens.token), Reason::renew);
  EXPECT_EQ(check(named.tokens.token), Reason::none);
  const auto renewed = renew(own.tokens.renew_token).value();
  EXPECT_EQ(renewed.user.id, named.user.id);
  EXPECT_EQ(check(renewed.tokens.token), Reason::none);
}

TEST_F(MergeTest, an_older_session_renews_into_a_ticket_with_the_late_unionid) {
  const auto unionid_of = [this](const std::string& token) {
    core::Checker checker(services().live);
    EXPECT_EQ(checker.check(token)->reason, check::Reason::none);
    return std::string(checker.opened().claims.unionid);
  };
  const auto first = log_in_as("mini", "");
  EXPECT_EQ(unionid_of(first.tokens.token), "");
  EXPECT_EQ(unionid_of(log_in_as("mini", "u1").tokens.token), "u1");
  EXPECT_EQ(check(first.tokens.token), Reason::renew);
  const auto renewed = renew(first.tokens.renew_token).value();
  EXPECT_EQ(unionid_of(renewed.tokens.token), "u1");
  log_in_as("mini", "u1");
  EXPECT_EQ(check(renewed.tokens.token), Reason::none) << "nothing new was told";
}

TEST_F(MergeTest, an_administrator_merges_and_the_others_tickets_are_out_at_once) {
  const auto user = log_in("o1"), other = log_in("o2");
  core::Trace trace;
  const auto merged = run_here(services().merging.merge(user.user.id, other.user.id, &trace)).value();
  EXPECT_EQ(merged.id, user.user.id);
  EXPECT_EQ(check(other.tokens.token), Reason::renew);
  EXPECT_EQ(renew(other.tokens.renew_token).value().user.id, user.user.id);
  EXPECT_EQ(code_of(run_here(services().merging.merge(user.user.id, other.user.id, &trace))), ErrorCode::not_found);
}

TEST_F(MergeTest, platforms_of_wechat_share_unionids) {
  EXPECT_EQ(core::unionid_family("wechat_oauth"), "wechat");
  EXPECT_EQ(core::unionid_family("wechat"), "wechat");
  EXPECT_EQ(core::unionid_family("alipay"), "alipay");
}

}  // namespace kaimen::test

// Telling webhooks: what is sent, how it is signed, and what is made of each answer.
#include "core/webhooks.h"

#include "tests/core/fixture.h"

namespace kaimen::test {

namespace {

class WebhooksTest : public CoreTest {
 protected:
  core::MadeWebhook add(std::vector<std::string> kinds = {}) {
    core::NewWebhook webhook;
    webhook.project = "default";
    webhook.url = "https://hook.example.com/a";
    webhook.kinds = std::move(kinds);
    return run_here(services().webhooks.add(std::move(webhook))).value();
  }
  /// Sends what is due; how many that were.
  size_t send_due() {
    auto leased = run_here(services().webhooks.lease({})).value();
    for (auto& one : leased) {
      EXPECT_TRUE(run_here(services().webhooks.send(one)));
    }
    return leased.size();
  }
  std::vector<core::OutboundRequest> sent() { return outbound().sent(); }
  std::vector<core::Delivery> deliveries(const Id& webhook) {
    core::ListDeliveries query;
    query.webhook = webhook;
    return run_here(services().webhooks.deliveries(query)).value().deliveries;
  }
};

std::string header(const core::OutboundRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_F(WebhooksTest, a_delivery_is_signed_over_time_and_body) {
  const auto made = add({"user.created"});
  log_in("o1");
  ASSERT_EQ(send_due(), 1u);
  const auto requests = sent();
  ASSERT_EQ(requests.size(), 1u);
  const auto& request = requests[0];
  const std::string seconds = std::to_string(epoch_ms(clock.now()) / 1000);
  EXPECT_EQ(request.url, "https://hook.example.com/a");
  EXPECT_EQ(header(request, "X-Kaimen-Signature"),
            "t=" + seconds + ",v1=" + to_hex(crypto::hmac_sha256(made.secret.reveal(), seconds + "." + request.body)));
  const auto told = deliveries(made.row.id);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(header(request, "X-Kaimen-Delivery"), told[0].id.hex());
  EXPECT_EQ(told[0].state, core::DeliveryState::delivered);
  EXPECT_EQ(told[0].last_status, 200);
}

TEST_F(WebhooksTest, the_secret_is_not_among_what_is_stored) {
  const auto made = add();
  const auto listed = run_here(services().webhooks.list()).value();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].secret_sealed.find(made.secret.reveal()), std::string::npos);
}

TEST_F(WebhooksTest, a_refusal_or_no_answer_is_tried_again_after_ten_seconds_under_the_same_id) {
  const auto made = add({"user.created"});
  log_in("o1");
  outbound().answer([](const auto&) { return core::OutboundAnswer{500, "", ""}; });
  ASSERT_EQ(send_due(), 1u);
  EXPECT_EQ(send_due(), 0u);
  clock.pass(9s);
  EXPECT_EQ(send_due(), 0u);
  clock.pass(1s);
  outbound().answer([](const auto&) -> Result<core::OutboundAnswer> { return make_error(ErrorCode::upstream_error, "cut"); });
  ASSERT_EQ(send_due(), 1u);
  EXPECT_EQ(deliveries(made.row.id)[0].last_error, "cut");
  clock.pass(20s);
  outbound().answer([](const auto&) { return core::OutboundAnswer{204, "", ""}; });
  ASSERT_EQ(send_due(), 1u);
  const auto requests = sent();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(header(requests[0], "X-Kaimen-Delivery"), header(requests[2], "X-Kaimen-Delivery"));
  EXPECT_EQ(deliveries(made.row.id)[0].state, core::DeliveryState::delivered);
}

TEST_F(WebhooksTest, pauses_double_up_to_an_hour_and_end_after_a_day) {
  Millis all{0};
  int64_t attempts = 1;
  for (Millis before{0}; const auto pause = core::webhook_pause(attempts); ++attempts) {
    EXPECT_TRUE(before == 0ms || *pause == std::min<Millis>(before * 2, 1h));
    all += *pause;
    before = *pause;
  }
  EXPECT_EQ(core::webhook_pause(1), Millis(10s));
  EXPECT_GE(all, 23h);
  EXPECT_LE(all, 25h);
}

TEST_F(WebhooksTest, what_cannot_be_delivered_for_a_day_is_given_up_and_replayed_on_request) {
  const auto made = add({"user.created"});
  log_in("o1");
  outbound().answer([](const auto&) { return core::OutboundAnswer{500, "", ""}; });
  for (int i = 0; i < 40; ++i) {
    send_due();
    clock.pass(1h);
  }
  auto told = deliveries(made.row.id);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].state, core::DeliveryState::given_up);
  outbound().answer([](const auto&) { return core::OutboundAnswer{200, "", ""}; });
  ASSERT_TRUE(run_here(services().webhooks.replay(made.row.id, told[0].id, {})));
  ASSERT_EQ(send_due(), 1u);
  EXPECT_EQ(deliveries(made.row.id)[0].state, core::DeliveryState::delivered);
}

TEST_F(WebhooksTest, urls_and_kinds_are_checked) {
  core::NewWebhook webhook;
  webhook.project = "default";
  for (const char* url : {"", "ftp://a", "hook.example.com", "https://a b", "https://a\n"}) {
    webhook.url = url;
    EXPECT_EQ(code_of(run_here(services().webhooks.add(webhook))), ErrorCode::invalid_request) << url;
  }
  webhook.url = "https://a.example.com";
  webhook.kinds = {"user.gone"};
  EXPECT_EQ(code_of(run_here(services().webhooks.add(webhook))), ErrorCode::invalid_request);
  webhook.kinds = {};
  webhook.project = "nowhere";
  EXPECT_EQ(code_of(run_here(services().webhooks.add(webhook))), ErrorCode::invalid_request);
}

}  // namespace kaimen::test

// The error table against the contract, written out by hand from docs/api.md.
#include "api/errors.h"

#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

const std::map<std::string, int> kContract{
    {"invalid_request", 400}, {"unauthenticated", 401},   {"forbidden", 403},          {"registration_required", 403}, {"not_found", 404},
    {"conflict", 409},        {"method_not_allowed", 405}, {"code_invalid", 401},      {"code_used", 409},             {"risk_blocked", 403},
    {"stale_session_key", 409}, {"signature_invalid", 400}, {"decrypt_failed", 400},   {"content_rejected", 400},      {"payload_too_large", 413},
    {"rate_limited", 429},    {"app_misconfigured", 503}, {"upstream_busy", 503},      {"upstream_error", 502},        {"unavailable", 503},
    {"internal", 500},
};

TEST(ErrorTableTest, EveryCodeIsInTheContractWithItsStatus) {
  ASSERT_EQ(kContract.size(), static_cast<size_t>(kErrorCodeCount));
  for (int i = 0; i < kErrorCodeCount; ++i) {
    const auto code = static_cast<ErrorCode>(i);
    const auto& row = api::row_of(code);
    EXPECT_EQ(row.code, code) << "a row out of its place";
    ASSERT_TRUE(kContract.contains(std::string(name_of(code)))) << name_of(code);
    EXPECT_EQ(row.status, kContract.at(std::string(name_of(code)))) << name_of(code);
    EXPECT_FALSE(row.title.empty());
  }
}

TEST(ErrorTableTest, AProblemIsAsRfc9457HasIt) {
  Error error = make_error(ErrorCode::rate_limited, "not for clients");
  error.retry_after = Seconds(60);
  error.upstream = UpstreamFault{45011, "rid-1"};
  const auto response = api::problem(error, "r1");
  const auto body = http::parse_json(response.body).value().get_object();
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(http::to_text(body), R"({"type":"about:blank","title":"Too many requests","status":429,"code":"rate_limited","request_id":"r1","upstream":{"errcode":45011,"rid":"rid-1"},"retry_after":60})");
  const Reply reply{response.status, response.headers, response.body};
  EXPECT_EQ(reply.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(reply.header("Retry-After"), "60");
}

TEST(ErrorTableTest, TheInsideStaysInside) {
  for (const auto code : {ErrorCode::internal, ErrorCode::unavailable, ErrorCode::upstream_error, ErrorCode::upstream_busy, ErrorCode::app_misconfigured, ErrorCode::unauthenticated,
                          ErrorCode::forbidden, ErrorCode::code_invalid, ErrorCode::code_used, ErrorCode::risk_blocked, ErrorCode::rate_limited}) {
    EXPECT_EQ(api::problem(make_error(code, "SELECT secret FROM apps"), "r1").body.find("SELECT"), std::string::npos) << name_of(code);
  }
}

TEST(ErrorTableTest, EveryReasonIsInItsHeaders) {
  for (const Reason reason : {Reason::malformed, Reason::revoked, Reason::replaced, Reason::disabled, Reason::deleted, Reason::reused, Reason::logged_out, Reason::expired, Reason::renew}) {
    const auto response = api::problem(unauthenticated(reason), "r1");
    const Reply reply{response.status, response.headers, response.body};
    EXPECT_EQ(reply.text("reason"), name_of(reason));
    EXPECT_EQ(reply.header("X-Kaimen-Reason"), name_of(reason));
    EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer error=\"invalid_token\", error_description=\"" + std::string(name_of(reason)) + "\"");
  }
}

// RFC 9110, 11.6.1: every 401 names a scheme.
TEST(ErrorTableTest, ACodeThatWeChatRefusesNamesASchemeToo) {
  const auto response = api::problem(make_error(ErrorCode::code_invalid), "r1");
  const Reply reply{response.status, response.headers, response.body};
  EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer");
}

TEST(ErrorTableTest, ADisablementTellsUntilWhenAndWhy) {
  Error error = make_error(ErrorCode::forbidden);
  error.reason = Reason::disabled;
  error.until = t0;
  error.message = "see the desk";
  const Reply reply{403, {}, api::problem(error, "r1").body};
  EXPECT_EQ(reply.text("reason"), "disabled");
  EXPECT_EQ(reply.text("until"), rfc3339(t0));
  EXPECT_EQ(reply.text("message"), "see the desk");
}

class RefuseTest : public ApiTest {};

// RFC 9457, 3.1.2: the member says what the status line says.
TEST_F(RefuseTest, ARequestThatCouldNotBeReadGetsAProblemOfItsStatus) {
  for (const int status : {400, 408, 413, 414, 431, 500, 501, 503, 505}) {
    const auto response = api().refuse(status, "why", "r1");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(http::parse_json(response.body).value().at("status").get_int64(), status);
    EXPECT_EQ(http::parse_json(response.body).value().at("request_id").get_string(), "r1");
  }
}

}  // namespace
}  // namespace kaimen::test

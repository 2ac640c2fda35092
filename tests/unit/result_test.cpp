#include "base/result.h"

#include <gtest/gtest.h>

#include <set>

#include "check/ticket.h"

namespace kaimen {
namespace {

TEST(ResultNames, every_error_code_has_the_name_of_the_contract) {
  const char* const names[] = {"invalid_request",     "unauthenticated",   "forbidden",          "registration_required", "not_found",
                               "method_not_allowed",  "conflict",          "code_invalid",       "code_used",             "risk_blocked",
                               "stale_session_key",   "signature_invalid", "decrypt_failed",     "content_rejected",      "payload_too_large",
                               "rate_limited",        "app_misconfigured", "upstream_busy",      "upstream_error",        "unavailable",
                               "internal"};
  static_assert(std::size(names) == kErrorCodeCount);
  for (int i = 0; i < kErrorCodeCount; ++i) EXPECT_EQ(name_of(static_cast<ErrorCode>(i)), names[i]);
}
TEST(ResultNames, an_unknown_error_code_is_internal) { EXPECT_EQ(name_of(static_cast<ErrorCode>(200)), "internal"); }

TEST(ResultNames, every_reason_has_the_name_of_the_contract_and_the_value_that_is_stored) {
  const char* const names[] = {"none",     "missing", "malformed", "revoked",    "replaced", "disabled",
                               "deleted",  "reused",  "logged_out", "expired",   "renew"};
  for (size_t i = 0; i < std::size(names); ++i) EXPECT_EQ(name_of(static_cast<Reason>(i)), names[i]);
}
TEST(ResultNames, the_check_has_the_same_reasons) {
  EXPECT_EQ(static_cast<int>(check::Reason::none), static_cast<int>(Reason::none));
  EXPECT_EQ(static_cast<int>(check::Reason::missing), static_cast<int>(Reason::missing));
  EXPECT_EQ(static_cast<int>(check::Reason::malformed), static_cast<int>(Reason::malformed));
  EXPECT_EQ(static_cast<int>(check::Reason::revoked), static_cast<int>(Reason::revoked));
  EXPECT_EQ(static_cast<int>(check::Reason::replaced), static_cast<int>(Reason::replaced));
  EXPECT_EQ(static_cast<int>(check::Reason::disabled), static_cast<int>(Reason::disabled));
  EXPECT_EQ(static_cast<int>(check::Reason::deleted), static_cast<int>(Reason::deleted));
  EXPECT_EQ(static_cast<int>(check::Reason::reused), static_cast<int>(Reason::reused));
  EXPECT_EQ(static_cast<int>(check::Reason::logged_out), static_cast<int>(Reason::logged_out));
  EXPECT_EQ(static_cast<int>(check::Reason::expired), static_cast<int>(Reason::expired));
  EXPECT_EQ(static_cast<int>(check::Reason::renew), static_cast<int>(Reason::renew));
}

Result<int> half(int value) {
  if (value % 2 != 0) return make_error(ErrorCode::conflict, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  TRY(const int first, half(value));
  return half(first);
}
TEST(Result, try_hands_the_value_on) { EXPECT_EQ(quarter(12).value(), 3); }
TEST(Result, try_returns_the_error) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::conflict);
  EXPECT_EQ(result.error().detail, "odd");
}
TEST(Result, unauthenticated_carries_its_reason) {
  const Error error = unauthenticated(Reason::reused);
  EXPECT_EQ(error.code, ErrorCode::unauthenticated);
  EXPECT_EQ(error.reason, Reason::reused);
}

}  // namespace
}  // namespace kaimen

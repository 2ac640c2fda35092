// Result<T>: a value or an Error. Errors are values with a closed code (docs/api.md lists the same codes); the detail is for the log
// and for the developer, never a secret. Nothing in Kaimen throws across a folder's border.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/coroutine_support.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/try.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kaimen {

/// What went wrong, as the HTTP contract names it. Stored in events and sent to clients by name; do not rename.
enum class ErrorCode : uint8_t {
  invalid_request,
  unauthenticated,
  forbidden,
  registration_required,
  not_found,
  method_not_allowed,
  conflict,
  code_invalid,
  code_used,
  risk_blocked,
  stale_session_key,
  signature_invalid,
  decrypt_failed,
  content_rejected,
  payload_too_large,
  rate_limited,
  app_misconfigured,
  upstream_busy,
  upstream_error,
  unavailable,
  internal,
};
inline constexpr int kErrorCodeCount = static_cast<int>(ErrorCode::internal) + 1;

/// The name of the contract, e.g. "code_used".
std::string_view name_of(ErrorCode code);

/// Why a ticket is not accepted. `none` means it is. Values are stored in revocation rows and in the published state; do not change.
enum class Reason : uint8_t {
  none = 0,
  missing = 1,
  malformed = 2,
  revoked = 3,
  replaced = 4,
  disabled = 5,
  deleted = 6,
  reused = 7,
  logged_out = 8,
  expired = 9,
  renew = 10,
};
/// The name of the contract, e.g. "logged_out"; "none" for none.
std::string_view name_of(Reason reason);

/// What WeChat said: its errcode, and the rid its support asks for. Never its errmsg.
struct UpstreamFault {
  int64_t errcode = 0;
  std::string rid;
};

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string detail;                       ///< For the developer; sent for invalid_request and the like, logged for all. No secrets.
  Reason reason = Reason::none;             ///< With unauthenticated, and with forbidden (disabled).
  std::optional<UpstreamFault> upstream{};  ///< When WeChat's answer is the cause.
  std::optional<std::chrono::seconds> retry_after{};
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> until{};  ///< With forbidden/disabled: when it ends.
  std::string message{};                                                     ///< With forbidden/disabled: the operator's words to the user.
};

inline Error make_error(ErrorCode code, std::string detail = {}) { return Error{code, std::move(detail)}; }
inline Error unauthenticated(Reason reason) {
  Error error{ErrorCode::unauthenticated, {}};
  error.reason = reason;
  return error;
}

template <class T = void>
using Result = BOOST_OUTCOME_V2_NAMESPACE::basic_result<T, Error, BOOST_OUTCOME_V2_NAMESPACE::policy::terminate>;

inline auto ok() { return BOOST_OUTCOME_V2_NAMESPACE::success(); }

}  // namespace kaimen

/// TRY(auto x, f()) — x, or return the error. CO_TRY the same inside a Task (name an awaited value first: `auto r = co_await f(); CO_TRY(auto x, std::move(r));`).
#define TRY(...) BOOST_OUTCOME_TRY(__VA_ARGS__)
#define CO_TRY(...) BOOST_OUTCOME_CO_TRY(__VA_ARGS__)

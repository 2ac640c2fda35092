#include "base/result.h"

namespace kaimen {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_request: return "invalid_request";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::forbidden: return "forbidden";
    case ErrorCode::registration_required: return "registration_required";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::method_not_allowed: return "method_not_allowed";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::code_invalid: return "code_invalid";
    case ErrorCode::code_used: return "code_used";
    case ErrorCode::risk_blocked: return "risk_blocked";
    case ErrorCode::stale_session_key: return "stale_session_key";
    case ErrorCode::signature_invalid: return "signature_invalid";
    case ErrorCode::decrypt_failed: return "decrypt_failed";
    case ErrorCode::content_rejected: return "content_rejected";
    case ErrorCode::payload_too_large: return "payload_too_large";
    case ErrorCode::rate_limited: return "rate_limited";
    case ErrorCode::app_misconfigured: return "app_misconfigured";
    case ErrorCode::upstream_busy: return "upstream_busy";
    case ErrorCode::upstream_error: return "upstream_error";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::none: return "none";
    case Reason::missing: return "missing";
    case Reason::malformed: return "malformed";
    case Reason::revoked: return "revoked";
    case Reason::replaced: return "replaced";
    case Reason::disabled: return "disabled";
    case Reason::deleted: return "deleted";
    case Reason::reused: return "reused";
    case Reason::logged_out: return "logged_out";
    case Reason::expired: return "expired";
    case Reason::renew: return "renew";
  }
  return "none";
}

}  // namespace kaimen

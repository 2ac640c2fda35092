// How long a revocation must be known: until 2 h past the end of the longest ticket there can be, whatever the app's setting is by now.
#pragma once

#include "base/clock.h"
#include "base/limits.h"

namespace kaimen::core {

inline constexpr Seconds kLongestTicket{86400};  // the cap of AppSettings::ticket_seconds and of check::AppState::life_cap_s

inline Time revocations_until(Time now) { return now + kLongestTicket + limits::kAfterTicketEnd; }

}  // namespace kaimen::core

// How much one user may cause in a minute, whichever route it is asked by: of what is dear (questions to WeChat on the client's word (phone
// codes, codes of further identities, whether a session_key stands, names and avatars to be checked), passwords to be hashed, sessions of
// web-views), and of what is written down, for each save leaves an event that is kept for a year. Counted on each node, like all rates
// (docs/decisions/0018).
#pragma once

#include "base/id.h"
#include "base/result.h"
#include "core/rates.h"

namespace kaimen::core {

class UserRates {
 public:
  static constexpr int64_t kPerMinute = 30;

  /// Counts one of the user's. Error: rate_limited with retry_after.
  Result<> admit(const Id& user, Time now) {
    if (const auto wait = users_.count(std::string(user.raw()), kPerMinute, now)) return rate_limited("too many of these a minute by this user", *wait);
    return ok();
  }

 private:
  static constexpr size_t kUsers = 200'000;
  Rates users_{kUsers};
};

}  // namespace kaimen::core

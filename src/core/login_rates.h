// How many logins a minute an app takes, and an address: its settings logins_per_minute and logins_per_address_per_minute, counted on each
// node. They guard against one app's storm and one address's guessing; whoever shares an address with hundreds of phones is not held up.
#pragma once

#include <string>

#include "core/rates.h"
#include "core/types.h"

namespace kaimen::core {

class LoginRates {
 public:
  /// Counts a login. `address`: of the client; empty: unknown, and then only the app's limit holds. Where the app has not set the limit of an
  /// address, this machine's own addresses have none: there, a proxy that is not among the trusted ones speaks for everybody.
  /// Error: rate_limited.
  Result<> admit(const App& app, const std::string& address, Time now);
  /// Counts a login by the platform's data pre-fetch, of which anybody may pretend to be one: apart, so that nobody else's is held up by them.
  /// Error: rate_limited.
  Result<> admit_prefetched(const App& app, Time now);

 private:
  static constexpr size_t kApps = 20'000, kAddresses = 200'000;
  Rates apps_{kApps}, addresses_{kAddresses}, prefetched_{kApps};
};

/// An address as it is counted: IPv6 by its first 64 bits, of which one customer has all.
std::string counted_address(const std::string& address);

}  // namespace kaimen::core

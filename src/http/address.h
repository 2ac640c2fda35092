// Whether an address lies in configured blocks; for callers that must not meet Asio's headers (see networks.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kaimen::http {

/// `address`: "203.0.113.9" or "2001:db8::1"; `blocks`: addresses or CIDR blocks. False for what cannot be read.
bool address_in(std::string_view address, const std::vector<std::string>& blocks);

}  // namespace kaimen::http

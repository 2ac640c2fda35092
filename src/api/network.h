// Whether an address lies in one of the configured blocks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kaimen::api {

/// `address`: "203.0.113.9" or "2001:db8::1"; `blocks`: addresses or CIDR blocks. False for what cannot be read.
bool address_in(std::string_view address, const std::vector<std::string>& blocks);

}  // namespace kaimen::api

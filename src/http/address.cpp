#include "http/address.h"

#include "http/networks.h"

namespace kaimen::http {

bool address_in(std::string_view address, const std::vector<std::string>& blocks) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(std::string(address), error);
  if (error) return false;
  Networks networks;
  for (const auto& block : blocks) networks.add(block);
  return networks.contains(parsed);
}

}  // namespace kaimen::http

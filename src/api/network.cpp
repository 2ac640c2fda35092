#include "api/network.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace kaimen::api {

namespace {

struct Address {
  std::array<uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
  bool v4 = false;
};

std::optional<Address> read(std::string_view text) {
  const std::string copy(text);
  Address address;
  in_addr v4{};
  if (::inet_pton(AF_INET, copy.c_str(), &v4) == 1) {
    address.v4 = true;
    address.bytes[10] = address.bytes[11] = 0xff;
    std::memcpy(address.bytes.data() + 12, &v4, 4);
    return address;
  }
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

}  // namespace

bool address_in(std::string_view text, const std::vector<std::string>& blocks) {
  const auto address = read(text);
  if (!address) return false;
  for (const std::string_view block : blocks) {
    const size_t slash = block.find('/');
    const auto base = read(block.substr(0, slash));
    if (!base) continue;
    unsigned bits = 128;
    if (slash != block.npos) {
      const std::string_view number = block.substr(slash + 1);
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
      if (error != std::errc{} || end != number.data() + number.size() || bits > (base->v4 ? 32U : 128U)) continue;
      if (base->v4) bits += 96;
    }
    bool same = true;
    for (unsigned bit = 0; same && bit < bits; ++bit) {
      const unsigned mask = 0x80U >> (bit % 8);
      same = (address->bytes[bit / 8] & mask) == (base->bytes[bit / 8] & mask);
    }
    if (same) return true;
  }
  return false;
}

}  // namespace kaimen::api

#include "http/networks.h"

#include <charconv>

namespace kaimen::http {

namespace ip = boost::asio::ip;

namespace {

ip::address_v6::bytes_type wide(const ip::address& address) {
  return address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()).to_bytes() : address.to_v6().to_bytes();
}

std::optional<ip::address> parse_address(std::string_view text) {
  boost::system::error_code error;
  const auto address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  return unmapped(address);
}

// Some proxies add the port: "203.0.113.7:4711", "[2001:db8::1]:4711".
std::optional<ip::address> parse_forwarded(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    return end == text.npos ? std::nullopt : parse_address(text.substr(1, end - 1));
  }
  if (const size_t colon = text.find(':'); colon != text.npos && colon == text.rfind(':')) text = text.substr(0, colon);
  return parse_address(text);
}

}  // namespace

ip::address unmapped(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

bool Networks::add(std::string_view text) {
  if (text == "unix") {
    unix_ = true;
    return true;
  }
  const size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return false;
  unsigned prefix = 128;
  if (slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size() || prefix > (address->is_v4() ? 32U : 128U)) return false;
    if (address->is_v4()) prefix += 96;
  }
  blocks_.push_back({wide(*address), prefix});
  return true;
}

bool Networks::contains(const ip::address& address) const {
  const auto bytes = wide(address);
  for (const auto& block : blocks_) {
    bool same = true;
    for (unsigned bit = 0; bit < block.prefix && same; bit += 8) {
      const unsigned left = block.prefix - bit;
      const auto mask = static_cast<uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
      same = (bytes[bit / 8] & mask) == (block.bytes[bit / 8] & mask);
    }
    if (same) return true;
  }
  return false;
}

bool Networks::contains(const Peer& peer) const {
  if (peer.is_unix) return unix_;
  if (blocks_.empty()) return false;
  const auto address = parse_address(peer.address);
  return address && contains(*address);
}

std::optional<std::string> forwarded_for(const Request& request, const Networks& trusted) {
  std::optional<std::string> nearest;
  for (auto header = request.headers.rbegin(); header != request.headers.rend(); ++header) {
    if (!name_is(header->name, "X-Forwarded-For")) continue;
    for (std::string_view rest = header->value; !rest.empty();) {
      const size_t comma = rest.rfind(',');
      const auto address = parse_forwarded(comma == rest.npos ? rest : rest.substr(comma + 1));
      rest = rest.substr(0, comma == rest.npos ? 0 : comma);
      if (!address) return nearest;  // nothing left of an unreadable entry can be vouched for
      nearest = address->to_string();
      if (!trusted.contains(*address)) return nearest;
    }
  }
  return nearest;
}

}  // namespace kaimen::http

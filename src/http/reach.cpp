#include "http/reach.h"

#include <array>

namespace kaimen::http {

namespace ip = boost::asio::ip;

namespace {

Networks networks(std::initializer_list<std::string_view> blocks) {
  Networks all;
  for (const auto block : blocks) all.add(block);
  return all;
}

// IPv6 that wraps an IPv4 address is as good as that address.
ip::address unwrapped(const ip::address& given) {
  const ip::address address = unmapped(given);
  if (!address.is_v6()) return address;
  const auto bytes = address.to_v6().to_bytes();
  const auto v4_at = [&bytes](size_t i) { return ip::address(ip::address_v4({bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]})); };
  static const Networks nat64 = networks({"64:ff9b::/96"}), six_to_four = networks({"2002::/16"}), compatible = networks({"::/96"});
  if (nat64.contains(address) || compatible.contains(address)) return v4_at(12);
  if (six_to_four.contains(address)) return v4_at(2);
  return address;
}

}  // namespace

bool is_public(const ip::address& given) {
  static const Networks special = networks({"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                                            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
                                            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32",
                                            "3fff::/20"});
  static const Networks unicast = networks({"2000::/3"});
  const ip::address address = unwrapped(given);
  return !special.contains(address) && (address.is_v4() || unicast.contains(address));
}

bool is_metadata(const ip::address& given) {
  // AWS, Azure, GCP, Tencent (link-local); Alibaba; Azure's other one; AWS over IPv6.
  static const Networks shut = networks({"169.254.0.0/16", "fe80::/10", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"});
  return shut.contains(unwrapped(given));
}

}  // namespace kaimen::http

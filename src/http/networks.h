// Sets of addresses (trusted_proxies), and what a trusted proxy says about the client it speaks for.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace kaimen::http {

class Networks {
 public:
  /// Adds "203.0.113.7", "10.0.0.0/8", "2001:db8::/32" or "unix". False: none of these.
  bool add(std::string_view text);
  bool contains(const boost::asio::ip::address& address) const;
  bool contains(const Peer& peer) const;

 private:
  struct Block {
    boost::asio::ip::address_v6::bytes_type bytes;  // IPv4 as ::ffff:a.b.c.d
    unsigned prefix;
  };
  std::vector<Block> blocks_;
  bool unix_ = false;
};

/// An IPv4-mapped address as plain IPv4.
boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

/// The rightmost address in X-Forwarded-For that is not itself a trusted proxy; nullopt when the header names none. Only for requests
/// that a trusted proxy sent: anybody may write what stands to the left of it.
std::optional<std::string> forwarded_for(const Request& request, const Networks& trusted);

}  // namespace kaimen::http

// Which addresses may be reached by URLs that are set at run time: public ones, and private ones that the configuration file allows. What
// counts is the address that is connected to, after the name was looked up, so no notation and no name helps (docs/security.md, U2).
#pragma once

#include <boost/asio/ip/address.hpp>

#include "http/networks.h"

namespace kaimen::http {

/// Global unicast, as IANA's special-purpose registries (RFC 6890) have it.
bool is_public(const boost::asio::ip::address& address);
/// Where clouds hand out credentials to their machines; also among the link-local addresses: never reached, whatever is allowed.
bool is_metadata(const boost::asio::ip::address& address);

inline bool may_reach(const boost::asio::ip::address& address, const Networks& allowed) {
  return !is_metadata(address) && (is_public(address) || allowed.contains(address));
}

}  // namespace kaimen::http

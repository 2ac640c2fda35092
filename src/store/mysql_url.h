// Where a MySQL-protocol database is, as `store.url` says it:
//
//   mysql://user:password@host1:3306,host2/database?tls=verify&tls_ca=/etc/ssl/db.pem
//   mysql://user@/database?socket=/run/mysqld/mysqld.sock
//
// mariadb:// is the same. User, password, database and values are percent-decoded. Nothing here repeats any part of a URL in an error:
// it may hold a password.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace kaimen::store {

struct MysqlUrl {
  enum class Tls : uint8_t {
    off,
    required,  ///< Encrypted; whoever answers is believed.
    verify,    ///< Encrypted, and the certificate is good for the host's name.
  };
  struct Host {
    std::string name;  ///< A name or an address, IPv6 without brackets.
    uint16_t port = 3306;
  };
  std::string user;
  Secret password;
  std::vector<Host> hosts;  ///< Tried in this order. Empty where `socket` is set.
  std::string socket;
  std::string database;
  Tls tls = Tls::off;  ///< Where the URL says nothing: required, but off if every host is this machine.
  std::string tls_ca;  ///< A file of certificates; empty: the system's.
};

/// Error: invalid_request, saying which part is wrong.
Result<MysqlUrl> parse_mysql_url(std::string_view url);

}  // namespace kaimen::store

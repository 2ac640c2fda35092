// What somebody would write by hand who wanted just a login's rows in PostgreSQL or MariaDB, and wanted them fast: many rows a statement,
// few ways over the network, one connection. It checks nothing, so it is the price of the rows alone.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/id.h"

namespace kaimen::bench {

/// The first login of a user.
struct PlainLogin {
  std::string openid, code_hash;
  Id user, owner, session, event;
};

class PlainEngine {
 public:
  virtual ~PlainEngine() = default;
  /// One transaction each. The claims are those that login() then turns into logins.
  virtual void claim(std::span<const PlainLogin> logins, int64_t now) = 0;
  virtual void login(std::span<const PlainLogin> logins, int64_t now) = 0;
};

/// Of a database that has the store's schema. The process ends when it cannot be reached.
std::unique_ptr<PlainEngine> open_plain_postgres(const std::string& url);
std::unique_ptr<PlainEngine> open_plain_mysql(const std::string& url);

}  // namespace kaimen::bench

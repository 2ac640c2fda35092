// The engine of the MySQL protocol: MariaDB, Galera, MySQL 8; written for TiDB and OceanBase too.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/engine.h"

namespace kaimen::store {

/// Does not connect: begin() and time() do. Error: invalid_request (the URL, see mysql_url.h).
Result<std::unique_ptr<Engine>> open_mysql(const std::string& url);

/// Whether open_mysql would take the URL. Error: invalid_request.
Result<> check_mysql_url(const std::string& url);

}  // namespace kaimen::store

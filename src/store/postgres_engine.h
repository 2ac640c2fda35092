// PostgreSQL, and what speaks its protocol and dialect. A transaction costs two ways over the network: BEGIN goes with the first reads, and
// COMMIT with the writes.
#pragma once

#include <memory>
#include <string>

#include "store/engine.h"

namespace kaimen::store {

/// An engine for `url` (postgres://user:password@host:5432,host2:5432/database?sslmode=verify-full…), which libpq reads as it is. Connects
/// when it is first used, and again after a connection was lost. Error: invalid_request (the URL's form; never repeats a part of it).
Result<std::unique_ptr<Engine>> open_postgres(const std::string& url);

}  // namespace kaimen::store

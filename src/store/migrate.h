// Brings a database to the schema of this binary.
#pragma once

#include "store/database.h"

namespace kaimen::store {

/// Applies what is missing, all of it in one transaction. Errors: invalid_request (another program's database, or a newer Kaimen's),
/// unavailable.
Result<> migrate(Database& db, Time now);

}  // namespace kaimen::store

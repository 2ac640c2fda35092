// The part of `kaimen check` that is about the store: a SQLite file, or a database server and what its user may do there.
#pragma once

#include <vector>

#include "app/check.h"
#include "base/clock.h"

namespace kaimen::app {

/// Of a store on a database server also: whether it takes writes, privileges, durability, isolation, and its clock beside `clock`. A SQLite
/// file must be nobody else's at the moment. Changes nothing.
std::vector<Finding> check_store(const Config& config, const Clock& clock);

}  // namespace kaimen::app

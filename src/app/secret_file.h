// A file that holds a secret: the master key, the database's password.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace kaimen::app {

/// Its content, at most 4 KiB of it, as it stands. Error: invalid_request with the cause in words (not there, not a regular file, owned by
/// another user than this one and root, a mode wider than 0600).
Result<Secret> read_secret_file(const std::string& path);

}  // namespace kaimen::app

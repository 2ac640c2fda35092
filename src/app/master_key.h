// The master key: 32 bytes that seal what the database must not know in clear. There is no default one. A key that others can read,
// that is short or that is no randomness at all stops the start (docs/security.md, K2).
#pragma once

#include <string>
#include <string_view>

#include "app/config.h"
#include "app/failure.h"
#include "base/random.h"
#include "base/secret.h"

namespace kaimen::app {

/// KAIMEN_MASTER_KEY, else the file. Failure: exit status 2, with how to make a key.
OrFail<Secret> load_master_key(const Config& config);

/// A regular file with mode 0600 or narrower, owned by this user or root, holding what parse_master_key reads.
OrFail<Secret> read_master_key_file(const std::string& path);

/// 32 raw bytes, or the base64 or hex text of 32 bytes with at most one newline behind. `place` names the source in the failure.
OrFail<Secret> parse_master_key(std::string_view text, const std::string& place);

/// Dev mode: reads the file, or makes it with a fresh key and mode 0600.
OrFail<Secret> read_or_make_master_key(const std::string& path, Random& random);

}  // namespace kaimen::app

// The master key: 32 bytes that seal what the database must not know in clear. There is no default one. A key that others can read,
// that is short or that is no randomness at all stops the start (docs/security.md, K2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/config.h"
#include "app/failure.h"
#include "base/random.h"
#include "base/secret.h"

namespace kaimen::app {

/// KAIMEN_MASTER_KEY, else the file. Failure: exit status 2, with how to make a key.
OrFail<Secret> load_master_key(const Config& config);

/// KAIMEN_MASTER_KEY_OTHER, else master_key_other_file; nullopt where neither is set. Failure: as above.
OrFail<std::optional<Secret>> load_other_master_key(const Config& config);

/// What a node holds: `current` seals, both open.
struct MasterKeyPair {
  Secret current;
  std::optional<Secret> other;
};

/// A fresh key in base64, with a newline.
OrFail<Secret> generate_master_key(Random& random);
/// Writes one to a file that is not there yet, with mode 0600; nothing is left of it where that fails. Failure: it is there; it cannot be
/// written.
OrFail<> write_master_key(const std::string& path, const Secret& text);

/// A regular file with mode 0600 or narrower, owned by this user or root, holding what parse_master_key reads.
OrFail<Secret> read_master_key_file(const std::string& path);

/// 32 raw bytes, or the base64 or hex text of 32 bytes with at most one newline behind. `place` names the source in the failure.
OrFail<Secret> parse_master_key(std::string_view text, const std::string& place);

/// Dev mode: reads the file, or makes it with a fresh key and mode 0600.
OrFail<Secret> read_or_make_master_key(const std::string& path, Random& random);

}  // namespace kaimen::app

// Password hashes: Argon2id with 19 MiB, two passes, one lane (OWASP's first choice of small memory), in Argon2's own text form, which names
// its parameters. One takes some tens of milliseconds: not on a thread that serves requests (core/password_thread.h).
#pragma once

#include <string>

#include "base/random.h"
#include "base/secret.h"

namespace kaimen::crypto {

/// "$argon2id$v=19$m=19456,t=2,p=1$salt$hash" under a fresh salt. Errors: unavailable (no randomness, no memory).
Result<std::string> hash_password(const Secret& password, Random& random);
/// Whether `hash` is of this password. Takes as long for the right one as for a wrong one. Error: unavailable (no memory).
Result<bool> is_password(const std::string& hash, const Secret& password);
/// A hash of nothing anybody could type: what is compared where there is no account, so that it takes as long.
const std::string& nobodys_hash();

}  // namespace kaimen::crypto

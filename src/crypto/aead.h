// AES-256-GCM with a fresh random nonce for every seal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"

namespace kaimen::crypto {

/// nonce 12 | ciphertext | tag 16. `key` is 32 bytes. Error: unavailable (no randomness), internal (libcrypto).
Result<std::string> aead_seal(std::string_view key, std::string_view additional_data, std::string_view plaintext, Random& random);
/// nullopt: not sealed by this key with this additional data, or changed.
std::optional<std::string> aead_open(std::string_view key, std::string_view additional_data, std::string_view sealed);

}  // namespace kaimen::crypto

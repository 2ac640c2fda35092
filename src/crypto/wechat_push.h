// The envelope of WeChat's message push: AES-256-CBC with PKCS#7 to blocks of 32, around 16 random bytes, the length in 4 big-endian bytes,
// the message, and the appid it is for. The signature, not the encryption, says that it is whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace kaimen::crypto {

/// Lower-case hex SHA-1 over the parts, sorted byte by byte and joined. With Encrypt among them it is msg_signature, without it the
/// signature of the check of the URL.
std::string push_signature(std::vector<std::string_view> parts);

/// The 32 bytes of an EncodingAESKey of 43 characters, whose spare bits WeChat does not keep at zero. nullopt: it is none.
std::optional<Secret> push_key(std::string_view encoding_aes_key);

/// The message in `encrypted` (base64). nullopt: it does not open with `key` (32 bytes), or is for another than `app_id`.
std::optional<std::string> open_push(const Secret& key, std::string_view encrypted, std::string_view app_id);
/// The inverse. Errors: unavailable (no randomness), internal.
Result<std::string> seal_push(const Secret& key, std::string_view message, std::string_view app_id, Random& random);

}  // namespace kaimen::crypto

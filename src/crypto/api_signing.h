// The envelope of WeChat's API signing and encryption, with AES256_GCM and RSAwithSHA256
// (https://developers.weixin.qq.com/miniprogram/dev/server/getting_started/api_signature.html). Both sides use it: we and the sandbox.
//
// `url` is the call's with scheme and host and without query; `timestamp` in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace kaimen::crypto {

/// Of one message of one key: who it is for.
struct ApiMessage {
  std::string url, app_id;
  int64_t timestamp = 0;
};
/// The members of the JSON that is sent, in base64.
struct ApiEnvelope {
  std::string iv, data, authtag;
};

/// What is signed: url, app_id, timestamp and the body, a line each and no line break behind.
std::string api_signed_text(const ApiMessage& message, std::string_view body);

/// `key`: 32 bytes, whose number is `key_sn`. Errors: unavailable (no randomness), internal.
Result<ApiEnvelope> seal_api(const Secret& key, std::string_view key_sn, const ApiMessage& message, std::string_view plaintext, Random& random);
/// nullopt: not sealed by this key for this message.
std::optional<std::string> open_api(const Secret& key, std::string_view key_sn, const ApiMessage& message, const ApiEnvelope& envelope);

}  // namespace kaimen::crypto

#include "crypto/api_signing.h"

#include "base/encoding.h"
#include "crypto/aead.h"

namespace kaimen::crypto {

namespace {

constexpr size_t kIvBytes = 12, kTagBytes = 16;

std::string additional_data(const ApiMessage& message, std::string_view key_sn) {
  return message.url + '|' + message.app_id + '|' + std::to_string(message.timestamp) + '|' + std::string(key_sn);
}

}  // namespace

std::string api_signed_text(const ApiMessage& message, std::string_view body) {
  std::string text = message.url + '\n' + message.app_id + '\n' + std::to_string(message.timestamp) + '\n';
  return text.append(body);
}

Result<ApiEnvelope> seal_api(const Secret& key, std::string_view key_sn, const ApiMessage& message, std::string_view plaintext, Random& random) {
  // nonce | ciphertext | tag
  TRY(const std::string sealed, aead_seal(key.reveal(), additional_data(message, key_sn), plaintext, random));
  const std::string_view parts = sealed;
  return ApiEnvelope{to_base64(parts.substr(0, kIvBytes)), to_base64(parts.substr(kIvBytes, parts.size() - kIvBytes - kTagBytes)),
                     to_base64(parts.substr(parts.size() - kTagBytes))};
}

std::optional<std::string> open_api(const Secret& key, std::string_view key_sn, const ApiMessage& message, const ApiEnvelope& envelope) {
  const auto iv = from_base64(envelope.iv), data = from_base64(envelope.data), tag = from_base64(envelope.authtag);
  if (!iv || !data || !tag || iv->size() != kIvBytes || tag->size() != kTagBytes) return std::nullopt;
  return aead_open(key.reveal(), additional_data(message, key_sn), *iv + *data + *tag);
}

}  // namespace kaimen::crypto

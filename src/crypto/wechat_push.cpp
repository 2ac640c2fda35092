#include "crypto/wechat_push.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/cbc.h"
#include "crypto/hash.h"

namespace kaimen::crypto {

namespace {

constexpr size_t kRandomBytes = 16, kLengthBytes = 4, kHead = kRandomBytes + kLengthBytes, kPadBlock = 32;

std::string_view iv_of(const Secret& key) { return std::string_view(key.reveal()).substr(0, 16); }

}  // namespace

std::string push_signature(std::vector<std::string_view> parts) {
  std::sort(parts.begin(), parts.end());
  std::string joined;
  for (const auto part : parts) joined.append(part);
  return to_hex(sha1(joined));
}

std::optional<Secret> push_key(std::string_view encoding_aes_key) {
  if (encoding_aes_key.size() != 43) return std::nullopt;
  auto bytes = from_base64_lenient(std::string(encoding_aes_key) + "=");
  if (!bytes || bytes->size() != 32) return std::nullopt;
  return Secret(std::move(*bytes));
}

std::optional<std::string> open_push(const Secret& key, std::string_view encrypted, std::string_view app_id) {
  if (key.size() != 32) return std::nullopt;
  // Blanks at its ends are signed, but are no base64.
  constexpr std::string_view blanks = " \t\r\n";
  const size_t from = std::min(encrypted.find_first_not_of(blanks), encrypted.size());
  encrypted = encrypted.substr(from, encrypted.find_last_not_of(blanks) + 1 - from);
  const auto bytes = from_base64(encrypted);
  const auto plain = bytes ? aes_cbc_decrypt(key.reveal(), iv_of(key), *bytes, kPadBlock) : std::nullopt;
  if (!plain || plain->size() < kHead) return std::nullopt;
  size_t length = 0;
  for (size_t i = kRandomBytes; i < kHead; ++i) length = length << 8 | static_cast<uint8_t>((*plain)[i]);
  if (length > plain->size() - kHead || std::string_view(*plain).substr(kHead + length) != app_id) return std::nullopt;
  return plain->substr(kHead, length);
}

Result<std::string> seal_push(const Secret& key, std::string_view message, std::string_view app_id, Random& random) {
  TRY(const auto noise, random.bytes<kRandomBytes>());
  std::string plain(noise.begin(), noise.end());
  for (int shift = 24; shift >= 0; shift -= 8) plain.push_back(static_cast<char>(message.size() >> shift & 0xff));
  plain.append(message).append(app_id);
  const auto sealed = key.size() == 32 ? aes_cbc_encrypt(key.reveal(), iv_of(key), plain, kPadBlock) : std::nullopt;
  if (!sealed) return make_error(ErrorCode::internal, "a push could not be encrypted");
  return to_base64(*sealed);
}

}  // namespace kaimen::crypto

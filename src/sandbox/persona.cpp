#include "sandbox/persona.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace kaimen::sandbox {

namespace {

// The parts are separated by a byte that UTF-8 never holds, so that no two pairs of names read the same.
std::string digest_of(std::string_view kind, std::string_view scope, std::string_view user) {
  std::string text(kind);
  text.append("\xff").append(scope).append("\xff").append(user);
  return crypto::sha256(text);
}

std::string subject_of(const std::string& digest) { return "o" + to_base64url(digest).substr(0, 27); }

template <size_t N>
Result<std::string> random_bytes(Random& random) {
  TRY(const auto bytes, random.bytes<N>());
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

std::string openid_of(std::string_view appid, std::string_view user) { return subject_of(digest_of("openid", appid, user)); }
std::string unionid_of(std::string_view open_platform, std::string_view user) {
  return subject_of(digest_of("unionid", open_platform, user));
}

std::string phone_of(std::string_view user) {
  const std::string digest = digest_of("phone", "", user);
  std::string number = "1";
  number.push_back(static_cast<char>('3' + static_cast<uint8_t>(digest[0]) % 7));
  for (size_t i = 1; i <= 9; ++i) number.push_back(static_cast<char>('0' + static_cast<uint8_t>(digest[i]) % 10));
  return number;
}

Result<std::string> make_session_key(Random& random) {
  TRY(const auto bytes, random_bytes<16>(random));
  return to_base64(bytes);
}

Result<std::string> make_login_code(Random& random) {
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  TRY(const auto bytes, random_bytes<31>(random));
  std::string code = "0";
  for (const char byte : bytes) code.push_back(letters[static_cast<uint8_t>(byte) % letters.size()]);
  return code;
}

Result<std::string> make_phone_code(Random& random) {
  TRY(const auto bytes, random_bytes<32>(random));
  return to_hex(bytes);
}

Result<std::string> make_access_token(Random& random) {
  TRY(const auto bytes, random_bytes<99>(random));
  return "98_x" + to_base64url(bytes);
}

Result<std::string> make_rid(Random& random) {
  TRY(const auto bytes, random_bytes<12>(random));
  const std::string hex = to_hex(bytes);
  return hex.substr(0, 8) + "-" + hex.substr(8, 8) + "-" + hex.substr(16, 8);
}

}  // namespace kaimen::sandbox

#include "crypto/password.h"

#include <argon2.h>

namespace kaimen::crypto {

namespace {

constexpr uint32_t kMemoryKib = 19 * 1024, kPasses = 2, kLanes = 1;
constexpr size_t kSaltBytes = 16, kHashBytes = 32;

}  // namespace

Result<std::string> hash_password(const Secret& password, Random& random) {
  TRY(const auto salt, random.bytes<kSaltBytes>());
  std::string text(argon2_encodedlen(kPasses, kMemoryKib, kLanes, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const std::string& plain = password.reveal();
  const int failed = argon2id_hash_encoded(kPasses, kMemoryKib, kLanes, plain.data(), plain.size(), salt.data(), salt.size(), kHashBytes, text.data(),
                                           text.size());
  if (failed != ARGON2_OK) return make_error(ErrorCode::unavailable, std::string("argon2: ") + argon2_error_message(failed));
  text.resize(text.find('\0'));
  return text;
}

Result<bool> is_password(const std::string& hash, const Secret& password) {
  const std::string& plain = password.reveal();
  const int failed = argon2id_verify(hash.c_str(), plain.data(), plain.size());
  if (failed == ARGON2_OK) return true;
  if (failed == ARGON2_VERIFY_MISMATCH) return false;
  return make_error(ErrorCode::unavailable, std::string("argon2: ") + argon2_error_message(failed));
}

const std::string& nobodys_hash() {
  // 16 and 32 zero bytes: no password has this hash.
  static const std::string hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  return hash;
}

}  // namespace kaimen::crypto

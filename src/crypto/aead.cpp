// AES-256-GCM. The nonce is drawn here and nowhere else, so that nothing can be sealed twice under one.
#include "crypto/aead.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "crypto/libcrypto.h"

namespace kaimen::crypto {

namespace {

constexpr size_t kKeyBytes = 32, kNonceBytes = 12, kTagBytes = 16;
constexpr size_t kBytesMax = size_t{1} << 30;  // libcrypto counts in int

const EVP_CIPHER* cipher() {
  static const EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return fetched;
}

}  // namespace

Result<std::string> aead_seal(std::string_view key, std::string_view additional_data, std::string_view plaintext, Random& random) {
  if (key.size() != kKeyBytes) return make_error(ErrorCode::internal, "a sealing key is not 32 bytes long");
  if (plaintext.size() > kBytesMax || additional_data.size() > kBytesMax) return make_error(ErrorCode::internal, "too long to be sealed");
  TRY(const auto nonce, random.bytes<kNonceBytes>());

  std::string sealed(kNonceBytes + plaintext.size() + kTagBytes, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(sealed.data());
  std::copy(nonce.begin(), nonce.end(), out);
  const CipherContext context{EVP_CIPHER_CTX_new()};
  int length = 0;
  const bool good =
      cipher() && context && EVP_EncryptInit_ex2(context.get(), cipher(), bytes_of(key), nonce.data(), nullptr) &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, bytes_of(additional_data), static_cast<int>(additional_data.size())) &&
      EVP_EncryptUpdate(context.get(), out + kNonceBytes, &length, bytes_of(plaintext), static_cast<int>(plaintext.size())) &&
      EVP_EncryptFinal_ex(context.get(), out + kNonceBytes + plaintext.size(), &length) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, out + kNonceBytes + plaintext.size());
  if (!good) {
    ERR_clear_error();
    return make_error(ErrorCode::internal, "libcrypto could not seal");
  }
  return sealed;
}

std::optional<std::string> aead_open(std::string_view key, std::string_view additional_data, std::string_view sealed) {
  if (key.size() != kKeyBytes || sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  if (sealed.size() > kBytesMax || additional_data.size() > kBytesMax) return std::nullopt;

  const unsigned char* const in = bytes_of(sealed);
  const size_t text_size = sealed.size() - kNonceBytes - kTagBytes;
  auto* const tag = const_cast<unsigned char*>(in + kNonceBytes + text_size);  // only read
  std::string plaintext(text_size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(plaintext.data());
  const CipherContext context{EVP_CIPHER_CTX_new()};
  int length = 0;
  const bool good =
      cipher() && context && EVP_DecryptInit_ex2(context.get(), cipher(), bytes_of(key), in, nullptr) &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, bytes_of(additional_data), static_cast<int>(additional_data.size())) &&
      EVP_DecryptUpdate(context.get(), out, &length, in + kNonceBytes, static_cast<int>(text_size)) &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) &&
      EVP_DecryptFinal_ex(context.get(), out + text_size, &length) > 0;
  if (!good) {
    ERR_clear_error();
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    return std::nullopt;
  }
  return plaintext;
}

}  // namespace kaimen::crypto

// AES-CBC. libcrypto's own padding is switched off: it knows only blocks of 16 and leaves early at the first wrong byte, which would tell
// an attacker where the padding went wrong.
#include "crypto/cbc.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cstdint>

#include "crypto/libcrypto.h"

namespace kaimen::crypto {

namespace {

constexpr size_t kBlock = 16;
constexpr size_t kBytesMax = size_t{1} << 30;  // libcrypto counts in int

const EVP_CIPHER* cipher_for(size_t key_size) {
  static const EVP_CIPHER* const aes128 = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
  static const EVP_CIPHER* const aes192 = EVP_CIPHER_fetch(nullptr, "AES-192-CBC", nullptr);
  static const EVP_CIPHER* const aes256 = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return key_size == 16 ? aes128 : key_size == 24 ? aes192 : key_size == 32 ? aes256 : nullptr;
}

// `text` is a whole number of blocks and is replaced by the result. False also for keys of other lengths.
bool run(bool encrypt, std::string_view key, std::string_view iv, std::string& text) {
  const EVP_CIPHER* cipher = cipher_for(key.size());
  const CipherContext context{EVP_CIPHER_CTX_new()};
  auto* const bytes = reinterpret_cast<unsigned char*>(text.data());
  int length = 0, rest = 0;
  const bool good = cipher && context && EVP_CipherInit_ex2(context.get(), cipher, bytes_of(key), bytes_of(iv), encrypt, nullptr) &&
                    EVP_CIPHER_CTX_set_padding(context.get(), 0) &&
                    EVP_CipherUpdate(context.get(), bytes, &length, bytes, static_cast<int>(text.size())) &&
                    EVP_CipherFinal_ex(context.get(), bytes + length, &rest) && static_cast<size_t>(length + rest) == text.size();
  if (!good) ERR_clear_error();
  return good;
}

bool lengths_are_good(std::string_view iv, std::string_view text, size_t pad_block) {
  return iv.size() == kBlock && text.size() <= kBytesMax && (pad_block == 16 || pad_block == 32);
}

// How many bytes of padding end `text`; 0: the padding is wrong (it always has at least one). Looks at the whole last block, whatever stands there.
size_t padding_of(std::string_view text, size_t pad_block) {
  const auto byte_from_end = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[text.size() - 1 - i])); };
  const uint32_t count = byte_from_end(0);
  // A difference of small numbers has its top bit set where it is negative.
  uint32_t wrong = (static_cast<uint32_t>(pad_block) - count) >> 31;
  for (uint32_t i = 0; i < pad_block; ++i) {
    const uint32_t is_padding = 0 - ((i - count) >> 31);  // all ones where i < count
    wrong |= is_padding & (byte_from_end(i) ^ count);
  }
  const uint32_t is_wrong = (wrong | (0 - wrong)) >> 31;
  return count & (is_wrong - 1);
}

}  // namespace

std::optional<std::string> aes_cbc_decrypt(std::string_view key, std::string_view iv, std::string_view ciphertext, size_t pad_block) {
  if (!lengths_are_good(iv, ciphertext, pad_block) || ciphertext.empty() || ciphertext.size() % pad_block != 0) return std::nullopt;
  std::string text(ciphertext);
  if (!run(false, key, iv, text)) return std::nullopt;
  const size_t padding = padding_of(text, pad_block);
  if (padding == 0) {
    OPENSSL_cleanse(text.data(), text.size());
    return std::nullopt;
  }
  text.erase(text.size() - padding);
  return text;
}

std::optional<std::string> aes_cbc_encrypt(std::string_view key, std::string_view iv, std::string_view plaintext, size_t pad_block) {
  if (!lengths_are_good(iv, plaintext, pad_block)) return std::nullopt;
  const size_t padding = pad_block - plaintext.size() % pad_block;
  std::string text(plaintext);
  text.append(padding, static_cast<char>(padding));
  if (!run(true, key, iv, text)) return std::nullopt;
  return text;
}

}  // namespace kaimen::crypto

// AES-CBC with PKCS#7 as the mini-program platforms use it. It carries no MAC: whoever decrypts must check the whole shape of what comes
// out, and must answer every failure alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kaimen::crypto {

/// `key` of 16, 24 or 32 bytes, `iv` of 16; `pad_block` 16 (open data) or 32 (message push). nullopt: wrong lengths or padding, with no
/// difference in time between kinds of bad padding.
std::optional<std::string> aes_cbc_decrypt(std::string_view key, std::string_view iv, std::string_view ciphertext, size_t pad_block = 16);
/// The inverse; nullopt on wrong lengths.
std::optional<std::string> aes_cbc_encrypt(std::string_view key, std::string_view iv, std::string_view plaintext, size_t pad_block = 16);

}  // namespace kaimen::crypto

// Hashes and MACs (OpenSSL 3, fetched once).
#pragma once

#include <string>
#include <string_view>

namespace kaimen::crypto {

/// 32 raw bytes.
std::string sha256(std::string_view data);
/// 20 raw bytes. Only for WeChat's signatures.
std::string sha1(std::string_view data);
/// 16 raw bytes. Only for platforms whose protocol demands it.
std::string md5(std::string_view data);
/// 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view data);
/// HKDF-SHA256 (RFC 5869), `length` bytes.
std::string hkdf_sha256(std::string_view key, std::string_view info, size_t length);

}  // namespace kaimen::crypto

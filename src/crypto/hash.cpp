// A hash has no error to return, and a wrong or empty one would be compared with what a client sent. So where libcrypto cannot compute it
// (no memory, or an algorithm that this machine's policy forbids) the process ends instead.
#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <cstdio>
#include <cstdlib>

#include "crypto/libcrypto.h"

namespace kaimen::crypto {

namespace {

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "kaimen: error: libcrypto cannot compute %s\n", what);
  std::abort();
}

std::string digest(const EVP_MD* algorithm, std::string_view data, const char* name) {
  thread_local const DigestContext context{EVP_MD_CTX_new()};
  std::string hash(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  if (!algorithm || !context || !EVP_DigestInit_ex2(context.get(), algorithm, nullptr) ||
      !EVP_DigestUpdate(context.get(), data.data(), data.size()) ||
      !EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(hash.data()), &length)) {
    give_up(name);
  }
  hash.resize(length);
  return hash;
}

// OSSL_PARAM takes non-const pointers also for what is only read.
char* sha256_name() {
  static char name[] = "SHA256";
  return name;
}

}  // namespace

std::string sha256(std::string_view data) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest(algorithm, data, "SHA-256");
}
std::string sha1(std::string_view data) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return digest(algorithm, data, "SHA-1");
}
std::string md5(std::string_view data) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return digest(algorithm, data, "MD5");
}

// A new context for every MAC and derivation: it holds the key, and freeing it wipes it.
std::string hmac_sha256(std::string_view key, std::string_view data) {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  const MacContext context{algorithm ? EVP_MAC_CTX_new(algorithm) : nullptr};
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name(), 0), OSSL_PARAM_construct_end()};
  std::string mac(32, '\0');
  size_t length = 0;
  if (!context || !EVP_MAC_init(context.get(), bytes_of(key), key.size(), parameters) ||
      !EVP_MAC_update(context.get(), bytes_of(data), data.size()) ||
      !EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(mac.data()), &length, mac.size()) || length != mac.size()) {
    give_up("HMAC-SHA-256");
  }
  return mac;
}

std::string hkdf_sha256(std::string_view key, std::string_view info, size_t length) {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  std::string derived(length, '\0');
  if (length == 0) return derived;
  const KdfContext context{algorithm ? EVP_KDF_CTX_new(algorithm) : nullptr};
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256_name(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<unsigned char*>(bytes_of(key)), key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<unsigned char*>(bytes_of(info)), info.size()),
      OSSL_PARAM_construct_end()};
  if (!context || EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(derived.data()), length, parameters) <= 0) {
    give_up("HKDF-SHA-256");
  }
  return derived;
}

}  // namespace kaimen::crypto

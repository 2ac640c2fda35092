// Handles of libcrypto, shared by the files of this folder. Algorithms are fetched once (a fetch per call costs more than the hash itself)
// and never freed: OpenSSL's own exit handler may run before a static destructor would.
#pragma once

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <memory>
#include <string_view>

namespace kaimen::crypto {

template <auto function>
struct Free {
  template <class T>
  void operator()(T* handle) const noexcept {
    function(handle);
  }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free<EVP_CIPHER_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, Free<EVP_MAC_CTX_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;

/// libcrypto takes no null pointers where a length is 0.
inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data() ? text.data() : "");
}

}  // namespace kaimen::crypto

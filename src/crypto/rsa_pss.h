// RSA-PSS with SHA-256 and a salt of 32 bytes: what WeChat calls RSAwithSHA256 in its API signing.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace kaimen::crypto {

/// Copies share one key. Thread-safe.
class RsaSigner {
 public:
  /// A private key as PEM, PKCS #1 or PKCS #8, not encrypted, of at least 2048 bits. Error: invalid_request.
  static Result<RsaSigner> open(const Secret& pem);
  /// About a millisecond. Error: internal (libcrypto).
  Result<std::string> sign(std::string_view data) const;

 private:
  struct Handle;
  explicit RsaSigner(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<const Handle> handle_;
};

/// A new pair of 2048 bits as PEM: PKCS #8, and a public key. Takes a tenth of a second or more. Error: internal (libcrypto).
struct RsaPair {
  Secret private_pem;
  std::string public_pem;
};
Result<RsaPair> make_rsa_pair();

class RsaVerifier {
 public:
  /// A public key or an X.509 certificate as PEM; the certificate's own dates and issuer are not looked at. Error: invalid_request.
  static Result<RsaVerifier> open(std::string_view pem);
  /// Whatever its salt's length.
  bool verify(std::string_view data, std::string_view signature) const;

 private:
  struct Handle;
  explicit RsaVerifier(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<const Handle> handle_;
};

}  // namespace kaimen::crypto

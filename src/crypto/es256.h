// ES256 (ECDSA on P-256 with SHA-256), the signature of our JWTs: whoever has the public key verifies, nobody else can sign.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace kaimen::crypto {

class SigningKey {
 public:
  /// A new private key, PKCS #8 DER. Its randomness and that of signatures are libcrypto's own. Error: internal (libcrypto).
  static Result<Secret> generate();
  /// Error: internal — not a P-256 private key of this form.
  static Result<SigningKey> open(const Secret& der);

  /// r | s, 64 bytes (RFC 7518, 3.4). A few tens of microseconds: not on an event loop. Error: internal (libcrypto). Thread-safe.
  Result<std::string> sign(std::string_view data) const;

  /// The public point's coordinates, 32 bytes each, leading zeros kept.
  const std::string& x() const { return x_; }
  const std::string& y() const { return y_; }

 private:
  struct Handle;
  SigningKey(std::shared_ptr<const Handle> handle, std::string x, std::string y) : handle_(std::move(handle)), x_(std::move(x)), y_(std::move(y)) {}
  std::shared_ptr<const Handle> handle_;
  std::string x_, y_;
};

}  // namespace kaimen::crypto

// JSON Web Tokens (RFC 7519) as we write them: JWS compact form, ES256, a header of alg, kid and typ and nothing else. They are only made here;
// nothing in Kaimen accepts one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/es256.h"

namespace kaimen::crypto {

/// The claims of one token, as a JSON object. Names are constants; values are UTF-8 and are escaped.
class JwtClaims {
 public:
  JwtClaims& add(std::string_view name, std::string_view value);
  JwtClaims& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
  JwtClaims& add(std::string_view name, int64_t value);
  JwtClaims& add(std::string_view name, bool value);
  JwtClaims& add(std::string_view name, const std::vector<std::string>& values);
  JwtClaims& add(std::string_view name, const JwtClaims& value);
  std::string json() const { return "{" + members_ + "}"; }

 private:
  void begin(std::string_view name);
  std::string members_;
};

/// header.claims.signature. `key_id` names the key in the JWKS. Error: internal (libcrypto).
Result<std::string> sign_jwt(const SigningKey& key, std::string_view key_id, const JwtClaims& claims);

}  // namespace kaimen::crypto

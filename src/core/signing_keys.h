// An app's keys for WeChat's API signing and encryption: as they are given (write-only), as they are sealed, and opened for use.
#pragma once

#include <memory>
#include <optional>

#include "core/types.h"
#include "crypto/rsa_pss.h"

namespace kaimen::core {

/// As WeChat's console shows them; the numbers are the console's too, not those of X.509.
struct SigningMaterial {
  Secret symmetric_key;      ///< Base64 of 32 bytes.
  std::string symmetric_sn;
  Secret private_key;        ///< The app's own, PEM.
  std::string private_sn;
  std::string platform_key;  ///< WeChat's certificate or public key, PEM.
  std::string platform_sn;
};

/// Opened for use.
struct SigningKeys {
  Secret symmetric_key;  ///< 32 bytes.
  std::string symmetric_sn;
  crypto::RsaSigner private_key;
  crypto::RsaVerifier platform_key;
  std::string platform_sn;
};

/// Error: invalid_request, naming what is wrong.
Result<std::shared_ptr<const SigningKeys>> open_signing(const SigningMaterial& material);

/// What is sealed: six lines of base64. Stored; do not change.
Secret signing_text(const SigningMaterial& material);
/// nullopt: no such text.
std::optional<SigningMaterial> parse_signing_text(const Secret& text);

}  // namespace kaimen::core

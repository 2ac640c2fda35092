#include "core/signing_keys.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace kaimen::core {

namespace {

constexpr size_t kSymmetricBytes = 32, kNumberBytes = 64;

Result<> check_number(const std::string& number, const char* name) {
  const bool plain = std::ranges::all_of(number, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
  if (number.empty() || number.size() > kNumberBytes || !plain) {
    return make_error(ErrorCode::invalid_request, std::string(name) + " must be 1 to 64 letters and digits");
  }
  return ok();
}

Error in_signing(const char* member, const Error& error) { return make_error(error.code, std::string("signing.") + member + ": " + error.detail); }

}  // namespace

Result<std::shared_ptr<const SigningKeys>> open_signing(const SigningMaterial& material) {
  auto key = from_base64(material.symmetric_key.reveal());
  if (!key || key->size() != kSymmetricBytes) return make_error(ErrorCode::invalid_request, "signing.symmetric_key must be 32 bytes in base64");
  TRY(check_number(material.symmetric_sn, "signing.symmetric_key_sn"));
  TRY(check_number(material.private_sn, "signing.private_key_sn"));
  TRY(check_number(material.platform_sn, "signing.platform_key_sn"));
  auto signer = crypto::RsaSigner::open(material.private_key);
  if (!signer) return in_signing("private_key", signer.error());
  auto verifier = crypto::RsaVerifier::open(material.platform_key);
  if (!verifier) return in_signing("platform_key", verifier.error());
  return std::make_shared<const SigningKeys>(SigningKeys{Secret(std::move(*key)), material.symmetric_sn, std::move(signer.value()),
                                                         std::move(verifier.value()), material.platform_sn});
}

Secret signing_text(const SigningMaterial& material) {
  std::string text;
  for (const std::string* part : {&material.symmetric_key.reveal(), &material.symmetric_sn, &material.private_key.reveal(), &material.private_sn,
                                  &material.platform_key, &material.platform_sn}) {
    text += to_base64(*part) + '\n';
  }
  return Secret(std::move(text));
}

std::optional<SigningMaterial> parse_signing_text(const Secret& text) {
  std::array<std::string, 6> parts;
  std::string_view rest = text.reveal();
  for (std::string& part : parts) {
    const size_t end = rest.find('\n');
    if (end == rest.npos) return std::nullopt;
    auto decoded = from_base64(rest.substr(0, end));
    if (!decoded) return std::nullopt;
    part = std::move(*decoded);
    rest.remove_prefix(end + 1);
  }
  return SigningMaterial{Secret(std::move(parts[0])), parts[1], Secret(std::move(parts[2])), parts[3], parts[4], parts[5]};
}

}  // namespace kaimen::core

#include "crypto/jwt.h"

#include "base/encoding.h"

namespace kaimen::crypto {

namespace {

void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out.append(kHexPairs[static_cast<unsigned char>(c)].data(), 2);
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void JwtClaims::begin(std::string_view name) {
  if (!members_.empty()) members_ += ',';
  append_text(members_, name);
  members_ += ':';
}

JwtClaims& JwtClaims::add(std::string_view name, std::string_view value) {
  begin(name);
  append_text(members_, value);
  return *this;
}
JwtClaims& JwtClaims::add(std::string_view name, int64_t value) {
  begin(name);
  members_ += std::to_string(value);
  return *this;
}
JwtClaims& JwtClaims::add(std::string_view name, bool value) {
  begin(name);
  members_ += value ? "true" : "false";
  return *this;
}
JwtClaims& JwtClaims::add(std::string_view name, const std::vector<std::string>& values) {
  begin(name);
  char separator = '[';
  for (const auto& value : values) {
    members_ += separator;
    append_text(members_, value);
    separator = ',';
  }
  if (values.empty()) members_ += '[';
  members_ += ']';
  return *this;
}
JwtClaims& JwtClaims::add(std::string_view name, const JwtClaims& value) {
  begin(name);
  members_ += value.json();
  return *this;
}

Result<std::string> sign_jwt(const SigningKey& key, std::string_view key_id, const JwtClaims& claims) {
  JwtClaims header;
  header.add("alg", "ES256").add("kid", key_id).add("typ", "JWT");
  std::string text = to_base64url(header.json()) + "." + to_base64url(claims.json());
  TRY(const auto signature, key.sign(text));
  text += "." + to_base64url(signature);
  return text;
}

}  // namespace kaimen::crypto

#include "crypto/es256.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "crypto/libcrypto.h"

namespace kaimen::crypto {

namespace {

constexpr size_t kCoordinateBytes = 32;
constexpr size_t kDerMax = 256;

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free<PKCS8_PRIV_KEY_INFO_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

Error failed(const char* what) {
  ERR_clear_error();
  return make_error(ErrorCode::internal, std::string("libcrypto cannot ") + what);
}

bool put_number(const BIGNUM* number, std::string& out) {
  std::string bytes(kCoordinateBytes, '\0');
  if (!number || BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), kCoordinateBytes) != kCoordinateBytes) return false;
  out += bytes;
  return true;
}

bool coordinate(const EVP_PKEY* key, const char* name, std::string& out) {
  BIGNUM* found = nullptr;
  if (!EVP_PKEY_get_bn_param(key, name, &found)) return false;
  const Number number(found);
  return put_number(number.get(), out);
}

// A key of another curve would sign all the same, and no verifier would take it.
bool is_p256(const EVP_PKEY* key) {
  char group[32];
  size_t length = 0;
  return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &length) && std::string_view(group, length) == "prime256v1";
}

}  // namespace

struct SigningKey::Handle {
  Key key;
};

Result<Secret> SigningKey::generate() {
  const Key key(EVP_EC_gen("P-256"));
  const Pkcs8 info(key ? EVP_PKEY2PKCS8(key.get()) : nullptr);
  unsigned char* der = nullptr;
  const int length = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der) : -1;
  if (length <= 0) return failed("make a P-256 key");
  Secret bytes(std::string_view(reinterpret_cast<const char*>(der), static_cast<size_t>(length)));
  OPENSSL_clear_free(der, static_cast<size_t>(length));
  return bytes;
}

Result<SigningKey> SigningKey::open(const Secret& der) {
  const unsigned char* at = bytes_of(der.reveal());
  const unsigned char* const end = at + der.size();
  const Pkcs8 info(der.size() <= kDerMax ? d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())) : nullptr);
  auto handle = std::make_shared<Handle>();
  if (info && at == end) handle->key.reset(EVP_PKCS82PKEY(info.get()));
  std::string x, y;
  const bool good = handle->key && is_p256(handle->key.get()) && coordinate(handle->key.get(), OSSL_PKEY_PARAM_EC_PUB_X, x) &&
                    coordinate(handle->key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, y);
  if (!good) return failed("read a P-256 key");
  return SigningKey(std::move(handle), std::move(x), std::move(y));
}

Result<std::string> SigningKey::sign(std::string_view data) const {
  const DigestContext context(EVP_MD_CTX_new());
  unsigned char der[80];  // two numbers of at most 33 bytes, and their frame
  size_t length = sizeof der;
  const bool made = context && EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, handle_->key.get(), nullptr) > 0 &&
                    EVP_DigestSign(context.get(), der, &length, bytes_of(data), data.size()) > 0;
  if (!made) return failed("sign");
  const unsigned char* at = der;
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(length)));
  std::string text;
  if (!signature || !put_number(ECDSA_SIG_get0_r(signature.get()), text) || !put_number(ECDSA_SIG_get0_s(signature.get()), text)) return failed("sign");
  return text;
}

}  // namespace kaimen::crypto

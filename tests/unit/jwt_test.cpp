// JWTs as we write them: the form, and that only the private key makes one. Other people's verifiers are asked in tests/e2e/test_jwt.py.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encoding.h"
#include "crypto/jwt.h"

namespace kaimen::test {
namespace {

using crypto::JwtClaims;
using crypto::SigningKey;

SigningKey new_key() { return SigningKey::open(SigningKey::generate().value()).value(); }

/// Whether `signature` (r | s) over `data` is of the key with these coordinates: libcrypto from the public half alone.
bool verifies(const std::string& x, const std::string& y, const std::string& data, const std::string& signature) {
  const std::string point = "\x04" + x + y;
  char group[] = "prime256v1";
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                             OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<char*>(point.data()), point.size()), OSSL_PARAM_construct_end()};
  EVP_PKEY_CTX* maker = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EXPECT_GT(EVP_PKEY_fromdata_init(maker), 0);
  EXPECT_GT(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, parameters), 0);
  EVP_PKEY_CTX_free(maker);

  ECDSA_SIG* numbers = ECDSA_SIG_new();
  const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
  ECDSA_SIG_set0(numbers, BN_bin2bn(bytes, 32, nullptr), BN_bin2bn(bytes + 32, 32, nullptr));
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(numbers, &der);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good = EVP_DigestVerifyInit_ex(context, nullptr, "SHA256", nullptr, nullptr, key, nullptr) > 0 &&
                    EVP_DigestVerify(context, der, static_cast<size_t>(length), reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1;
  EVP_MD_CTX_free(context);
  OPENSSL_free(der);
  ECDSA_SIG_free(numbers);
  EVP_PKEY_free(key);
  return good;
}

TEST(JwtTest, ASignatureIsTwoNumbersOf32Bytes) {
  // r or s begins with a zero byte once in 128 signatures: the DER form is shorter then, the JWS form is not.
  const auto key = new_key();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(key.sign(std::to_string(i)).value().size(), 64U) << i;
}

TEST(JwtTest, ThePublicHalfVerifiesIt) {
  const auto key = new_key(), other = new_key();
  const std::string data = "header.claims", signature = key.sign(data).value();
  ASSERT_EQ(key.x().size(), 32U);
  ASSERT_EQ(key.y().size(), 32U);
  EXPECT_TRUE(verifies(key.x(), key.y(), data, signature));
  EXPECT_FALSE(verifies(key.x(), key.y(), data + "x", signature));
  EXPECT_FALSE(verifies(other.x(), other.y(), data, signature));
}

TEST(JwtTest, AKeyThatWasStoredIsTheSameKey) {
  const Secret der = SigningKey::generate().value();
  const auto one = SigningKey::open(der).value(), again = SigningKey::open(der).value();
  EXPECT_EQ(one.x(), again.x());
  EXPECT_TRUE(verifies(one.x(), one.y(), "d", again.sign("d").value()));
  EXPECT_LE(der.size(), 200U) << "its sealed form must fit the column";
}

TEST(JwtTest, WhatIsNoP256KeyIsNotOpened) {
  const std::string der = SigningKey::generate().value().reveal();
  for (const auto& text : {std::string(), std::string("x"), std::string(32, '\7'), der.substr(0, der.size() - 1), der + "x"}) {
    EXPECT_FALSE(SigningKey::open(Secret(text))) << text.size();
  }
  EVP_PKEY* p384 = EVP_EC_gen("P-384");
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(p384);
  unsigned char* bytes = nullptr;
  const int length = i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
  EXPECT_FALSE(SigningKey::open(Secret(std::string(reinterpret_cast<char*>(bytes), static_cast<size_t>(length)))));
  OPENSSL_free(bytes);
  PKCS8_PRIV_KEY_INFO_free(info);
  EVP_PKEY_free(p384);
}

TEST(JwtTest, ClaimsAreJsonWhateverTheirTextIs) {
  JwtClaims actor, claims;
  actor.add("sub", "desk");
  claims.add("a", "q\"b\\s/\n\x01" "门").add("n", int64_t{-7}).add("t", true).add("f", false).add("act", actor);
  claims.add("none", std::vector<std::string>{}).add("two", std::vector<std::string>{"x", "y\""});
  EXPECT_EQ(claims.json(), "{\"a\":\"q\\\"b\\\\s/\\u000a\\u0001门\",\"n\":-7,\"t\":true,\"f\":false,\"act\":{\"sub\":\"desk\"},\"none\":[],\"two\":[\"x\",\"y\\\"\"]}");
}

TEST(JwtTest, TheHeaderNamesAlgorithmKeyAndTypeAndNothingElse) {
  const auto key = new_key();
  JwtClaims claims;
  claims.add("sub", "u");
  const std::string text = sign_jwt(key, "00c0ffee", claims).value();
  const size_t first = text.find('.'), second = text.find('.', first + 1);
  EXPECT_EQ(from_base64url(text.substr(0, first)), "{\"alg\":\"ES256\",\"kid\":\"00c0ffee\",\"typ\":\"JWT\"}");
  EXPECT_EQ(from_base64url(text.substr(first + 1, second - first - 1)), "{\"sub\":\"u\"}");
  EXPECT_TRUE(verifies(key.x(), key.y(), text.substr(0, second), *from_base64url(text.substr(second + 1))));
}

}  // namespace
}  // namespace kaimen::test

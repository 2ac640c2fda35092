#include "crypto/rsa_pss.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/libcrypto.h"

namespace kaimen::crypto {

namespace {

constexpr int kBitsMin = 2048, kBitsMax = 8192;
constexpr int kSaltBytes = 32;
constexpr size_t kPemBytes = 32 * 1024;

using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;

Error refused(const char* what) {
  ERR_clear_error();
  return make_error(ErrorCode::invalid_request, what);
}

Bio reading(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

bool is_rsa(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= kBitsMin && EVP_PKEY_get_bits(key) <= kBitsMax; }

// Asked for a passphrase there is none, and nobody at the terminal either.
int no_passphrase(char*, int, int, void*) { return -1; }

bool set_padding(EVP_PKEY_CTX* context, int salt) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) > 0;
}

}  // namespace

Result<RsaPair> make_rsa_pair() {
  const Key key(EVP_RSA_gen(kBitsMin));
  const Bio private_bio(BIO_new(BIO_s_mem())), public_bio(BIO_new(BIO_s_mem()));
  const bool made = key && private_bio && public_bio &&
                    PEM_write_bio_PKCS8PrivateKey(private_bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) > 0 &&
                    PEM_write_bio_PUBKEY(public_bio.get(), key.get()) > 0;
  if (!made) {
    ERR_clear_error();
    return make_error(ErrorCode::internal, "libcrypto cannot make an RSA key");
  }
  const auto text_of = [](BIO* bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<size_t>(length));
  };
  return RsaPair{Secret(text_of(private_bio.get())), text_of(public_bio.get())};
}

struct RsaSigner::Handle {
  Key key;
};
struct RsaVerifier::Handle {
  Key key;
};

Result<RsaSigner> RsaSigner::open(const Secret& pem) {
  if (pem.empty() || pem.size() > kPemBytes) return refused("no private key in PEM");
  const Bio bio = reading(pem.reveal());
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  if (!key || !is_rsa(key.get())) return refused("no RSA private key of 2048 bits or more in PEM");
  return RsaSigner(std::make_shared<const Handle>(Handle{std::move(key)}));
}

Result<std::string> RsaSigner::sign(std::string_view data) const {
  const DigestContext context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* key_context = nullptr;  // the context's own
  size_t length = 0;
  const bool ready = context && EVP_DigestSignInit_ex(context.get(), &key_context, "SHA256", nullptr, nullptr, handle_->key.get(), nullptr) > 0 &&
                     set_padding(key_context, kSaltBytes) && EVP_DigestSign(context.get(), nullptr, &length, bytes_of(data), data.size()) > 0;
  std::string signature(length, '\0');
  if (!ready || EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, bytes_of(data), data.size()) <= 0) {
    ERR_clear_error();
    return make_error(ErrorCode::internal, "libcrypto cannot sign with RSA");
  }
  signature.resize(length);
  return signature;
}

Result<RsaVerifier> RsaVerifier::open(std::string_view pem) {
  if (pem.empty() || pem.size() > kPemBytes) return refused("no public key or certificate in PEM");
  Key key;
  if (pem.find("CERTIFICATE-----") != pem.npos) {
    const Bio bio = reading(pem);
    const Certificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
    key.reset(certificate ? X509_get_pubkey(certificate.get()) : nullptr);
  } else {
    const Bio bio = reading(pem);
    key.reset(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  }
  if (!key || !is_rsa(key.get())) return refused("no RSA public key of 2048 bits or more, nor a certificate of one, in PEM");
  return RsaVerifier(std::make_shared<const Handle>(Handle{std::move(key)}));
}

bool RsaVerifier::verify(std::string_view data, std::string_view signature) const {
  const DigestContext context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* key_context = nullptr;
  const bool good = context && EVP_DigestVerifyInit_ex(context.get(), &key_context, "SHA256", nullptr, nullptr, handle_->key.get(), nullptr) > 0 &&
                    set_padding(key_context, RSA_PSS_SALTLEN_AUTO) &&
                    EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(data), data.size()) > 0;
  ERR_clear_error();
  return good;
}

}  // namespace kaimen::crypto

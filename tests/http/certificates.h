// Certificates made on the spot, in a directory of their own.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "http/server.h"

namespace kaimen::http::test {

class Authority {
 public:
  struct Options {
    std::string names = "DNS:localhost,IP:127.0.0.1";
    long begins_seconds = -3600, ends_seconds = 3600;  // from now
  };

  /// `names`: for a certificate that signs itself and serves, too.
  explicit Authority(const std::string& name, const std::string& names = "") : directory_(std::filesystem::temp_directory_path() / ("kaimen-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(directory_);
    key_.reset(EVP_EC_gen("P-256"));
    certificate_ = make(*key_, name, names, -3600, 3600, true);
    write_certificate(file(), *certificate_);
    write_key(own_files().key_file, *key_);
  }
  ~Authority() { std::filesystem::remove_all(directory_); }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string file() const { return directory_ / "ca.pem"; }
  TlsFiles own_files() const { return {file(), directory_ / "ca.key"}; }
  /// A pair of files, signed by this authority. The same `name` again replaces them.
  TlsFiles issue(const std::string& name, const Options& options) const {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const auto certificate = make(*key, name, options.names, options.begins_seconds, options.ends_seconds, false);
    const TlsFiles files{directory_ / (name + ".pem"), directory_ / (name + ".key")};
    write_certificate(files.certificate_file, *certificate);
    write_key(files.key_file, *key);
    return files;
  }
  TlsFiles issue(const std::string& name) const { return issue(name, Options{}); }

 private:
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  static void extend(X509& certificate, int id, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    ASSERT_NE(extension, nullptr);
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  Certificate make(EVP_PKEY& key, const std::string& name, const std::string& names, long begins, long ends, bool is_authority) const {
    static long serial = 1;
    Certificate certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), begins);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ends);
    X509_set_pubkey(certificate.get(), &key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_ ? certificate_.get() : certificate.get()));
    extend(*certificate, NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!names.empty()) extend(*certificate, NID_subject_alt_name, names);
    EXPECT_GT(X509_sign(certificate.get(), key_.get(), EVP_sha256()), 0);
    return certificate;
  }
  static void write_certificate(const std::string& path, X509& certificate) {
    const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(path.c_str(), "w"), std::fclose);
    EXPECT_EQ(PEM_write_X509(out.get(), &certificate), 1);
  }
  static void write_key(const std::string& path, EVP_PKEY& key) {
    const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(path.c_str(), "w"), std::fclose);
    EXPECT_EQ(PEM_write_PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  }
  const std::filesystem::path directory_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_{nullptr, EVP_PKEY_free};
  Certificate certificate_{nullptr, X509_free};
};

}  // namespace kaimen::http::test

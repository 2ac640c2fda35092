#include "http/server_tls.h"

#include <sys/stat.h>

#include "base/log.h"

namespace kaimen::http {

namespace ssl = boost::asio::ssl;

namespace {

// Only HTTP/1.1 is spoken; a client that offers nothing we know goes on without ALPN.
int select_alpn(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered, unsigned int size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, ours, sizeof ours - 1, offered, size) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::string ServerTls::stamp() const {
  std::string text;
  for (const auto& file : {files_.certificate_file, files_.key_file}) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return {};
    for (const auto part : {int64_t(info.st_ino), int64_t(info.st_size), int64_t(info.st_mtim.tv_sec), int64_t(info.st_mtim.tv_nsec)}) {
      text += std::to_string(part) + ' ';
    }
  }
  return text;
}

Result<> ServerTls::load() {
  loaded_stamp_ = stamp();
  boost::system::error_code error;
  auto fresh = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(fresh->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(fresh->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_alpn_select_cb(fresh->native_handle(), select_alpn, nullptr);
  if (fresh->use_certificate_chain_file(files_.certificate_file, error); error) {
    return make_error(ErrorCode::unavailable, "certificate " + files_.certificate_file + ": " + error.message());
  }
  // Also checks that the key belongs to the certificate.
  if (fresh->use_private_key_file(files_.key_file, ssl::context::pem, error); error) {
    return make_error(ErrorCode::unavailable, "key " + files_.key_file + ": " + error.message());
  }
  std::lock_guard lock(mutex_);
  context_ = std::move(fresh);
  return ok();
}

void ServerTls::reload_if_changed() {
  const auto now = stamp();
  if (now == loaded_stamp_ || now.empty()) return;
  if (const auto loaded = load(); loaded) {
    log::Line("tls_reloaded").field("certificate", files_.certificate_file).emit(log::Level::info);
  } else {
    log::Line("tls_reload_failed").field("message", loaded.error().detail).emit(log::Level::error);
  }
}

std::shared_ptr<ssl::context> ServerTls::context() const {
  std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace kaimen::http

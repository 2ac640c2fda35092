// A TLS listener's certificate, read again when its files change.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "http/server.h"

namespace kaimen::http {

class ServerTls {
 public:
  explicit ServerTls(TlsFiles files) : files_(std::move(files)) {}

  /// Error: unavailable, naming the file.
  Result<> load();
  /// Loads if a file changed since the last attempt; logs and keeps the certificate in use when the new pair is no good.
  void reload_if_changed();
  /// Thread-safe. A connection keeps the context it began with.
  std::shared_ptr<boost::asio::ssl::context> context() const;

 private:
  std::string stamp() const;
  const TlsFiles files_;
  std::string loaded_stamp_;  // only on the thread that loads
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace kaimen::http

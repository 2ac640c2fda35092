// What a server shows of itself over TLS: for whoever wants to know before strict clients meet it. Nothing is hidden from the caller by a
// verification that fails; so nothing secret may be sent by this. Blocking; for command-line verbs.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace kaimen::http {

struct TlsTarget {
  std::string host;          ///< The name: asked for in the handshake and in Host, and expected in the certificate.
  uint16_t port = 443;
  std::string connect_host;  ///< Where to connect; empty: where the name points.
  uint16_t connect_port = 0;
  std::string ca_file;       ///< Trusted besides the system's (and those of SSL_CERT_FILE); empty: none.
  Millis timeout{5000};      ///< Of connecting, and of each exchange.
  bool only_tls_1_2 = false;
};

struct TlsSight {
  std::string address;                ///< That was connected to, "203.0.113.9".
  std::string version;                ///< "TLSv1.3".
  int problem = 0;                    ///< Of the verification, an X509_V_ERR_…; 0: a client that trusts these CAs accepts it.
  std::string problem_text;           ///< The same in OpenSSL's words.
  bool issuer_missing = false;        ///< The problem: a certificate between the server's and a trusted one was not sent.
  bool name_fits = false;             ///< The certificate is for this host.
  std::vector<std::string> sent;      ///< Subjects of what was sent, the server's own first.
  std::vector<std::string> names;     ///< DNS names of the server's own.
  Time not_before{}, not_after{};     ///< Of the server's own.
  Time first_end{};                   ///< The earliest end of all that were sent.
};
/// Error: unavailable with the cause in words (no such name, refused, timed out, no TLS).
Result<TlsSight> look_at_tls(const TlsTarget& target);

struct TlsReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< At most 64 KiB of it.
  std::string header(std::string_view name) const;  ///< First of that name; empty: none.
};
/// A GET over a connection of its own, whatever the certificate is. Error: as above; also what is no HTTP.
Result<TlsReply> get_over_tls(const TlsTarget& target, const std::string& path);

}  // namespace kaimen::http

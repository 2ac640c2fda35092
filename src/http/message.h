// HTTP messages as Kaimen sees them. A Request is a view into its connection's buffer and lives until its answer is written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace kaimen::http {

struct HeaderView {
  std::string_view name;  ///< As sent; compare with name_is.
  std::string_view value;  ///< Without surrounding blanks.
};

/// ASCII case-insensitive equality of texts of one size.
bool same_but_for_case(std::string_view a, std::string_view b);
/// ASCII case-insensitive equality of header names. Most names differ in size: that is seen without a call.
inline bool name_is(std::string_view a, std::string_view b) { return a.size() == b.size() && same_but_for_case(a, b); }

struct Peer {
  std::string address;      ///< "203.0.113.9"; empty on a unix socket.
  bool is_unix = false;
  uint32_t uid = 0;         ///< Of the process at the other end of a unix socket (SO_PEERCRED).
  bool loopback = false;    ///< 127.0.0.0/8 or ::1.
  bool tls = false;
};

struct Request {
  std::string_view method;           ///< Upper case, e.g. "GET".
  std::string_view target;           ///< As sent: path and query.
  std::string_view path;             ///< Undecoded, begins with '/'.
  std::string_view query;            ///< Undecoded, without '?'; empty if none.
  std::vector<HeaderView> headers;
  std::string_view body;             ///< Complete, whatever its framing was.
  const Peer* peer = nullptr;
  int listener = 0;                  ///< Index into Server's listener list.
  std::string request_id;            ///< Set before the handler is called: from a trusted proxy, else made here.
  std::string client_ip;             ///< The peer, or what a trusted proxy says in X-Forwarded-For.
  bool https = false;                ///< TLS here, or what a trusted proxy says in X-Forwarded-Proto.
  bool http_1_0 = false;             ///< Kept only when asked for, and then told so.

  /// The value of the first header with this name; nullptr if there is none.
  const std::string_view* header(std::string_view name) const;
  /// How many headers have this name.
  size_t count(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< Not Content-Length, Connection, Date or X-Request-Id: the server adds them.
  std::string body;
  std::shared_ptr<const void> held;  ///< Let go once the answer is sent or its connection gone: of a large one, its share of what there may be.
  bool close = false;  ///< Close the connection after this answer.
  bool abort = false;  ///< Close the connection without any answer (the sandbox's faults): nothing of this response is sent.

  Response& set(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

/// Parameters of a query string or of an application/x-www-form-urlencoded body, decoded, in order. nullopt: bad percent-encoding.
struct Parameters {
  std::vector<std::pair<std::string, std::string>> items;
  /// First value of that name; nullptr if there is none.
  const std::string* find(std::string_view name) const;
  bool doubled(std::string_view name) const;
};
bool parse_parameters(std::string_view text, Parameters& out);
/// Percent-encodes everything but RFC 3986's unreserved characters.
std::string url_encode(std::string_view text);
/// Percent-decodes; '+' stays. False on a bad escape.
bool url_decode(std::string_view text, std::string& out);

/// The standard reason phrase, e.g. "Not Found".
std::string_view reason_phrase(int status);

}  // namespace kaimen::http

// Base URLs, taken apart by hand: Boost.URL 1.81 reads "http://127.0.0.1.example.com" as the address 127.0.0.1 with a path behind it,
// and where a request goes must not depend on such a slip.
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

#include "http/client.h"
#include "http/message.h"

namespace kaimen::http {

namespace {

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool only(std::string_view text, std::string_view besides_alphanumeric) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return is_alphanumeric(c) || besides_alphanumeric.find(c) != std::string_view::npos; });
}

// "host", "host:port", "[v6]:port"
bool parse_authority(std::string_view text, BaseUrl& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return false;
    url.host = text.substr(1, end - 1);
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(url.host, error);
    if (error || !only(url.host, ":.")) return false;  // no scope ("%eth0"): Asio takes any bytes for one
    port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    if (url.host.empty() || !only(url.host, "-._")) return false;
    if (colon != text.npos) port = text.substr(colon);
  }
  url.port = url.tls ? 443 : 80;
  if (port.empty()) return true;
  const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
  return port[0] == ':' && error == std::errc() && end == port.data() + port.size() && url.port != 0;
}

}  // namespace

bool BaseUrl::is_loopback() const {
  if (!unix_socket.empty() || host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

std::optional<BaseUrl> BaseUrl::parse(std::string_view text) {
  const size_t scheme_end = text.find("://");
  if (scheme_end == text.npos) return std::nullopt;
  const auto scheme = text.substr(0, scheme_end);
  auto rest = text.substr(scheme_end + 3);
  BaseUrl url;
  const size_t authority_end = std::min(rest.find('/'), rest.size());
  const auto path = rest.substr(authority_end);
  if (!only(path, "/-._~!$&'()*+,;=:@%")) return std::nullopt;
  if (scheme == "http+unix") {
    url.host = "localhost";
    url.port = 80;
    const bool sound = authority_end == 0 && path.size() > 1 && url_decode(path, url.unix_socket) && url.unix_socket.find('\0') == std::string::npos;
    return sound ? std::optional(url) : std::nullopt;
  }
  if (scheme != "http" && scheme != "https") return std::nullopt;
  url.tls = scheme == "https";
  if (!parse_authority(rest.substr(0, authority_end), url)) return std::nullopt;
  url.prefix = path;
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  return url;
}

}  // namespace kaimen::http

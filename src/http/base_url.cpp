#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>

#include "http/client.h"

namespace kaimen::http {

bool BaseUrl::is_loopback() const {
  if (!unix_socket.empty() || host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

std::optional<BaseUrl> BaseUrl::parse(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || parsed->has_userinfo() || parsed->has_query() || parsed->has_fragment()) return std::nullopt;
  BaseUrl url;
  const std::string_view scheme(parsed->scheme().data(), parsed->scheme().size());
  if (scheme == "http+unix") {
    url.unix_socket = parsed->path();
    url.host = "localhost";
    url.port = 80;
    const bool sound = parsed->encoded_authority().empty() && url.unix_socket.size() > 1 && url.unix_socket.starts_with('/');
    return sound ? std::optional(url) : std::nullopt;
  }
  if (scheme != "http" && scheme != "https") return std::nullopt;
  url.tls = scheme == "https";
  url.host = parsed->host_address();
  if (url.host.empty()) return std::nullopt;
  if (parsed->has_port() && parsed->port_number() == 0) return std::nullopt;
  url.port = parsed->has_port() ? parsed->port_number() : url.tls ? 443 : 80;
  url.prefix = std::string(parsed->encoded_path());
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  return url;
}

}  // namespace kaimen::http

#include "http/client_text.h"

#include <algorithm>

#include "http/field_text.h"
#include "http/message.h"

namespace kaimen::http {

namespace {

// Host, in brackets if IPv6, with the port if it is not the scheme's own.
std::string authority(const BaseUrl& url, bool always_port) {
  const bool v6 = url.host.find(':') != url.host.npos;
  std::string text = v6 ? "[" + url.host + "]" : url.host;
  if (always_port || url.port != (url.tls ? 443 : 80)) text += ":" + std::to_string(url.port);
  return text;
}

bool is_token(std::string_view text) { return !text.empty() && token_size(text) == text.size(); }

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::optional<std::string> check_request(const ClientRequest& request) {
  if (!is_token(request.method)) return "invalid method";
  if (!is_target(request.url.prefix + request.target)) return "invalid target";
  if (!request.proxy.empty()) {
    const auto proxy = BaseUrl::parse(request.proxy);
    if (!proxy || proxy->tls || !proxy->unix_socket.empty()) return "invalid proxy";
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_text(value)) return "invalid header " + (is_token(name) ? name : std::string());
    for (const auto* ours : {"Content-Length", "Transfer-Encoding", "Connection"}) {
      if (name_is(name, ours)) return "the client sets " + name;
    }
  }
  return std::nullopt;
}

std::string request_text(const ClientRequest& request) {
  std::string text = request.method + " ";
  if (!request.proxy.empty() && !request.url.tls) text += "http://" + authority(request.url, false);
  text += request.url.prefix + request.target + " HTTP/1.1\r\n";
  const bool own_host = std::any_of(request.headers.begin(), request.headers.end(), [](const auto& header) { return name_is(header.first, "Host"); });
  if (!own_host) text += "Host: " + authority(request.url, false) + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  const bool may_lack_body = request.method == "GET" || request.method == "HEAD" || request.method == "DELETE" || request.method == "OPTIONS";
  if (!request.body.empty() || !may_lack_body) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

std::string connect_text(const ClientRequest& request) {
  const std::string to = authority(request.url, true);
  return "CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n";
}

std::string pool_key(const ClientRequest& request) {
  if (!request.url.unix_socket.empty()) return "unix:" + request.url.unix_socket;
  return (request.url.tls ? "tls:" : "tcp:") + authority(request.url, true) + "|" + request.proxy;
}

}  // namespace kaimen::http

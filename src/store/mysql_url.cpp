#include "store/mysql_url.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/encoding.h"

namespace kaimen::store {

namespace {

constexpr std::string_view kSchemes[] = {"mysql://", "mariadb://"};

Error bad(std::string_view what) { return make_error(ErrorCode::invalid_request, "store.url: " + std::string(what)); }

/// What stands before `mark`, which is taken away too; all of `text` where there is none.
std::string_view cut(std::string_view& text, char mark) {
  const size_t end = std::min(text.find(mark), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// The client library takes strings that end at a zero: one inside would cut a value short.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    std::string digits(text.substr(i + 1, 2));
    for (char& c : digits) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    const auto byte = from_hex(digits);
    if (!byte || byte->size() != 1) return std::nullopt;
    out += *byte;
    i += 2;
  }
  if (out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

// Stricter than names need: the client library would take a comma or an equals sign for a list of its own.
bool host_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}
bool ipv6_address(std::string_view name) {
  return name.find(':') != std::string_view::npos && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
  });
}

bool this_machine(const MysqlUrl::Host& host) { return host.name == "localhost" || host.name == "::1" || host.name.starts_with("127."); }

Result<MysqlUrl::Host> parse_host(std::string_view text) {
  MysqlUrl::Host host;
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    const bool closed = text.find(']') != std::string_view::npos;
    host.name = cut(text, ']');
    if (!closed || !ipv6_address(host.name)) return bad("a host in brackets is not an IPv6 address");
    if (!text.empty() && text[0] != ':') return bad("a host's port follows a colon");
    if (text.starts_with(':') && text.size() == 1) return bad("a port is a number from 1 to 65535");
    text.remove_prefix(text.empty() ? 0 : 1);
  } else {
    const bool with_port = text.find(':') != std::string_view::npos;
    host.name = cut(text, ':');
    if (!host_name(host.name)) return bad("a host is missing or has other characters than letters, digits, '.', '-' and '_'");
    if (with_port && text.empty()) return bad("a port is a number from 1 to 65535");
  }
  if (!text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), host.port);
    if (error != std::errc{} || end != text.data() + text.size() || host.port == 0) return bad("a port is a number from 1 to 65535");
  }
  return host;
}

Result<> set_option(MysqlUrl& url, std::string_view name, std::string value, bool& tls_said) {
  if (name == "tls") {
    tls_said = true;
    if (value == "off") url.tls = MysqlUrl::Tls::off;
    else if (value == "required") url.tls = MysqlUrl::Tls::required;
    else if (value == "verify") url.tls = MysqlUrl::Tls::verify;
    else return bad("tls is off, required or verify");
  } else if (name == "tls_ca") {
    url.tls_ca = std::move(value);
  } else if (name == "socket") {
    if (!value.starts_with('/')) return bad("socket is an absolute path");
    url.socket = std::move(value);
  } else {
    return bad("the options are tls, tls_ca and socket");
  }
  return ok();
}

}  // namespace

Result<MysqlUrl> parse_mysql_url(std::string_view text) {
  const auto* const scheme = std::find_if(std::begin(kSchemes), std::end(kSchemes), [&](auto one) { return text.starts_with(one); });
  if (scheme == std::end(kSchemes)) return bad("must begin with mysql://");
  text.remove_prefix(scheme->size());

  std::string_view rest = text;
  std::string_view options = rest.substr(std::min(rest.find('?'), rest.size()));
  rest.remove_suffix(options.size());
  std::string_view authority = cut(rest, '/');
  MysqlUrl url;

  const size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return bad("must name a user: mysql://user@host/database");
  std::string_view who = authority.substr(0, at);
  const auto user = decoded(cut(who, ':'));
  auto password = decoded(who);
  const auto database = decoded(rest);
  if (!user || !password || !database) return bad("'%' is followed by two hex digits other than 00");
  if (user->empty()) return bad("must name a user: mysql://user@host/database");
  if (database->empty() || database->find('/') != std::string::npos) return bad("must name one database: mysql://user@host/database");
  url.user = *user;
  url.password = Secret(std::move(*password));
  url.database = *database;

  bool tls_said = false;
  for (options.remove_prefix(options.empty() ? 0 : 1); !options.empty();) {
    std::string_view option = cut(options, '&');
    const auto name = cut(option, '=');
    auto value = decoded(option);
    if (!value) return bad("'%' is followed by two hex digits other than 00");
    TRY(set_option(url, name, std::move(*value), tls_said));
  }

  std::string_view hosts = authority.substr(at + 1);
  if (!url.socket.empty()) {
    if (!hosts.empty()) return bad("has a host or a socket, not both");
    if (url.tls != MysqlUrl::Tls::off) return bad("tls is not for a socket");
    return url;
  }
  if (hosts.ends_with(',')) return bad("a host is missing after ','");
  do {
    TRY(auto host, parse_host(cut(hosts, ',')));
    url.hosts.push_back(std::move(host));
  } while (!hosts.empty());
  if (!tls_said && !std::all_of(url.hosts.begin(), url.hosts.end(), this_machine)) url.tls = MysqlUrl::Tls::required;
  if (!url.tls_ca.empty() && url.tls != MysqlUrl::Tls::verify) return bad("tls_ca goes with tls=verify");
  return url;
}

}  // namespace kaimen::store

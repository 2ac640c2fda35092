#include "app/config_checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "app/store_url.h"
#include "base/log.h"
#include "check/state_layout.h"
#include "http/client.h"
#include "http/networks.h"

namespace kaimen::app {

namespace {

constexpr int64_t kMaxThreads = 256;
constexpr size_t kSocketPathBytes = 107;  // sun_path, without the final zero

struct Checks {
  const Config& config;
  const std::function<std::string(const std::string&)>& place_of;
  std::vector<std::string>& problems;

  void problem(const std::string& key, const std::string& text) { problems.push_back(place_of(key) + ": " + text); }

  void address(const std::string& key, const std::string& value) {
    if (!parse_listen(value)) problem(key, "'" + value + "' is not ADDRESS:PORT, such as 127.0.0.1:8081 or [::1]:8081");
  }

  void range(const std::string& key, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most) problem(key, "must be " + std::to_string(least) + " to " + std::to_string(most));
  }

  void tls_pair(const std::string& section, const std::string& certificate, const std::string& key) {
    if (certificate.empty() == key.empty()) return;
    const bool lacks_key = key.empty();
    problem(section + (lacks_key ? ".tls_certificate" : ".tls_key"), std::string("set without ") + section + (lacks_key ? ".tls_key" : ".tls_certificate"));
  }

  void networks(const std::string& key, const std::vector<std::string>& list, bool unix_too) {
    for (const auto& entry : list) {
      http::Networks parsed;
      if ((entry == "unix" && !unix_too) || !parsed.add(entry)) problem(key, "'" + entry + "' is not an address or a block such as 10.0.0.0/8");
    }
  }

  void listeners() {
    address("public.listen", config.public_listen);
    if (!config.private_listen.empty()) address("private.listen", config.private_listen);
    if (config.private_listen.empty() && config.private_unix_socket.empty()) {
      problem("private.listen", "empty, and there is no private.unix_socket: nobody could check a ticket");
    }
    if (config.private_unix_socket.size() > kSocketPathBytes) problem("private.unix_socket", "longer than the 107 bytes a socket's path may have");
    tls_pair("public", config.public_tls_certificate, config.public_tls_key);
    tls_pair("private", config.private_tls_certificate, config.private_tls_key);
    networks("private.plaintext_from", config.private_plaintext_from, false);
    networks("trusted_proxies", config.trusted_proxies, true);
    networks("outbound.allow_private", config.outbound_allow_private, false);
    for (const auto& family : config.wechat_path_families) {
      const bool plain = !family.empty() && family.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == family.npos;
      if (!plain) problem("wechat.path_families", "'" + family + "' is not the first part of one of WeChat's paths, such as cgi-bin");
    }

    const auto private_address = parse_listen(config.private_listen);
    if (!private_address) return;
    if (!private_address->is_loopback() && config.private_tls_certificate.empty() && config.private_plaintext_from.empty()) {
      problem("private.listen", "'" + config.private_listen +
                                    "' is reachable from other machines: it needs private.tls_certificate and private.tls_key, "
                                    "or private.plaintext_from naming who may come without TLS");
    }
    const auto public_address = parse_listen(config.public_listen);
    const bool same_host = public_address && (public_address->host == private_address->host || public_address->is_any() || private_address->is_any());
    if (same_host && public_address->port == private_address->port && public_address->port != 0) {
      problem("private.listen", "the same port as public.listen");
    }
  }

  void public_url() {
    if (config.public_url.empty()) return;
    const auto url = http::BaseUrl::parse(config.public_url);
    if (!url || !url->unix_socket.empty()) problem("public.url", "'" + config.public_url + "' is not an http:// or https:// address");
  }

  void store() {
    const std::string& url = config.store_url;
    // Its text stays out of the problems: there may be a password in it.
    if (is_server_url(url)) {
      if (const auto wrong = problem_of_server_url(url)) problem("store.url", *wrong);
      if (!config.store_password_file.empty() && has_password(url)) problem("store.password_file", "store.url has a password already");
    } else if (!sqlite_path(url)) {
      problem("store.url", "must be sqlite:///path/to/kaimen.db with an absolute path, postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE");
    } else if (!config.store_password_file.empty()) {
      problem("store.password_file", "a SQLite file has no password");
    }
    range("store.connections", config.store_connections, 1, 64);
    // Others hear of a logout within a second (docs/architecture.md).
    range("store.revocation_poll_ms", config.store_revocation_poll_ms, 50, 500);
    range("store.revocation_grace_seconds", config.store_revocation_grace_seconds, 5, 86'400);
    range("audit.keep_days", config.audit_keep_days, 1, 3650);
    if (config.data_directory.size() + std::string_view("/admin.sock").size() > kSocketPathBytes) {
      problem(sqlite_path(url) ? "store.url" : "--data", "the data directory's path is too long for the admin socket in it (107 bytes in all)");
    }
  }

  void session() {
    const std::map<std::string, std::string> values{{"ticket_seconds", std::to_string(config.session_ticket_seconds)},
                                                    {"idle_seconds", std::to_string(config.session_idle_seconds)},
                                                    {"absolute_seconds", std::to_string(config.session_absolute_seconds)},
                                                    {"max_per_user", std::to_string(config.session_max_per_user)}};
    for (const auto& [name, value] : values) {
      const auto parsed = core::AppSettings::parse({{name, value}}, core::AppSettings{});
      if (!parsed) problem("session." + name, parsed.error().detail);
    }
    for (const auto& header : config.session_ticket_headers) {
      const bool token = !header.empty() && header.size() <= 64 && std::all_of(header.begin(), header.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      });
      if (!token) problem("session.ticket_headers", "'" + header + "' is not a header name of letters, digits and '-'");
    }
  }

  void check() {
    if (!config.check_state_file.empty() && config.check_state_file.front() != '/') problem("check.state_file", "must be an absolute path");
    if (!config.check_apps.empty() && config.check_state_file.empty()) problem("check.apps", "set without check.state_file");
    range("check.revocations", config.check_revocations, 1000, 10'000'000);
    if (!config.check_state_file.empty() && config.session_ticket_headers.size() > check::kStateHeadersMax) {
      problem("session.ticket_headers", "a state file holds at most " + std::to_string(check::kStateHeadersMax));
    }
  }

  void upstreams() {
    for (const auto& [name, upstream] : config.upstreams) {
      const std::string key = "upstreams." + name;
      const auto url = http::BaseUrl::parse(upstream.base_url);
      if (!url || !url->unix_socket.empty()) {
        problem(key + ".base_url", upstream.base_url.empty() ? "missing" : "'" + upstream.base_url + "' is not an https:// address");
      } else if (!url->tls && !url->is_loopback()) {
        problem(key + ".base_url", "http:// is for loopback addresses only: app secrets travel this way");
      }
      if (upstream.proxy.empty()) continue;
      const auto proxy = http::BaseUrl::parse(upstream.proxy);
      if (!proxy || proxy->tls || !proxy->unix_socket.empty() || !proxy->prefix.empty()) problem(key + ".proxy", "must be http://HOST:PORT");
    }
  }

  void rest() {
    if (config.threads < 0 || config.threads > kMaxThreads) problem("threads", "must be 0 (one a core) to 256");
    log::Level level;
    if (!log::parse_level(config.log_level, level)) problem("log.level", "must be debug, info, warn, error or off");
  }
};

}  // namespace

bool ListenAddress::is_loopback() const { return host.starts_with("127.") || host == "::1"; }

std::optional<ListenAddress> parse_listen(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);

  ListenAddress address;
  address.host = host;
  unsigned char bytes[sizeof(in6_addr)];
  if (inet_pton(bracketed ? AF_INET6 : AF_INET, address.host.c_str(), bytes) != 1) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return address;
}

std::optional<std::string> sqlite_path(std::string_view url) {
  constexpr std::string_view kScheme = "sqlite://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  const std::string_view path = url.substr(kScheme.size());
  // '?' and '#' would be parameters of a URL, which there are none of: refused rather than taken for a part of the name.
  if (path.size() < 2 || path.front() != '/' || path.back() == '/' || path.find_first_of("?#") != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

void check_config(const Config& config, const std::function<std::string(const std::string&)>& place_of, std::vector<std::string>& problems) {
  Checks checks{config, place_of, problems};
  checks.listeners();
  checks.public_url();
  checks.store();
  checks.session();
  checks.check();
  checks.upstreams();
  checks.rest();
}

}  // namespace kaimen::app

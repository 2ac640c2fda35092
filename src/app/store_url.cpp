#include "app/store_url.h"

#include <algorithm>

#include "app/secret_file.h"
#include "store/mysql_url.h"
#include "store/postgres_failure.h"

namespace kaimen::app {

namespace {

constexpr std::string_view kSchemes[] = {"postgres://", "postgresql://", "mysql://", "mariadb://"};

/// The length of "postgres://"; 0: it is no server's URL.
size_t scheme_length(std::string_view url) {
  for (const auto scheme : kSchemes) {
    if (url.starts_with(scheme)) return scheme.size();
  }
  return 0;
}

/// Where a password stands, with the sign that leads it in: ":secret" before the host, "password=secret" among the options.
struct Place {
  size_t begin = 0, end = 0;
};

std::optional<Place> before_host(std::string_view url) {
  const size_t user = scheme_length(url), at = url.rfind('@'), colon = url.find(':', user);
  if (user == 0 || at == std::string_view::npos || colon == std::string_view::npos || colon > at) return std::nullopt;
  return Place{colon, at};
}

std::optional<Place> among_options(std::string_view url) {
  for (size_t at = url.find('?'); at < url.size(); at = url.find('&', at + 1)) {
    const std::string_view option = url.substr(at + 1, url.find('&', at + 1) - at - 1);
    const std::string_view name = option.substr(0, option.find('='));
    if (name == "password" || name == "sslpassword") return Place{at + 1, at + 1 + option.size()};
  }
  return std::nullopt;
}

std::string percent_encoded(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace

bool is_server_url(std::string_view url) { return scheme_length(url) != 0; }

std::optional<std::string> problem_of_server_url(std::string_view url) {
  const std::string_view rest = url.substr(scheme_length(url));
  const size_t authority = std::min(rest.find_first_of("/?"), rest.size());
  const size_t at = rest.rfind('@');
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c == 0x7f || c == '#'; })) {
    return "blanks, control characters and '#' must be percent-encoded";
  }
  if (at != std::string_view::npos && (at > authority || rest.find('@') != at)) return "'@', '/' and '?' in a user's name or password must be percent-encoded";
  if (url.starts_with("postgres")) {
    if (const auto checked = store::check_postgres_url(std::string(url)); !checked) return checked.error().detail;
  } else if (const auto parsed = store::parse_mysql_url(url); !parsed) {
    constexpr std::string_view kPlace = "store.url: ";
    const std::string& what = parsed.error().detail;
    return what.starts_with(kPlace) ? what.substr(kPlace.size()) : what;
  }
  return std::nullopt;
}

bool has_password(std::string_view url) { return before_host(url) || among_options(url); }

std::string without_password(std::string_view url) {
  std::string shown(url);
  if (const auto place = before_host(shown)) shown.erase(place->begin, place->end - place->begin);
  while (const auto place = among_options(shown)) {
    const bool last = place->end == shown.size();
    // With the '&' behind it, or else the '?' or '&' before it.
    shown.erase(last ? place->begin - 1 : place->begin, place->end - place->begin + 1);
  }
  return shown;
}

std::string shown_store(const Config& config) { return is_server_url(config.store_url) ? without_password(config.store_url) : config.database_path(); }

OrFail<Secret> url_to_connect(const Config& config) {
  if (config.store_password_file.empty()) return Secret(config.store_url);
  auto content = read_secret_file(config.store_password_file);
  if (!content) return misconfigured("store.password_file " + config.store_password_file + ": " + content.error().detail);
  std::string_view password = content.value().reveal();
  if (password.ends_with('\n')) password.remove_suffix(1);
  if (password.ends_with('\r')) password.remove_suffix(1);
  if (password.empty()) return misconfigured("store.password_file " + config.store_password_file + ": empty");
  const size_t at = config.store_url.find('@');
  if (at == std::string::npos) return misconfigured("store.password_file: store.url names no user whose password it could be");
  std::string url = config.store_url;
  url.insert(at, ":" + percent_encoded(password));
  return Secret(std::move(url));
}

}  // namespace kaimen::app

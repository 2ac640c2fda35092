#include "check/presented.h"

namespace kaimen::check {

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
// CGI and what is like it have room for letters, digits and underscores only, and gateways make an underscore of more than the hyphen.
constexpr char folded(char c) {
  const char small = lower(c);
  return (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9') ? small : '-';
}

bool starts_folded(std::string_view name, std::string_view prefix) {
  if (name.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (folded(name[i]) != prefix[i]) return false;
  }
  return true;
}
bool is_folded(std::string_view name, std::string_view whole) { return name.size() == whole.size() && starts_folded(name, whole); }

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_name(std::string_view name, std::string_view lower_case) {
  if (name.size() != lower_case.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != lower_case[i]) return false;
  }
  return true;
}

bool is_bearer(std::string_view value) {
  return value.size() >= 6 && same_name(value.substr(0, 6), "bearer") && (value.size() == 6 || value[6] == ' ' || value[6] == '\t');
}

void Presented::offer(std::string_view text) {
  if (kind == Kind::none) {
    kind = Kind::one;
    ticket = text;
  } else if (ticket != text) {
    kind = Kind::conflict;
  } else {
    by_cookie = by_skey = false;
  }
}

void Presented::offer_authorization(std::string_view value) {
  if (authorized) {
    kind = Kind::conflict;
    ticket = {};
  }
  authorized = true;
  if (is_bearer(value) && kind != Kind::conflict) offer(trimmed(value.substr(6)));
}

void Presented::offer_cookies(std::string_view value, std::string_view cookie_name) {
  cookies_named(value, cookie_name, [&](std::string_view text) {
    const bool only = kind == Kind::none || by_cookie;
    offer(text);
    by_cookie = only;
  });
}

void Presented::offer_skey(std::string_view value) {
  const bool only = kind == Kind::none || by_skey;
  offer(value);
  by_skey = only;
}

bool Presented::offer_named(std::string_view name, std::string_view value, std::string_view cookie_name) {
  if (same_name(name, kAuthorization)) offer_authorization(value);
  else if (same_name(name, kCookie)) offer_cookies(value, cookie_name);
  else if (same_name(name, kTicketHeader)) offer(value);
  else return true;
  return false;
}

bool claims_identity(std::string_view name) {
  if (name.empty() || lower(name.front()) != 'x') return false;  // most are none, and every header of every request comes here
  if (starts_folded(name, "x-kaimen-")) return !is_folded(name, "x-kaimen-ticket");
  if (!starts_folded(name, "x-wx-")) return false;
  std::string_view rest = name.substr(5);
  if (starts_folded(rest, "from-")) rest.remove_prefix(5);
  return is_folded(rest, "openid") || is_folded(rest, "unionid") || is_folded(rest, "appid");
}

}  // namespace kaimen::check

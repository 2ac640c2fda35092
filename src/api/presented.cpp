#include "api/presented.h"

#include <algorithm>

namespace kaimen::api {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_bearer(std::string_view value) {
  return value.size() >= 6 && http::name_is(value.substr(0, 6), "bearer") && (value.size() == 6 || value[6] == ' ' || value[6] == '\t');
}

// Calls found(value) for each pair of that name in a Cookie header (RFC 6265, section 4.2.1).
template <class Found>
void cookies_named(std::string_view header, std::string_view name, Found found) {
  while (!header.empty()) {
    const size_t end = header.find(';');
    const std::string_view pair = trimmed(header.substr(0, end));
    const size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) {
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      found(value);
    }
    if (end == header.npos) break;
    header.remove_prefix(end + 1);
  }
}

}  // namespace

Presented presented_ticket(const http::Request& request, const std::vector<std::string>& ticket_headers, bool skey) {
  Presented presented;
  auto offer = [&](std::string_view ticket) {
    if (presented.kind == Presented::Kind::none) presented = {Presented::Kind::one, ticket};
    else if (presented.ticket != ticket) presented.kind = Presented::Kind::conflict;
    else presented.by_cookie = presented.by_skey = false;
  };
  // Whether it is by one of these alone is known when all have been looked at.
  auto offer_by = [&](bool Presented::*way, std::string_view ticket) {
    const bool first = presented.kind == Presented::Kind::none;
    const bool before = presented.*way;
    offer(ticket);
    presented.*way = first || before;
  };
  auto offer_cookie = [&](std::string_view ticket) { offer_by(&Presented::by_cookie, ticket); };
  bool authorized = false;
  for (const auto& [name, value] : request.headers) {
    if (http::name_is(name, "authorization")) {
      if (authorized) presented = {Presented::Kind::conflict, {}};
      authorized = true;
      if (is_bearer(value) && presented.kind != Presented::Kind::conflict) offer(trimmed(value.substr(6)));
    } else if (http::name_is(name, "cookie")) {
      cookies_named(value, kTicketCookie, offer_cookie);
    } else if (http::name_is(name, "x-kaimen-ticket")) {
      offer(value);
    } else if (std::ranges::any_of(ticket_headers, [&](const auto& configured) { return http::name_is(name, configured); })) {
      offer(value);
    } else if (skey && http::name_is(name, "x-wx-skey")) {
      offer_by(&Presented::by_skey, value);
    }
  }
  return presented;
}

std::string_view cookie(const http::Request& request, std::string_view name) {
  std::string_view result;
  bool conflict = false;
  for (const auto& header : request.headers) {
    if (!http::name_is(header.name, "cookie")) continue;
    cookies_named(header.value, name, [&](std::string_view value) {
      if (!result.empty() && result != value) conflict = true;
      result = value;
    });
  }
  return conflict ? std::string_view{} : result;
}

std::string_view bearer(const http::Request& request) {
  if (request.count("authorization") != 1) return {};
  const std::string_view value = *request.header("authorization");
  return is_bearer(value) ? trimmed(value.substr(6)) : std::string_view{};
}

bool ticket_in_query(std::string_view query) {
  const auto holds = [](std::string_view text) { return text.find("km1.") != text.npos || text.find("kmr1.") != text.npos; };
  std::string decoded;  // any character may come escaped
  return holds(query) || (http::url_decode(query, decoded) && holds(decoded));
}

}  // namespace kaimen::api

#include "api/presented.h"

#include <algorithm>

namespace kaimen::api {

Presented presented_ticket(const http::Request& request, const std::vector<std::string>& ticket_headers, bool skey) {
  Presented presented;
  for (const auto& [name, value] : request.headers) {
    if (!presented.offer_header(name, value)) continue;
    if (std::ranges::any_of(ticket_headers, [&](const auto& configured) { return http::name_is(name, configured); })) {
      presented.offer(value);
    } else if (skey && http::name_is(name, "x-wx-skey")) {
      presented.offer_skey(value);
    }
  }
  return presented;
}

std::string_view cookie(const http::Request& request, std::string_view name) {
  std::string_view result;
  bool conflict = false;
  for (const auto& header : request.headers) {
    if (!http::name_is(header.name, "cookie")) continue;
    check::cookies_named(header.value, name, [&](std::string_view value) {
      if (!result.empty() && result != value) conflict = true;
      result = value;
    });
  }
  return conflict ? std::string_view{} : result;
}

std::string_view bearer(const http::Request& request) {
  if (request.count("authorization") != 1) return {};
  const std::string_view value = *request.header("authorization");
  return check::is_bearer(value) ? check::trimmed(value.substr(6)) : std::string_view{};
}

bool ticket_in_query(std::string_view query) {
  const auto holds = [](std::string_view text) { return text.find("km1.") != text.npos || text.find("kmr1.") != text.npos; };
  std::string decoded;  // any character may come escaped
  return holds(query) || (http::url_decode(query, decoded) && holds(decoded));
}

}  // namespace kaimen::api

// The ticket a request presents: Authorization: Bearer, else X-Kaimen-Ticket, else the configured headers, else X-WX-Skey of wafer's clients,
// else the cookie. More than one is allowed only if they are the same: where two parsers could differ on who is calling, nobody is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"
#include "http/message.h"

namespace kaimen::api {

inline constexpr std::string_view kTicketCookie = "kaimen";
inline constexpr std::string_view kRenewCookie = "kaimen_renew";

struct Presented {
  enum class Kind : uint8_t { none, one, conflict } kind = Kind::none;
  std::string_view ticket;  ///< View into the request.
  bool by_cookie = false;   ///< Only a cookie holds it: the browser sends that by itself, whoever's page asks (api/same_origin.h).
  bool by_skey = false;     ///< Only X-WX-Skey holds it.

  /// Whether a ticket of this app may come so: X-WX-Skey is for the clients of wafer alone.
  bool may_be_of(const core::App* app) const { return !by_skey || (app && app->settings.wafer != core::Wafer::off); }
};

/// Allocates nothing. `skey`: X-WX-Skey counts, for there is an app of wafer's (core::AppTable::wafer).
Presented presented_ticket(const http::Request& request, const std::vector<std::string>& ticket_headers, bool skey);

/// The value of a cookie; empty if there is none or two that differ.
std::string_view cookie(const http::Request& request, std::string_view name);

/// The token of "Authorization: Bearer …"; empty if there is none or more than one such header.
std::string_view bearer(const http::Request& request);

/// Whether a ticket or renew token stands in the query: such a URL ends up in logs and histories (security.md, T8).
bool ticket_in_query(std::string_view query);

}  // namespace kaimen::api

// The ticket a request presents (check/presented.h), the headers of session.ticket_headers included.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check/presented.h"
#include "core/types.h"
#include "http/message.h"

namespace kaimen::api {

using check::kTicketCookie;
inline constexpr std::string_view kRenewCookie = "kaimen_renew";

using check::Presented;

/// Allocates nothing. `skey`: X-WX-Skey counts, for there is an app of wafer's (core::AppTable::wafer).
Presented presented_ticket(const http::Request& request, const std::vector<std::string>& ticket_headers, bool skey);

/// Whether a ticket of this app may come so: X-WX-Skey is for the clients of wafer alone.
inline bool may_be_of(const Presented& presented, const core::App* app) {
  return !presented.by_skey || (app && app->settings.wafer != core::Wafer::off);
}

/// The value of a cookie; empty if there is none or two that differ.
std::string_view cookie(const http::Request& request, std::string_view name);

/// The token of "Authorization: Bearer …"; empty if there is none or more than one such header.
std::string_view bearer(const http::Request& request);

/// Whether a ticket or renew token stands in the query: such a URL ends up in logs and histories (security.md, T8).
bool ticket_in_query(std::string_view query);

}  // namespace kaimen::api

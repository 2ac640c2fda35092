// Whose page asks: a browser sends a cookie by itself, and without a look at that any page the user looks at could act in the user's name.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// For requests that change something by a ticket or renew token from a cookie, and for those that set one. Passes when the browser says that
/// the page is of the same origin, or names an origin that is this server's own (public.url, or the Host it was asked at) or one of the app's
/// web_origins; and when nothing says anything: every browser sends Origin or Sec-Fetch-Site with such a request (decision 0032).
/// Error: forbidden.
Result<> not_of_another_site(const Call& call, const core::App& app);

}  // namespace kaimen::api

// The proof that a request which a browser authenticates by itself (a cookie) was made by a page of ours: without it any page the user looks at
// could act in the user's name.
#pragma once

#include "api/call.h"

namespace kaimen::api {

/// For requests that change something and whose ticket or renew token came in a cookie. Passes when the browser says that the page is of the
/// same origin, or names an origin that is this server's own (public.url, or the Host it was asked at) or one of the app's web_origins.
/// Error: forbidden, also when the browser says nothing.
Result<> proven_same_origin(const Call& call, const core::App& app);

/// For requests that set a cookie: nobody has to prove anything, but a browser must not say that another site's page asks. Error: forbidden.
Result<> not_of_another_site(const Call& call, const core::App& app);

}  // namespace kaimen::api

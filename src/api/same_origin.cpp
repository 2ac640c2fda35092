#include "api/same_origin.h"

#include <algorithm>

namespace kaimen::api {

namespace {

bool is_ours(const Call& call, const core::App& app, std::string_view origin) {
  if (std::ranges::find(app.settings.web_origins, origin) != app.settings.web_origins.end()) return true;
  if (origin == call.options.issuer()) return true;
  // A page cannot choose the Host of its requests. Behind a proxy that is not trusted TLS is not seen here, so https is always taken.
  const std::string_view* host = call.http.header("host");
  if (!host || host->empty() || call.http.count("host") != 1) return false;
  return origin == "https://" + std::string(*host) || (!call.http.https && origin == "http://" + std::string(*host));
}

/// What the browser says of the page that asks; nullptr: nothing, or several things.
const std::string_view* said(const Call& call, std::string_view name) { return call.http.count(name) == 1 ? call.http.header(name) : nullptr; }

Error foreign() { return make_error(ErrorCode::forbidden, "a cookie counts for requests of this origin's own pages only"); }

}  // namespace

Result<> not_of_another_site(const Call& call, const core::App& app) {
  if (call.http.count("sec-fetch-site") == 0 && call.http.count("origin") == 0) return ok();
  if (const auto* site = said(call, "sec-fetch-site"); site && *site == "same-origin") return ok();
  if (const auto* origin = said(call, "origin"); origin && is_ours(call, app, *origin)) return ok();
  return foreign();
}

}  // namespace kaimen::api

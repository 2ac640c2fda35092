#include "playground/pages.h"

#include "playground/pages_embedded.h"

namespace kaimen::playground {

namespace {

// No script and no style but ours, nothing from elsewhere, no framing.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

}  // namespace

http::Response page(std::string_view name) {
  if (name.empty()) name = "index.html";
  http::Response response;
  response.set("Cache-Control", "no-store").set("Content-Security-Policy", std::string(kPolicy)).set("X-Content-Type-Options", "nosniff").set("Referrer-Policy", "no-referrer");
  for (const EmbeddedPage& one : k_pages) {
    if (one.name != name) continue;
    response.set("Content-Type", std::string(type_of(name)));
    response.body = one.text;
    return response;
  }
  response.status = 404;
  return response;
}

}  // namespace kaimen::playground

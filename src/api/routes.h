// The one route table: what there is, on which listener, and who may call it. The OpenAPI document and the metrics' labels are made from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"

namespace kaimen::api {

/// Where a route is served. The admin socket serves the admin API and the health of the private listener, and alone what is on_machine.
enum class Served : uint8_t { publicly, privately, everywhere, on_machine };

/// How a route writes its refusals, where its clients do not know problem+json.
struct Refusal {
  http::Response (*write)(const Call&, const Error&) = nullptr;  ///< Null: problem+json.
  std::string_view schema = "Problem";                           ///< Its name in the OpenAPI document.
};

enum class Body : uint8_t { json, form, multipart, raw };  ///< raw: the handler takes the bytes as they are.

struct Route {
  std::string_view method;   ///< "ANY": whatever a call to WeChat may have.
  std::string_view pattern;  ///< "/v1/me/sessions/{id}".
  Served served;
  Access access;
  std::string_view summary;  ///< For the OpenAPI document.
  std::string_view request;  ///< Name of the request schema there; empty: no body.
  std::string_view answer;   ///< Name of the answer schema; empty: no body.
  int status = 200;          ///< Of success.
  Body body = Body::json;
  Refusal refusal{};
  bool rest = false;         ///< The last {name} takes the rest of the path, slashes and all.
};
/// The methods of a route: "ANY" stands for several.
std::vector<std::string_view> methods_of(const Route& route);

std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;    ///< Null: see allowed.
  size_t index = 0;
  std::vector<std::string> path;
  std::string allowed;             ///< Methods of the routes with this path, "GET, HEAD, POST"; empty: no such path here.
};
Match match(std::string_view method, std::string_view path, Surface surface);

}  // namespace kaimen::api

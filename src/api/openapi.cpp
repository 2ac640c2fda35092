#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/openapi_schemas.h"
#include "api/routes.h"

namespace kaimen::api {

using http::json::array;
using http::json::object;

namespace {

object reference(std::string_view schema) { return {{"$ref", "#/components/schemas/" + std::string(schema)}}; }

object content(std::string_view type, std::string_view schema) { return {{std::string(type), object{{"schema", reference(schema)}}}}; }

array path_parameters(std::string_view pattern) {
  array parameters;
  for (size_t at = pattern.find('{'); at != pattern.npos; at = pattern.find('{', at + 1)) {
    const std::string_view name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    parameters.push_back(object{{"name", name}, {"in", "path"}, {"required", true}, {"schema", object{{"type", "string"}}}});
  }
  return parameters;
}

std::string_view security_of(const Access& access) {
  if (std::holds_alternative<Ticketed>(access)) return "ticket";
  if (std::holds_alternative<Keyed>(access)) return "key";
  return {};
}

std::string_view listener_of(Served served) {
  switch (served) {
    case Served::publicly: return "public";
    case Served::privately: return "private";
    case Served::everywhere: return "both";
    case Served::on_machine: return "admin socket";
  }
  return {};
}

object operation(const Route& route) {
  object json{{"summary", route.summary}};
  if (auto parameters = path_parameters(route.pattern); !parameters.empty()) json["parameters"] = std::move(parameters);
  if (!route.request.empty()) {
    const std::string_view type = route.body == Body::form        ? "application/x-www-form-urlencoded"
                                  : route.body == Body::multipart ? "multipart/form-data"
                                  : route.rest                    ? "*/*"
                                                                  : "application/json";
    json["requestBody"] = object{{"content", content(type, route.request)}};
  }
  object success{{"description", "Success"}};
  if (!route.answer.empty()) success["content"] = content(route.rest ? "*/*" : "application/json", route.answer);
  object responses{{std::to_string(route.status), std::move(success)}};
  responses["default"] = object{{"description", "An error"}, {"content", content(route.refusal.write ? "application/json" : "application/problem+json", route.refusal.schema)}};
  json["responses"] = std::move(responses);
  if (const auto scheme = security_of(route.access); !scheme.empty()) json["security"] = array{object{{scheme, array{}}}};
  if (const auto* keyed = std::get_if<Keyed>(&route.access)) json["x-kaimen-scope"] = core::name_of(keyed->scope);
  json["x-kaimen-listener"] = listener_of(route.served);
  return json;
}

}  // namespace

std::string openapi_document(const std::string& version) {
  object paths;
  for (const auto& route : routes()) {
    auto& entry = paths[route.pattern];
    if (!entry.is_object()) entry = object{};
    for (const auto name : methods_of(route)) {
      std::string method(name);
      for (char& c : method) c = static_cast<char>(c - 'A' + 'a');
      entry.as_object()[method] = operation(route);
    }
  }
  const object schemes{{"ticket", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "km1"}}},
                       {"key", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "kmk"}}}};
  const object document{{"openapi", "3.1.0"},
                        {"info", object{{"title", "Kaimen"}, {"version", version}, {"license", object{{"name", "Apache-2.0"}}}}},
                        {"paths", std::move(paths)},
                        {"components", object{{"schemas", boost::json::parse(kSchemas)}, {"securitySchemes", schemes}}}};
  return boost::json::serialize(document);
}

}  // namespace kaimen::api

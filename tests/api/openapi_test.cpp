// The OpenAPI document: it parses, it has every route, and whatever it refers to is in it.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

json::object document() { return http::parse_json(api::openapi_document("1.2.3"), 64).value().get_object(); }
const json::object& schemas(const json::object& doc) { return doc.at("components").at("schemas").get_object(); }

void collect_references(const json::value& value, std::vector<std::string>& found) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      if (key == "$ref") found.emplace_back(member.get_string());
      else collect_references(member, found);
    }
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) collect_references(item, found);
  }
}

TEST(OpenApiTest, ItIsOfVersion31AndOurs) {
  const auto doc = document();
  EXPECT_EQ(doc.at("openapi").get_string(), "3.1.0");
  EXPECT_EQ(doc.at("info").at("version").get_string(), "1.2.3");
}

TEST(OpenApiTest, EveryRouteIsThereWithItsStatus) {
  const auto doc = document();
  for (const auto& route : api::routes()) {
    for (const auto name : api::methods_of(route)) {
      std::string method(name);
      for (char& c : method) c = static_cast<char>(std::tolower(c));
      const auto* path = doc.at("paths").get_object().if_contains(route.pattern);
      ASSERT_TRUE(path) << route.pattern;
      const auto* operation = path->get_object().if_contains(method);
      ASSERT_TRUE(operation) << method << " " << route.pattern;
      EXPECT_TRUE(operation->at("responses").get_object().contains(std::to_string(route.status))) << route.pattern;
      EXPECT_EQ(operation->get_object().contains("security"), std::holds_alternative<api::Ticketed>(route.access) || std::holds_alternative<api::Keyed>(route.access)) << route.pattern;
    }
  }
}

TEST(OpenApiTest, EverySchemaARouteNamesIsThere) {
  const auto doc = document();
  for (const auto& route : api::routes()) {
    for (const auto name : {route.request, route.answer}) {
      EXPECT_TRUE(name.empty() || schemas(doc).contains(name)) << route.pattern << " names " << name;
    }
  }
}

TEST(OpenApiTest, EveryReferenceIsResolved) {
  const auto doc = document();
  std::vector<std::string> references;
  collect_references(doc, references);
  EXPECT_GT(references.size(), 50U);
  constexpr std::string_view prefix = "#/components/schemas/";
  for (const auto& reference : references) {
    ASSERT_TRUE(reference.starts_with(prefix)) << reference;
    EXPECT_TRUE(schemas(doc).contains(reference.substr(prefix.size()))) << reference;
  }
}

TEST(OpenApiTest, EverySchemaIsUsed) {
  const auto doc = document();
  std::vector<std::string> references;
  collect_references(doc, references);
  for (const auto& [name, schema] : schemas(doc)) {
    EXPECT_NE(std::find(references.begin(), references.end(), "#/components/schemas/" + std::string(name)), references.end()) << name;
  }
}

TEST(OpenApiTest, EveryPathParameterIsDeclared) {
  const auto doc = document();
  for (const auto& [path, operations] : doc.at("paths").get_object()) {
    const bool has = path.find('{') != path.npos;
    for (const auto& [method, operation] : operations.get_object()) {
      ASSERT_EQ(operation.get_object().contains("parameters"), has) << path;
      if (!has) continue;
      const std::string name(operation.at("parameters").at(0).at("name").get_string());
      EXPECT_NE(std::string(path).find("{" + name + "}"), std::string::npos) << path;
    }
  }
}

}  // namespace
}  // namespace kaimen::test

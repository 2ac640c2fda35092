// /admin/v1/master-key: which master keys values are under, and their sealing anew, step by step, driven by the caller.
#include <sstream>

#include "api/admin.h"

namespace kaimen::api {

namespace {

constexpr const char* kOfAll = "the master key is of all projects";

http::json::value name_or_null(const std::optional<uint32_t>& id) {
  return id ? http::json::value(core::master_key_name(*id)) : http::json::value(nullptr);
}

http::json::array names_in(const std::string& list) {
  http::json::array names;
  std::istringstream text(list);
  for (std::string name; std::getline(text, name, ',');) names.emplace_back(name);
  return names;
}

}  // namespace

Answer show_master_key(Call& call, const core::Caller& caller) {
  CO_TRY(expect_unbound(caller, kOfAll));
  auto read = co_await call.services.master_keys.state();
  CO_TRY(const auto state, std::move(read));
  http::json::array nodes;
  for (const auto& node : state.nodes) {
    nodes.push_back(http::json::object{{"id", node.node.hex()}, {"version", node.version}, {"master_keys", names_in(node.master_keys)}});
  }
  const http::json::object body{{"settled", name_or_null(state.settled)},
                                {"next", name_or_null(state.next)},
                                {"held", names_in(call.services.master_keys.held())},
                                {"nodes", std::move(nodes)}};
  co_return json_response(200, body);
}

Answer reseal_values(Call& call, const core::Caller& caller) {
  CO_TRY(expect_unbound(caller, kOfAll));
  http::Reader reader(call.body);
  auto after = reader.string({"cursor"}).value_or("");
  CO_TRY(call.finish(reader));
  auto stepped = co_await call.services.master_keys.step(std::move(after));
  CO_TRY(const auto step, std::move(stepped));
  const http::json::object body{{"next_cursor", step.next.empty() ? http::json::value(nullptr) : http::json::value(step.next)},
                                {"looked_at", step.looked_at},
                                {"resealed", step.resealed}};
  co_return json_response(200, body);
}

}  // namespace kaimen::api

// /admin/v1/keys and /admin/v1/ticket-keys.
#include "api/admin.h"
#include "api/wire.h"

namespace kaimen::api {

Answer create_key(Call& call, const core::Caller& caller) {
  http::Reader reader(call.body);
  core::NewAccessKey key;
  key.name = reader.require_string({"name"});
  key.project = reader.string({"project"}).value_or(caller.project);
  const auto* scopes = reader.array({"scopes"});
  if (!scopes) reader.fail("scopes is required: a list of verify, read, write, wechat, admin");
  CO_TRY(call.finish(reader));
  for (const auto& scope : *scopes) {
    if (!scope.is_string()) co_return make_error(ErrorCode::invalid_request, "scopes must be strings");
    key.scopes.emplace_back(scope.get_string());
  }
  if (!caller.project.empty() && key.project != caller.project) co_return make_error(ErrorCode::forbidden, "this key is bound to another project");
  key.source = call.trace.source;
  auto created = co_await call.services.access_keys.create(std::move(key));
  CO_TRY(const auto made, std::move(created));
  http::json::object body = access_key_json(made.row);
  body["key"] = made.text.reveal();
  co_return json_response(201, body, true);
}

Answer list_keys(Call& call, const core::Caller& caller) {
  CO_TRY(const Page page, page_of(call));
  auto listed = co_await call.services.access_keys.list();
  CO_TRY(auto rows, std::move(listed));
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  http::json::array items;
  std::string last;
  bool more = false;
  for (const auto& row : rows) {
    if (row.id.raw() <= page.after || (!caller.project.empty() && row.project != caller.project)) continue;
    if (items.size() == page.limit) {
      more = true;
      break;
    }
    last = row.id.raw();
    items.push_back(access_key_json(row));
  }
  co_return json_response(200, page_json(std::move(items), last, more));
}

Answer revoke_key(Call& call, const core::Caller& caller) {
  CO_TRY(const Id id, id_in_path(call, 0));
  if (!caller.project.empty()) {
    auto listed = co_await call.services.access_keys.list();
    CO_TRY(const auto rows, std::move(listed));
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.id == id && row.project == caller.project; });
    if (found == rows.end()) co_return make_error(ErrorCode::not_found, "there is no such key");
  }
  auto revoked = co_await call.services.access_keys.revoke(id, call.trace.source);
  CO_TRY(std::move(revoked));
  co_return no_content();
}

Answer confirm_key(Call& call, const core::Caller&) {
  CO_TRY(const Id id, id_in_path(call, 0));
  auto confirmed = co_await call.services.access_keys.confirm(id, call.trace.source);
  CO_TRY(std::move(confirmed));
  co_return no_content();
}

Answer retire_ticket_keys(Call& call, const core::Caller& caller) {
  CO_TRY(expect_unbound(caller, "ticket keys are of all projects"));
  auto retired = co_await call.services.ticket_keys.retire(call.trace.source);
  CO_TRY(std::move(retired));
  auto signing = co_await call.services.jwt_keys.maintain();
  CO_TRY(std::move(signing));
  co_return no_content();
}

}  // namespace kaimen::api

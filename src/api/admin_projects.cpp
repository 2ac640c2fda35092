// /admin/v1/projects: tenants.
#include "api/admin.h"
#include "api/wire.h"

namespace kaimen::api {

namespace {

// Another project is not there for this caller.
Result<core::Project> project_in_path(const Call& call, const core::Caller& caller) {
  if (out_of_reach(caller, call.path[0])) return make_error(ErrorCode::not_found, "there is no such project");
  return call.services.projects.find(call.path[0]);
}

// Which projects there are, and which of them work, is for the provider, not for the customer whose key is bound to one.
constexpr const char* kBound = "this key is bound to a project";

http::json::object project_json(const Call& call, const core::Project& project) {
  const auto apps = call.services.live.apps.get();
  const auto count = std::ranges::count_if(apps->by_id, [&](const auto& app) { return app.second->project == project.name; });
  return {{"name", project.name}, {"title", project.title}, {"disabled", project.disabled}, {"apps", count}, {"created_at", rfc3339(project.created_at)}};
}

}  // namespace

Answer list_projects(Call& call, const core::Caller& caller) {
  CO_TRY(const Page page, page_of(call));
  const auto* wanted = call.query.find("q");
  http::json::array items;
  std::string last;
  bool more = false;
  for (const auto& project : call.services.projects.list()) {
    if (project.name <= page.after || out_of_reach(caller, project.name)) continue;
    if (wanted && !holds_words(project.name, *wanted) && !holds_words(project.title, *wanted)) continue;
    if (items.size() == page.limit) {
      more = true;
      break;
    }
    last = project.name;
    items.push_back(project_json(call, project));
  }
  co_return json_response(200, page_json(std::move(items), last, more));
}

Answer show_project(Call& call, const core::Caller& caller) {
  CO_TRY(const auto project, project_in_path(call, caller));
  co_return json_response(200, project_json(call, project));
}

Answer add_project(Call& call, const core::Caller& caller) {
  CO_TRY(expect_unbound(caller, kBound));
  http::Reader reader(call.body);
  core::Project project;
  project.name = reader.require_string({"name"});
  project.title = reader.string({"title"}).value_or("");
  project.disabled = reader.boolean({"disabled"}).value_or(false);
  CO_TRY(call.finish(reader));
  auto added = co_await call.services.projects.add(std::move(project), call.trace.source);
  CO_TRY(const auto made, std::move(added));
  co_return json_response(201, project_json(call, made));
}

Answer change_project(Call& call, const core::Caller& caller) {
  CO_TRY(const auto project, project_in_path(call, caller));
  http::Reader reader(call.body);
  core::ChangeProject change;
  change.name = project.name;
  change.title = reader.string({"title"});
  change.disabled = reader.boolean({"disabled"});
  change.source = call.trace.source;
  CO_TRY(call.finish(reader));
  if (change.disabled) {
    CO_TRY(expect_unbound(caller, kBound));
  }
  auto changed = co_await call.services.projects.change(std::move(change));
  CO_TRY(const auto made, std::move(changed));
  co_return json_response(200, project_json(call, made));
}

Answer remove_project(Call& call, const core::Caller& caller) {
  CO_TRY(const auto project, project_in_path(call, caller));
  CO_TRY(expect_unbound(caller, kBound));
  auto removed = co_await call.services.projects.remove(project.name, call.trace.source);
  CO_TRY(std::move(removed));
  co_return no_content();
}

}  // namespace kaimen::api

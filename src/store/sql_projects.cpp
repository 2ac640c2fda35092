// Projects. So that no app or key can come into one that is being removed, whoever puts one there counts the configuration up, as the removal
// does. Users come by logins of its apps alone.
#include "store/sql_projects.h"

#include "store/records.h"

namespace kaimen::store {

namespace {

using core::Project;

constexpr Scan kAllProjects{&kTable<ProjectRow>, "", "name"};
constexpr Scan kAllDetails{&kTable<ProjectDetailsRow>, "", "name"};
constexpr Scan kUsers{&kTable<UserRow>, "project = ? AND state <> 2", "", true};
// Lists, not scans: what the batch has changed counts. No index stands behind them; a removal is rare.
constexpr Index<AppTableRow> kAppsOfProject{{&kTable<AppTableRow>, {4}, 1, "removed_at IS NULL"}, [](const AppTableRow& row) { return !row.removed_at; }};
constexpr Index<AccessKeyTableRow> kKeysOfProject{{&kTable<AccessKeyTableRow>, {4}, 1, "revoked_at IS NULL"},
                                                  [](const AccessKeyTableRow& row) { return !row.revoked_at; }};
constexpr Index<WebhookRow> kWebhooksOfProject{{&kTable<WebhookRow>, {1}, 1}};
static_assert(std::get<4>(Table<AppTableRow>::columns).name == "project" && std::get<4>(Table<AccessKeyTableRow>::columns).name == "project" &&
              std::get<1>(Table<WebhookRow>::columns).name == "project");

Result<std::vector<Project>> list_projects(ActContext& context) {
  TRY(const auto rows, context.rows.scan<ProjectRow>(kAllProjects));
  TRY(const auto details, context.rows.scan<ProjectDetailsRow>(kAllDetails));
  std::vector<Project> projects;
  for (const ProjectRow& row : rows) {
    const auto more = std::ranges::find(details, row.name, &ProjectDetailsRow::name);
    const bool plain = more == details.end();
    projects.push_back({row.name, plain ? "" : more->title, !plain && more->disabled, row.created_at});
  }
  return projects;
}

Result<> write_project_event(ActContext& context, Time now, std::string_view kind, const std::string& name, const core::Source& source) {
  return write_event(context, now, {kind, std::nullopt, std::nullopt, std::nullopt, Reason::none, source, name});
}

Result<> save_details(Rows& rows, const std::string& name, const std::optional<std::string>& title, std::optional<bool> disabled) {
  TRY(const ProjectDetailsRow* before, rows.find<ProjectDetailsRow>(name));
  if (!before) {
    rows.insert(ProjectDetailsRow{name, 0, title.value_or(""), disabled.value_or(false)});
    return ok();
  }
  ProjectDetailsRow& row = rows.change(*before);
  row.title = title.value_or(row.title);
  row.disabled = disabled.value_or(row.disabled);
  return ok();
}

Result<> add_project(ActContext& context, const Project& project, const core::Source& source) {
  Rows& rows = context.rows;
  rows.expect<ProjectDetailsRow>(project.name);
  TRY(const ProjectRow* before, rows.find<ProjectRow>(project.name));
  if (before && context.again && before->created_at == project.created_at) return ok();
  if (before) return make_error(ErrorCode::conflict, "there is a project of this name");
  rows.insert(ProjectRow{project.name, project.created_at});
  TRY(save_details(rows, project.name, project.title, project.disabled));
  TRY(count_configuration(rows));
  return write_project_event(context, project.created_at, "project_added", project.name, source);
}

Result<> change_project(ActContext& context, const core::ChangeProject& act) {
  Rows& rows = context.rows;
  rows.expect<ProjectDetailsRow>(act.name);
  TRY(const ProjectRow* project, rows.find<ProjectRow>(act.name));
  if (!project) return make_error(ErrorCode::not_found, "there is no such project");
  TRY(save_details(rows, act.name, act.title, act.disabled));
  TRY(count_configuration(rows));
  return write_project_event(context, act.now, "project_changed", act.name, act.source);
}

Result<> remove_project(ActContext& context, const std::string& name, Time now, const core::Source& source) {
  Rows& rows = context.rows;
  rows.expect<ProjectDetailsRow>(name);
  rows.expect(kAppsOfProject, name);
  rows.expect(kKeysOfProject, name);
  rows.expect(kWebhooksOfProject, name);
  TRY(const ProjectRow* project, rows.find<ProjectRow>(name));
  if (!project) return context.again ? Result<>(ok()) : make_error(ErrorCode::not_found, "there is no such project");
  TRY(const auto apps, rows.list(kAppsOfProject, name));
  if (!apps.empty()) return make_error(ErrorCode::conflict, "the project has apps: remove them first");
  TRY(const auto keys, rows.list(kKeysOfProject, name));
  if (!keys.empty()) return make_error(ErrorCode::conflict, "keys are bound to the project: revoke them first");
  TRY(const auto webhooks, rows.list(kWebhooksOfProject, name));
  if (!webhooks.empty()) return make_error(ErrorCode::conflict, "the project has webhooks: remove them first");
  TRY(const auto users, rows.scan<UserRow>(kUsers, name, 1));
  if (!users.empty()) return make_error(ErrorCode::conflict, "the project has users: delete them first");
  TRY(const ProjectDetailsRow* details, rows.find<ProjectDetailsRow>(name));
  TRY(count_configuration(rows));
  rows.remove(*project);
  if (details) rows.remove(*details);
  return write_project_event(context, now, "project_removed", name, source);
}

}  // namespace

Task<Result<std::vector<Project>>> SqlProjects::list() {
  return queue_.read<std::vector<Project>>([](ActContext& context) { return list_projects(context); });
}
Task<Result<>> SqlProjects::add(Project project, core::Source source) {
  return queue_.write<void>([project = std::move(project), source = std::move(source)](ActContext& context) { return add_project(context, project, source); });
}
Task<Result<>> SqlProjects::change(core::ChangeProject act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return change_project(context, act); });
}
Task<Result<>> SqlProjects::remove(std::string name, Time now, core::Source source) {
  return queue_.write<void>([name = std::move(name), now, source = std::move(source)](ActContext& context) {
    return remove_project(context, name, now, source);
  });
}

}  // namespace kaimen::store

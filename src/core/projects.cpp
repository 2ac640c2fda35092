#include "core/projects.h"

#include "base/encoding.h"

namespace kaimen::core {

namespace {

Result<> check_title(const std::string& title) {
  if (!is_plain_text(title, 64)) return make_error(ErrorCode::invalid_request, "title must be at most 64 characters without control characters");
  return ok();
}

}  // namespace

Result<Project> Projects::find(const std::string& name) const {
  const auto apps = live_.apps.get();
  const Project* project = apps->project(name);
  if (!project) return make_error(ErrorCode::not_found, "there is no such project");
  return *project;
}

Task<Result<Project>> Projects::loaded(std::string name, Task<Result<>> act) {
  auto done = co_await std::move(act);
  CO_TRY(std::move(done));
  auto apps = co_await apps_.load();
  CO_TRY(std::move(apps));
  co_return find(name);
}

Task<Result<Project>> Projects::add(Project project, Source source) {
  CO_TRY(check_project_name(project.name));
  CO_TRY(check_title(project.title));
  project.created_at = live_.clock.now();
  std::string name = project.name;
  auto act = store_.projects().add(std::move(project), std::move(source));
  auto added = co_await loaded(std::move(name), std::move(act));
  co_return added;
}

Task<Result<Project>> Projects::change(ChangeProject act) {
  if (act.title) {
    CO_TRY(check_title(*act.title));
  }
  act.now = live_.clock.now();
  std::string name = act.name;
  auto changing = store_.projects().change(std::move(act));
  auto changed = co_await loaded(std::move(name), std::move(changing));
  co_return changed;
}

Task<Result<>> Projects::remove(std::string name, Source source) {
  if (name == "default") co_return make_error(ErrorCode::conflict, "the project default stays");
  auto removed = co_await store_.projects().remove(std::move(name), live_.clock.now(), std::move(source));
  CO_TRY(std::move(removed));
  auto apps = co_await apps_.load();
  co_return apps;
}

}  // namespace kaimen::core

// Projects: tenants, added, changed and removed while the server runs.
#pragma once

#include <string>
#include <vector>

#include "core/apps.h"
#include "core/live.h"
#include "core/project_store.h"

namespace kaimen::core {

class Projects {
 public:
  Projects(Store& store, Live& live, Apps& apps) : store_(store), live_(live), apps_(apps) {}

  std::vector<Project> list() const { return live_.apps.get()->projects; }  ///< By name.
  /// Error: not_found.
  Result<Project> find(const std::string& name) const;
  /// Errors: invalid_request (name, title), conflict (exists).
  Task<Result<Project>> add(Project project, Source source);
  /// `act.now` is set here. Errors: not_found, invalid_request.
  Task<Result<Project>> change(ChangeProject act);
  /// Errors: not_found; conflict while anything is in it, and of the project "default", which every database has.
  Task<Result<>> remove(std::string name, Source source);

 private:
  Task<Result<Project>> loaded(std::string name, Task<Result<>> act);

  Store& store_;
  Live& live_;
  Apps& apps_;
};

}  // namespace kaimen::core

// The store's port for projects: the tenants that apps, users, keys and webhooks belong to. As core/store.h: atomic acts, safe to retry.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "core/types.h"

namespace kaimen::core {

struct Project {
  std::string name;   ///< What rows and keys name it by; never changes.
  std::string title;  ///< For people.
  bool disabled = false;  ///< As if each of its apps were.
  Time created_at{};
};
struct ChangeProject {
  std::string name;
  std::optional<std::string> title;
  std::optional<bool> disabled;
  Time now{};
  Source source;
};

class ProjectStore {
 public:
  virtual ~ProjectStore() = default;

  /// By name.
  virtual Task<Result<std::vector<Project>>> list() = 0;
  /// Error: conflict (there is one of this name).
  virtual Task<Result<>> add(Project project, Source source) = 0;
  /// Error: not_found.
  virtual Task<Result<>> change(ChangeProject act) = 0;
  /// Errors: not_found; conflict while anything is in it: an app, a user (other than deleted ones), a webhook, a key that is not revoked.
  virtual Task<Result<>> remove(std::string name, Time now, Source source) = 0;
};

}  // namespace kaimen::core

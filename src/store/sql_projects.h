// core/project_store.h on an SQL database.
#pragma once

#include "core/project_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlProjects final : public core::ProjectStore {
 public:
  explicit SqlProjects(ActQueue queue) : queue_(queue) {}

  Task<Result<std::vector<core::Project>>> list() override;
  Task<Result<>> add(core::Project project, core::Source source) override;
  Task<Result<>> change(core::ChangeProject act) override;
  Task<Result<>> remove(std::string name, Time now, core::Source source) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

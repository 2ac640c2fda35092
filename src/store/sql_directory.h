// core/directory_store.h on an SQL database.
#pragma once

#include "core/directory_store.h"
#include "store/act_queue.h"
#include "store/directory_acts.h"

namespace kaimen::store {

class SqlDirectory final : public core::DirectoryStore {
 public:
  explicit SqlDirectory(ActQueue queue) : queue_(queue) {}

  Task<Result<core::ChangedUser>> set_external_id(core::SetExternalId act) override {
    return queue_.write<core::ChangedUser>([act = std::move(act)](ActContext& context) { return store::set_external_id(context, act); });
  }
  Task<Result<core::ChangedUser>> set_roles(core::SetRoles act) override {
    return queue_.write<core::ChangedUser>([act = std::move(act)](ActContext& context) { return store::set_roles(context, act); });
  }
  Task<Result<core::UserPage>> find_users(core::FindUsers query) override {
    return queue_.read<core::UserPage>([query = std::move(query)](ActContext& context) { return store::find_users(context, query); });
  }
  Task<Result<core::OpenedSession>> hand_over(core::HandOver act) override {
    return queue_.write<core::OpenedSession>([act = std::move(act)](ActContext& context) { return store::hand_over(context, act); });
  }

  Task<Result<core::OpenedSession>> open_support(core::OpenSupport act) override {
    return queue_.write<core::OpenedSession>([act = std::move(act)](ActContext& context) { return store::open_support(context, act); });
  }
  Task<Result<core::OpenedSession>> apply_resolved(core::ApplyResolved act) override {
    return queue_.write<core::OpenedSession>([act = std::move(act)](ActContext& context) { return store::apply_resolved(context, act); });
  }
  Task<Result<>> settle_resolve(std::string mark) override {
    return queue_.write<void>([mark = std::move(mark)](ActContext& context) { return store::settle_resolve(context.rows, mark); });
  }
  Task<Result<core::Imported>> import_users(core::ImportUsers act) override;

 private:
  static Task<Result<core::Imported>> undone(ActQueue queue, core::ImportUsers act);
  const ActQueue queue_;
};

}  // namespace kaimen::store

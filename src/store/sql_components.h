// core/component_store.h on an SQL database.
#pragma once

#include "core/component_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlComponents final : public core::ComponentStore {
 public:
  explicit SqlComponents(ActQueue queue) : queue_(queue) {}

  Task<Result<bool>> keep_ticket(core::KeepTicket act) override;
  Task<Result<std::string>> ticket(std::string component) override;
  Task<Result<>> keep_link(core::AuthorizationLink link) override;
  Task<Result<core::AuthorizationLink>> find_link(std::string hash) override;
  Task<Result<core::AuthorizationEffect>> save_authorization(core::SaveAuthorization act) override;
  Task<Result<core::AuthorizationEffect>> end_authorization(core::EndAuthorization act) override;
  Task<Result<std::string>> refresh_token(std::string app_id) override;
  Task<Result<bool>> save_authorizer_token(core::SaveAuthorizerToken act) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

// core/account_store.h on an SQL database.
#pragma once

#include "core/account_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlAccounts final : public core::AccountStore {
 public:
  explicit SqlAccounts(ActQueue queue) : queue_(queue) {}

  Task<Result<core::LoginRecord>> register_password(core::RegisterPassword act) override;
  Task<Result<core::PasswordChance>> begin_password(core::PasswordAttempt act) override;
  Task<Result<core::LoginRecord>> login_by_password(core::LoginByPassword act) override;
  Task<Result<std::optional<core::PasswordName>>> password_of(Id user) override;
  Task<Result<std::vector<core::Revocation>>> set_password(core::SetPassword act) override;

  Task<Result<core::ChangedUser>> link_identity(core::LinkIdentity act) override;
  Task<Result<>> claim_mark(std::string mark, Time now) override;
  Task<Result<>> release_mark(std::string mark) override;
  Task<Result<std::optional<core::LoginRecord>>> attach_by_phone(core::AttachByPhone act) override;

  Task<Result<core::ChangedUser>> register_user(core::RegisterUser act) override;
  Task<Result<>> add_invitation(core::Invitation act) override;

  Task<Result<std::vector<core::Revocation>>> delete_user(core::DeleteUser act) override;
  Task<Result<std::vector<Id>>> due_deletions(Time now, int most) override;
  Task<Result<core::HeldUser>> held_of(Id user) override;
  Task<Result<std::vector<core::Session>>> held_sessions(Id user, std::optional<core::Session> after, size_t limit) override;
  Task<Result<std::vector<core::HeldScan>>> held_scans(core::HeldBehind query) override;
  Task<Result<std::vector<core::HeldEvent>>> held_events(core::HeldBehind query) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

// core/media_store.h on an SQL database.
#pragma once

#include "core/media_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlMedia final : public core::MediaStore {
 public:
  explicit SqlMedia(ActQueue queue) : queue_(queue) {}

  Task<Result<core::PushEffect>> withdraw_profile(core::WithdrawProfile act) override;
  Task<Result<core::ClosedIdentity>> close_identity(core::CloseIdentity act) override;
  Task<Result<>> keep_session_key(core::KeepSessionKey act) override;
  Task<Result<core::KeptAvatar>> keep_avatar(core::KeepAvatar act) override;
  Task<Result<core::Avatar>> find_avatar(std::string hash) override;
  Task<Result<>> note_avatar_check(core::NoteAvatarCheck act) override;
  Task<Result<core::PushEffect>> settle_avatar_check(core::SettleAvatarCheck act) override;
  Task<Result<>> report_name(core::ReportName act) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

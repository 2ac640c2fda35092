#include "store/sql_media.h"

#include "store/avatars.h"
#include "store/pushes.h"
#include "store/session_keys.h"

namespace kaimen::store {

Task<Result<core::PushEffect>> SqlMedia::withdraw_profile(core::WithdrawProfile act) {
  return queue_.write<core::PushEffect>([act = std::move(act)](ActContext& context) { return store::withdraw_profile(context, act); });
}
Task<Result<core::ClosedIdentity>> SqlMedia::close_identity(core::CloseIdentity act) {
  return queue_.write<core::ClosedIdentity>([act = std::move(act)](ActContext& context) { return store::close_identity(context, act); });
}
Task<Result<>> SqlMedia::keep_session_key(core::KeepSessionKey act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::keep_session_key(context, act); });
}
Task<Result<core::KeptAvatar>> SqlMedia::keep_avatar(core::KeepAvatar act) {
  return queue_.write<core::KeptAvatar>([act = std::move(act)](ActContext& context) { return store::keep_avatar(context, act); });
}
Task<Result<core::Avatar>> SqlMedia::find_avatar(std::string hash) {
  return queue_.read<core::Avatar>([hash = std::move(hash)](ActContext& context) { return store::find_avatar(context, hash); });
}
Task<Result<>> SqlMedia::note_avatar_check(core::NoteAvatarCheck act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::note_avatar_check(context, act); });
}
Task<Result<core::PushEffect>> SqlMedia::settle_avatar_check(core::SettleAvatarCheck act) {
  return queue_.write<core::PushEffect>([act = std::move(act)](ActContext& context) { return store::settle_avatar_check(context, act); });
}
Task<Result<>> SqlMedia::report_name(core::ReportName act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::report_name(context, act); });
}

}  // namespace kaimen::store

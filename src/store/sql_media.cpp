#include "store/sql_media.h"

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

}  // namespace kaimen::store

#include "store/sql_accounts.h"

#include "store/accounts.h"

namespace kaimen::store {

using core::LoginRecord;
using core::Revocation;

Task<Result<LoginRecord>> SqlAccounts::register_password(core::RegisterPassword act) {
  return queue_.write<LoginRecord>([act = std::move(act)](ActContext& context) { return store::register_password(context, act); });
}
Task<Result<core::PasswordChance>> SqlAccounts::begin_password(core::PasswordAttempt act) {
  return queue_.write<core::PasswordChance>([act = std::move(act)](ActContext& context) { return store::begin_password(context, act); });
}
Task<Result<LoginRecord>> SqlAccounts::login_by_password(core::LoginByPassword act) {
  return queue_.write<LoginRecord>([act = std::move(act)](ActContext& context) { return store::login_by_password(context, act); });
}
Task<Result<std::optional<core::PasswordName>>> SqlAccounts::password_of(Id user) {
  return queue_.read<std::optional<core::PasswordName>>([user](ActContext& context) { return store::password_of(context, user); });
}
Task<Result<std::vector<Revocation>>> SqlAccounts::set_password(core::SetPassword act) {
  return queue_.write<std::vector<Revocation>>([act = std::move(act)](ActContext& context) { return store::set_password(context, act); });
}

Task<Result<core::ChangedUser>> SqlAccounts::link_identity(core::LinkIdentity act) {
  return queue_.write<core::ChangedUser>([act = std::move(act)](ActContext& context) { return store::link_identity(context, act); });
}
Task<Result<>> SqlAccounts::claim_mark(std::string mark, Time now) {
  return queue_.write<void>([mark = std::move(mark), now](ActContext& context) { return store::claim_mark(context, mark, now); });
}
Task<Result<>> SqlAccounts::release_mark(std::string mark) {
  return queue_.write<void>([mark = std::move(mark)](ActContext& context) { return store::release_mark(context, mark); });
}
Task<Result<std::optional<LoginRecord>>> SqlAccounts::attach_by_phone(core::AttachByPhone act) {
  return queue_.write<std::optional<LoginRecord>>([act = std::move(act)](ActContext& context) { return store::attach_by_phone(context, act); });
}

Task<Result<core::ChangedUser>> SqlAccounts::register_user(core::RegisterUser act) {
  return queue_.write<core::ChangedUser>([act = std::move(act)](ActContext& context) { return store::register_user(context, act); });
}
Task<Result<>> SqlAccounts::add_invitation(core::Invitation act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::add_invitation(context, act); });
}

Task<Result<std::vector<Revocation>>> SqlAccounts::delete_user(core::DeleteUser act) {
  return queue_.write<std::vector<Revocation>>([act = std::move(act)](ActContext& context) { return store::delete_user(context, act); });
}
Task<Result<std::vector<Id>>> SqlAccounts::due_deletions(Time now, int most) {
  return queue_.read<std::vector<Id>>([now, most](ActContext& context) { return store::due_deletions(context, now, most); });
}
Task<Result<core::HeldUser>> SqlAccounts::held_of(Id user) {
  return queue_.read<core::HeldUser>([user](ActContext& context) { return store::held_of(context, user); });
}
Task<Result<std::vector<core::Session>>> SqlAccounts::held_sessions(Id user, std::optional<core::Session> after, size_t limit) {
  return queue_.read<std::vector<core::Session>>([user, after = std::move(after), limit](ActContext& context) { return store::held_sessions(context, user, after, limit); });
}
Task<Result<std::vector<core::HeldScan>>> SqlAccounts::held_scans(core::HeldBehind query) {
  return queue_.read<std::vector<core::HeldScan>>([query](ActContext& context) { return store::held_scans(context, query); });
}
Task<Result<std::vector<core::HeldEvent>>> SqlAccounts::held_events(core::HeldBehind query) {
  return queue_.read<std::vector<core::HeldEvent>>([query](ActContext& context) { return store::held_events(context, query); });
}

}  // namespace kaimen::store

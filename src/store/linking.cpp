// A platform's identity becomes one more of a user's.
#include "store/accounts.h"
#include "store/records.h"
#include "store/session_keys.h"

namespace kaimen::store {

Result<core::ChangedUser> link_identity(ActContext& context, const core::LinkIdentity& act) {
  Rows& rows = context.rows;
  rows.expect<IdentityRow>(act.provider, act.app_id, act.openid, "");
  TRY(const UserRow* user, existing_user(rows, act.user));
  TRY(const IdentityRow* identity, rows.find<IdentityRow>(act.provider, act.app_id, act.openid, ""));
  const Error taken = make_error(ErrorCode::conflict, "this identity is another user's");
  if (identity && identity->user != act.user) {
    // One whose user is gone, or of another project because the app was given to this one since, is nobody's here.
    TRY(const UserRow* other, rows.find<UserRow>(identity->user));
    if (other && other->state != UserState::deleted && other->project == user->project) return taken;
    if (other) rows.touch(*other);
  }
  if (!act.unionid.empty()) {
    rows.expect(kOpenSessionsOfUser, act.user);
    TRY(const UnionidRow* known, rows.find<UnionidRow>(user->project, act.family, act.unionid));
    if (known && known->user != act.user) return taken;
    if (!known) rows.insert(UnionidRow{user->project, act.family, act.unionid, act.user});
  }
  if (!admit(rows, *user, act.now)) return user_refusal(*user);

  const bool ours = identity && identity->user == act.user;
  IdentityRow row;
  if (identity) row = *identity;
  if (!ours) row.created_at = act.now;
  row.provider = act.provider;
  row.app_id = act.app_id;
  row.subject = act.openid;
  row.user = act.user;
  if (!act.unionid.empty() || !ours) row.unionid = act.unionid;
  if (!act.session_key_sealed.empty() && !is_newest_key(row, act.session_key_index, act.older_key_indexes)) {
    push_session_key(row, Bytes{act.session_key_sealed}, Bytes{act.session_key_index});
  }
  if (identity) {
    rows.change(*identity) = std::move(row);
  } else {
    rows.insert(std::move(row));
  }
  if (!ours) {
    TRY(write_event(context, act.now, {"identity_linked", act.app, act.user, std::nullopt, Reason::none, act.source, user->project}));
  }
  core::ChangedUser changed;
  changed.user = user_of(*user);
  TRY(tell_unionid(context, {act.user, act.app, act.openid, act.unionid}, act.now, act.revocations_until, changed.revocations));
  if (context.again) {
    TRY(changed.revocations, revocations_of(rows, act.user));
  }
  return changed;
}

}  // namespace kaimen::store

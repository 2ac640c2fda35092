#include "store/session_keys.h"

#include "store/records.h"

namespace kaimen::store {

bool is_newest_key(const IdentityRow& identity, const std::string& index, const std::vector<std::string>& older) {
  if (!identity.index1) return false;
  return identity.index1->raw == index || std::ranges::find(older, identity.index1->raw) != older.end();
}

void push_session_key(IdentityRow& identity, Bytes key, Bytes index) {
  identity.key3 = std::move(identity.key2);
  identity.index3 = std::move(identity.index2);
  identity.key2 = std::move(identity.key1);
  identity.index2 = std::move(identity.index1);
  identity.key1 = std::move(key);
  identity.index1 = std::move(index);
}

Result<> keep_session_key(ActContext& context, const core::KeepSessionKey& act) {
  Rows& rows = context.rows;
  TRY(const IdentityRow* identity, rows.find<IdentityRow>(act.provider, act.app_id, act.openid, ""));
  if (!identity) return make_error(ErrorCode::not_found, "no such identity");
  TRY(const UserRow* user, existing_user(rows, identity->user));
  if (is_newest_key(*identity, act.key_index, act.older_key_indexes)) return ok();
  // A login that brings another key at the same time must not be lost, nor this one.
  rows.touch(*user);
  push_session_key(rows.change(*identity), Bytes{act.key_sealed}, Bytes{act.key_index});
  return write_event(context, act.now, {"session_key_reset", std::nullopt, user->id, std::nullopt, Reason::none, act.source, user->project});
}

}  // namespace kaimen::store

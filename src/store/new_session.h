// What every way of opening a session does alike: by a platform's code, by a password.
#pragma once

#include <vector>

#include "core/store.h"
#include "store/act.h"

namespace kaimen::store {

UserRow new_user(const core::RecordLogin& act);
/// Ends what this login supersedes, then the oldest until the new session fits under the limit. The caller has touched the user.
Result<> make_room(ActContext& context, const core::RecordLogin& act, const Id& user, std::vector<core::Revocation>& made);
/// Where everybody is registered by a login (RecordLogin::registered), a guest of another app or of former days is, too: their older tickets
/// answer `renew`. The caller has touched the user.
Result<> register_by_login(ActContext& context, const core::RecordLogin& act, const UserRow& user, std::vector<core::Revocation>& made);
SessionRow session_for(const core::RecordLogin& act, const Id& user, const std::string& unionid);

}  // namespace kaimen::store

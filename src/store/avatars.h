// Avatars that are kept here, by the SHA-256 of their bytes: several users may have the same one. And WeChat's checks of them.
#pragma once

#include "core/media_store.h"
#include "store/act.h"

namespace kaimen::store {

/// The user has this avatar no longer, if there was one: one that nobody else has is marked for the purge, and none that waits for its check
/// comes in its place. The caller then changes the user's row, which still names it.
Result<> release_avatar(ActContext& context, const UserRow& user, Time now);

Result<core::KeptAvatar> keep_avatar(ActContext& context, const core::KeepAvatar& act);
Result<core::Avatar> find_avatar(ActContext& context, const std::string& hash);
Result<> note_avatar_check(ActContext& context, const core::NoteAvatarCheck& act);
Result<core::PushEffect> settle_avatar_check(ActContext& context, const core::SettleAvatarCheck& act);

/// Removes avatars that nobody has had for a day, and checks that were not answered within one. True: there may be more.
Result<bool> purge_avatars(ActContext& context, Time now);

}  // namespace kaimen::store

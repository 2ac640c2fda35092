// Avatars that are kept here, by the SHA-256 of their bytes: several users may have the same one.
#pragma once

#include "core/media_store.h"
#include "store/act.h"

namespace kaimen::store {

inline constexpr Index<UserRow> kUsersOfAvatar{{&kTable<UserRow>, {10}, 1}};

/// The user has this avatar no longer, if there was one: one that nobody else has is marked for the purge. The caller then changes the user's
/// row, which still names it.
Result<> release_avatar(ActContext& context, const UserRow& user, Time now);

}  // namespace kaimen::store

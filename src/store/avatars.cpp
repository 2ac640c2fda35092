#include "store/avatars.h"

#include <algorithm>

namespace kaimen::store {

static_assert(std::get<10>(Table<UserRow>::columns).member == &UserRow::avatar_hash);

Result<> release_avatar(ActContext& context, const UserRow& user, Time now) {
  if (!user.avatar_hash) return ok();
  Rows& rows = context.rows;
  rows.expect(kUsersOfAvatar, *user.avatar_hash);
  TRY(const AvatarRow* avatar, rows.find<AvatarRow>(*user.avatar_hash));
  TRY(const auto owners, rows.list(kUsersOfAvatar, *user.avatar_hash));
  if (!avatar) return ok();
  // Two who give it up at once must not each count on the other: the row's guard is counted whatever comes of it.
  rows.touch(*avatar);
  const bool last = std::ranges::none_of(owners, [&](const UserRow* owner) { return owner->id != user.id; });
  if (last) rows.change(*avatar).unused_since = now;
  return ok();
}

}  // namespace kaimen::store

#include "store/avatars.h"

#include <algorithm>

#include "store/records.h"

namespace kaimen::store {

namespace {

// With the time between two purges less than the day within which nothing personal may be left of somebody who is gone.
constexpr auto kUnusedKept = std::chrono::hours(12);
constexpr int kAvatarSlice = 16;  // of rows as large as pictures

constexpr Index<UserRow> kUsersOfAvatar{{&kTable<UserRow>, {11}, 1}};
constexpr Index<AvatarCheckRow> kChecksOfUser{{&kTable<AvatarCheckRow>, {2}, 1}};
static_assert(std::get<11>(Table<UserRow>::columns).member == &UserRow::avatar_hash);
static_assert(std::get<2>(Table<AvatarCheckRow>::columns).member == &AvatarCheckRow::user);

constexpr Scan kUnusedAvatars{&kTable<AvatarRow>, "unused_since <= ?", "", true, true};
constexpr Scan kOldChecks{&kTable<AvatarCheckRow>, "asked_at <= ?", "", true, true};

Result<> drop_checks(Rows& rows, const Id& user) {
  TRY(const auto checks, rows.list(kChecksOfUser, user));
  for (const AvatarCheckRow* check : checks) rows.remove(*check);
  return ok();
}

/// Gives the user an avatar that is there. Where it is shown already nothing happens.
Result<const UserRow*> show(ActContext& context, const UserRow& before, const AvatarRow& avatar, Time now, const core::Source& source) {
  if (before.avatar_hash == avatar.hash) return &before;
  TRY(release_avatar(context, before, now));
  context.rows.change(avatar).unused_since.reset();
  UserRow& user = context.rows.change(before);
  user.avatar_hash = avatar.hash;
  user.avatar_url.clear();
  user.profile_at = now;
  TRY(write_event(context, now, {"avatar_saved", std::nullopt, user.id, std::nullopt, Reason::none, source, user.project}));
  return &user;
}

}  // namespace

Result<> release_avatar(ActContext& context, const UserRow& user, Time now) {
  Rows& rows = context.rows;
  rows.expect(kChecksOfUser, user.id);
  if (user.avatar_hash) {
    rows.expect(kUsersOfAvatar, *user.avatar_hash);
    TRY(const AvatarRow* avatar, rows.find<AvatarRow>(*user.avatar_hash));
    TRY(const auto owners, rows.list(kUsersOfAvatar, *user.avatar_hash));
    const bool last = std::ranges::none_of(owners, [&](const UserRow* owner) { return owner->id != user.id; });
    // Two who give it up at once must not each count on the other: the row's guard is counted whatever comes of it.
    if (avatar) rows.touch(*avatar);
    if (avatar && last) rows.change(*avatar).unused_since = now;
  }
  return drop_checks(rows, user.id);
}

Result<core::KeptAvatar> keep_avatar(ActContext& context, const core::KeepAvatar& act) {
  Rows& rows = context.rows;
  rows.expect<AvatarRow>(Bytes{act.hash});
  rows.expect(kChecksOfUser, act.user);
  TRY(const UserRow* user, existing_user(rows, act.user));
  TRY(const AvatarRow* avatar, rows.find<AvatarRow>(Bytes{act.hash}));
  if (act.wait_for_check && avatar && avatar->checked == AvatarState::rejected) {
    return make_error(ErrorCode::content_rejected, "WeChat has rejected this picture");
  }
  const bool shown = !act.wait_for_check || (avatar && avatar->checked == AvatarState::passed);
  // Of two uploads of one user at once, one is the newest.
  rows.touch(*user);
  TRY(drop_checks(rows, act.user));
  if (!avatar) {
    AvatarRow row;
    row.hash = Bytes{act.hash};
    row.version = 1;
    row.type = act.type;
    row.body = Bytes{act.body};
    row.created_at = act.now;
    row.unused_since = act.now;
    rows.insert(std::move(row));
    TRY(avatar, rows.find<AvatarRow>(Bytes{act.hash}));
  }
  if (!shown) {
    AvatarRow& waiting = rows.change(*avatar);
    waiting.checked = AvatarState::pending;
    if (waiting.unused_since) waiting.unused_since = act.now;
    return core::KeptAvatar{user_of(*user), false};
  }
  TRY(const UserRow* now, show(context, *user, *avatar, act.now, act.source));
  return core::KeptAvatar{user_of(*now), true};
}

Result<core::Avatar> find_avatar(ActContext& context, const std::string& hash) {
  TRY(const AvatarRow* avatar, context.rows.find<AvatarRow>(Bytes{hash}));
  if (!avatar || avatar->checked == AvatarState::rejected) return make_error(ErrorCode::not_found, "no such avatar");
  core::Avatar found{avatar->type, avatar->body.raw, false};
  if (avatar->checked == AvatarState::pending) {
    TRY(const auto owners, context.rows.list(kUsersOfAvatar, Bytes{hash}));
    found.waiting = owners.empty();
  }
  return found;
}

Result<> note_avatar_check(ActContext& context, const core::NoteAvatarCheck& act) {
  Rows& rows = context.rows;
  rows.expect<AvatarRow>(Bytes{act.hash});
  rows.expect<AvatarCheckRow>(act.trace_id);
  TRY(const UserRow* user, existing_user(rows, act.user));
  TRY(const AvatarRow* avatar, rows.find<AvatarRow>(Bytes{act.hash}));
  TRY(const AvatarCheckRow* check, rows.find<AvatarCheckRow>(act.trace_id));
  if (check) return ok();
  if (!avatar) return make_error(ErrorCode::not_found, "the avatar is gone");
  rows.touch(*user);
  TRY(const auto checks, rows.list(kChecksOfUser, act.user));
  const bool outrun = std::ranges::any_of(checks, [&act](const AvatarCheckRow* other) { return other->asked_at > act.now; });
  if (outrun) return ok();
  TRY(drop_checks(rows, act.user));
  rows.insert(AvatarCheckRow{act.trace_id, Bytes{act.hash}, act.user, act.app, act.now});
  return ok();
}

Result<core::PushEffect> settle_avatar_check(ActContext& context, const core::SettleAvatarCheck& act) {
  Rows& rows = context.rows;
  rows.expect<OnceMarkRow>(Bytes{act.once});
  TRY(const AvatarCheckRow* check, rows.find<AvatarCheckRow>(act.trace_id));
  TRY(const OnceMarkRow* mark, rows.find<OnceMarkRow>(Bytes{act.once}));
  if (mark) return core::PushEffect::repeated;
  if (!check || check->app != act.app) return core::PushEffect::nobody;
  rows.insert(OnceMarkRow{Bytes{act.once}, act.now});
  TRY(const UserRow* user, rows.find<UserRow>(check->user));
  TRY(const AvatarRow* avatar, rows.find<AvatarRow>(check->hash));
  rows.remove(*check);
  if (!user || user->state == UserState::deleted || !avatar) return core::PushEffect::applied;
  const bool waited = avatar->checked == AvatarState::pending;
  std::string_view kind = "avatar_passed";
  if (act.good.value_or(false)) {
    rows.change(*avatar).checked = AvatarState::passed;
    // Whoever is asked about here and shows another picture waits for this one, also when it was passed for somebody else before.
    if (user->avatar_hash != avatar->hash) {
      TRY(show(context, *user, *avatar, act.now, act.source));
    }
  } else if (act.good) {
    // Where nobody waited for the verdict it is told, and what is done about it is the team's to say.
    kind = waited ? "avatar_rejected" : "avatar_reported";
    if (waited) rows.change(*avatar).checked = AvatarState::rejected;
  } else {
    kind = "avatar_unchecked";
    if (waited) rows.change(*avatar).checked = AvatarState::unchecked;
  }
  rows.touch(*user);
  TRY(write_event(context, act.now, {kind, act.app, user->id, std::nullopt, Reason::none, act.source, user->project}));
  return core::PushEffect::applied;
}

Result<bool> purge_avatars(ActContext& context, Time now) {
  Rows& rows = context.rows;
  TRY(const auto checks, rows.scan<AvatarCheckRow>(kOldChecks, now - kUnusedKept, kAvatarSlice));
  for (const AvatarCheckRow& found : checks) {
    if (const AvatarCheckRow* check = rows.adopt(found)) rows.remove(*check);
  }
  TRY(const auto unused, rows.scan<AvatarRow>(kUnusedAvatars, now - kUnusedKept, kAvatarSlice));
  for (const AvatarRow& found : unused) rows.expect(kUsersOfAvatar, found.hash);
  for (const AvatarRow& found : unused) {
    const AvatarRow* avatar = rows.adopt(found);
    if (!avatar || !avatar->unused_since || *avatar->unused_since > now - kUnusedKept) continue;
    TRY(const auto owners, rows.list(kUsersOfAvatar, avatar->hash));
    if (owners.empty()) rows.remove(*avatar);
    else rows.change(*avatar).unused_since.reset();
  }
  return std::max(checks.size(), unused.size()) == kAvatarSlice;
}

}  // namespace kaimen::store

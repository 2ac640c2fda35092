#include "store/pushes.h"

#include <algorithm>

#include "store/accounts.h"
#include "store/acts.h"
#include "store/avatars.h"
#include "store/records.h"

namespace kaimen::store {

using core::PushEffect;

namespace {

/// Whom a push concerns, and whether it still has to be done.
struct Concerned {
  PushEffect effect = PushEffect::nobody;
  const IdentityRow* identity = nullptr;
  const UserRow* user = nullptr;
};

/// With `applied`, the push is marked as done by this act.
Result<Concerned> take_push(Rows& rows, const core::PushSubject& subject, Time now) {
  rows.expect<OnceMarkRow>(Bytes{subject.once});
  Concerned concerned;
  TRY(concerned.identity, rows.find<IdentityRow>(subject.provider, subject.app_id, subject.openid, ""));
  TRY(const OnceMarkRow* mark, rows.find<OnceMarkRow>(Bytes{subject.once}));
  if (mark) {
    concerned.effect = PushEffect::repeated;
    return concerned;
  }
  if (!concerned.identity) return concerned;
  TRY(concerned.user, rows.find<UserRow>(concerned.identity->user));
  if (!concerned.user || concerned.user->state == UserState::deleted) return concerned;
  rows.insert(OnceMarkRow{Bytes{subject.once}, now});
  concerned.effect = PushEffect::applied;
  return concerned;
}

void forget_phone(UserRow& user, Time now) {
  user.phone_sealed.reset();
  user.phone_index.reset();
  user.phone_at = now;
}

void forget_person(UserRow& user, const std::string& nickname, Time now) {
  user.nickname = nickname;
  user.avatar_url.clear();
  user.avatar_hash.reset();
  user.gender = 0;
  for (std::string* text : {&user.language, &user.country, &user.province, &user.city}) text->clear();
  user.attributes = "{}";
  user.profile_at = now;
  forget_phone(user, now);
}

/// The identity, and its unionid where no other identity of the user has it (of whatever kind: an OAuth login has the same).
Result<> remove_identity(Rows& rows, const UserRow& user, const IdentityRow& identity, const std::vector<const IdentityRow*>& all) {
  const bool shared = std::ranges::any_of(all, [&](const IdentityRow* other) { return other != &identity && other->unionid == identity.unionid; });
  if (!identity.unionid.empty() && !shared) {
    TRY(const auto unionids, rows.list(kUnionidsOfUser, user.id));
    for (const UnionidRow* unionid : unionids) {
      if (unionid->unionid == identity.unionid) rows.remove(*unionid);
    }
  }
  rows.remove(identity);
  return ok();
}

}  // namespace

Result<PushEffect> withdraw_profile(ActContext& context, const core::WithdrawProfile& act) {
  TRY(const Concerned concerned, take_push(context.rows, act.subject, act.now));
  if (concerned.effect != PushEffect::applied) return concerned.effect;
  if (act.avatar) {
    TRY(release_avatar(context, *concerned.user, act.now));
  }
  UserRow& user = context.rows.change(*concerned.user);
  if (act.nickname) user.nickname = act.default_nickname;
  if (act.avatar) {
    user.avatar_url.clear();
    user.avatar_hash.reset();
  }
  if (act.nickname || act.avatar) user.profile_at = act.now;
  if (act.phone) forget_phone(user, act.now);
  TRY(write_event(context, act.now, {"profile_withdrawn", std::nullopt, user.id, std::nullopt, Reason::none, act.source, user.project}));
  return PushEffect::applied;
}

Result<core::ClosedIdentity> close_identity(ActContext& context, const core::CloseIdentity& act) {
  Rows& rows = context.rows;
  TRY(const Concerned concerned, take_push(rows, act.subject, act.now));
  core::ClosedIdentity closed;
  closed.effect = concerned.effect;
  // Perhaps its own first try: whose sessions those were is no longer known, but what it revoked is among what is revoked.
  if (concerned.effect == PushEffect::repeated && context.again) {
    TRY(closed.revocations, live_revocations(context, act.now));
  }
  if (concerned.effect != PushEffect::applied) return closed;
  const Id id = concerned.user->id;
  rows.expect(kIdentitiesOfUser, id);
  rows.expect(kPasswordsOfUser, id);
  rows.expect(kOpenSessionsOfUser, id);
  TRY(const auto identities, rows.list(kIdentitiesOfUser, id));
  TRY(const auto passwords, rows.list(kPasswordsOfUser, id));
  TRY(auto open, rows.list(kOpenSessionsOfUser, id));
  rows.touch(*concerned.user);

  closed.user_deleted = identities.size() <= 1 && passwords.empty();
  std::erase_if(open, [&](const SessionRow* session) {
    return !closed.user_deleted && !(session->app == act.app && session->openid == act.subject.openid);
  });
  expect_ends(rows, open);
  for (const SessionRow* session : open) {
    TRY(end_alone(context, *session, Reason::deleted, act.now, act.revocations_until, closed.revocations));
  }
  const std::string project = concerned.user->project;
  if (closed.user_deleted) {
    TRY(erase_user(context, *concerned.user, act.now));
  } else {
    TRY(release_avatar(context, *concerned.user, act.now));
    TRY(remove_identity(rows, *concerned.user, *concerned.identity, identities));
    forget_person(rows.change(*concerned.user), act.default_nickname, act.now);
  }
  const Event event{closed.user_deleted ? "user_deleted" : "identity_closed", act.app, id, std::nullopt, Reason::deleted, act.source, project};
  TRY(write_event(context, act.now, event));
  return closed;
}

Result<> report_name(ActContext& context, const core::ReportName& act) {
  TRY(const UserRow* user, existing_user(context.rows, act.user));
  return write_event(context, act.now, {"nickname_reported", act.app, act.user, std::nullopt, Reason::none, act.source, user->project});
}

}  // namespace kaimen::store

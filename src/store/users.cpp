// Users: their profile, phone, keys, and whether they may come in.
#include "store/acts.h"
#include "store/avatars.h"
#include "store/phones.h"
#include "store/records.h"

namespace kaimen::store {

using core::User;

namespace {

// What is said for the first time is the user's own from then on, whoever said the same before.
bool changes(const UserRow& user, const core::SaveProfile& act) {
  const bool untold = user.profile_at == Time{};
  const auto differs = [untold](const auto& asked, const auto& has) { return asked && (untold || *asked != has); };
  return differs(act.nickname, user.nickname) || differs(act.avatar_url, user.avatar_url) || (act.avatar_url && user.avatar_hash) ||
         differs(act.gender, user.gender) || differs(act.language, user.language) || differs(act.country, user.country) ||
         differs(act.province, user.province) || differs(act.city, user.city) || differs(act.attributes, user.attributes);
}

}  // namespace

Result<User> find_user(ActContext& context, const Id& id) {
  TRY(const UserRow* user, existing_user(context.rows, id));
  return user_of(*user);
}

Result<User> save_profile(ActContext& context, const core::SaveProfile& act) {
  TRY(const UserRow* row, existing_user(context.rows, act.user));
  if (!changes(*row, act)) return user_of(*row);
  if (act.avatar_url) {
    TRY(release_avatar(context, *row, act.now));
  }
  UserRow& user = context.rows.change(*row);
  if (act.avatar_url) user.avatar_hash.reset();
  user.nickname = act.nickname.value_or(user.nickname);
  user.avatar_url = act.avatar_url.value_or(user.avatar_url);
  user.gender = act.gender.value_or(user.gender);
  user.language = act.language.value_or(user.language);
  user.country = act.country.value_or(user.country);
  user.province = act.province.value_or(user.province);
  user.city = act.city.value_or(user.city);
  user.attributes = act.attributes.value_or(user.attributes);
  user.profile_at = act.now;
  TRY(write_event(context, act.now, {"profile_saved", std::nullopt, user.id, std::nullopt, Reason::none, act.source, user.project}));
  return user_of(user);
}

Result<User> save_phone(ActContext& context, const core::SavePhone& act) {
  Rows& rows = context.rows;
  if (!act.once.empty()) rows.expect<OnceMarkRow>(Bytes{act.once});
  TRY(const UserRow* row, existing_user(rows, act.user));
  if (!act.once.empty()) {
    TRY(const OnceMarkRow* mark, rows.find<OnceMarkRow>(Bytes{act.once}));
    if (mark && context.again && row->phone_index == Bytes{act.phone_index}) return user_of(*row);
    if (mark) return make_error(ErrorCode::conflict, "this phone number was handed over before");
    rows.insert(OnceMarkRow{Bytes{act.once}, act.now});
  }
  bool shared = false;
  if (act.unique != core::PhoneUnique::off) {
    TRY(const auto others, others_with_phone(rows, row->project, act.phone_index, act.older_indexes, act.user, true));
    shared = !others.empty();
    if (shared && act.unique == core::PhoneUnique::refuse) return make_error(ErrorCode::conflict, "another user has this phone number");
  }
  UserRow& user = rows.change(*row);
  user.phone_at = act.now;
  user.phone_sealed = Bytes{act.phone_sealed};
  user.phone_index = Bytes{act.phone_index};
  TRY(write_event(context, act.now, {"phone_saved", std::nullopt, act.user, std::nullopt, Reason::none, act.source, user.project}));
  if (shared) {
    TRY(write_event(context, act.now, {"phone_shared", std::nullopt, act.user, std::nullopt, Reason::none, act.source, user.project}));
  }
  return user_of(user);
}

Result<std::vector<core::Revocation>> disable_user(ActContext& context, const core::DisableUser& act) {
  Rows& rows = context.rows;
  rows.expect(kOpenSessionsOfUser, act.user);
  TRY(const UserRow* row, existing_user(rows, act.user));
  TRY(const auto open, rows.list(kOpenSessionsOfUser, act.user));
  std::vector<core::Revocation> made;
  if (context.again) {
    TRY(made, revocations_of(rows, act.user));
  }
  UserRow& user = rows.change(*row);
  user.state = UserState::disabled;
  user.disabled_until = act.until;
  user.disabled_message = act.message;
  expect_ends(rows, open);
  for (const SessionRow* session : open) {
    TRY(end_alone(context, *session, Reason::disabled, act.now, act.revocations_until, made));
  }
  TRY(write_event(context, act.now, {"user_disabled", std::nullopt, act.user, std::nullopt, Reason::disabled, act.source, user.project}));
  return made;
}

Result<> enable_user(ActContext& context, const Id& id, Time now, const core::Source& source) {
  TRY(const UserRow* row, existing_user(context.rows, id));
  TRY(lift_disablement(context.rows, *row));
  return write_event(context, now, {"user_enabled", std::nullopt, id, std::nullopt, Reason::none, source, row->project});
}

Result<std::vector<std::string>> session_keys(ActContext& context, const std::string& provider, const std::string& app_id,
                                              const std::string& openid) {
  TRY(const IdentityRow* identity, context.rows.find<IdentityRow>(provider, app_id, openid, ""));
  std::vector<std::string> keys;
  if (!identity) return keys;
  for (const auto& key : {identity->key1, identity->key2, identity->key3}) {
    if (key) keys.push_back(key->raw);
  }
  return keys;
}

}  // namespace kaimen::store

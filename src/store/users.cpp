// Users: their profile, phone, keys, and whether they may come in.
#include "store/acts.h"
#include "store/rows.h"

namespace kaimen::store {

using core::User;

namespace {

Error no_user() { return make_error(ErrorCode::not_found, "no such user"); }

Result<UserRow> existing_user(Database& db, const Id& id) {
  TRY(auto row, read_user(db, id));
  if (!row || row->state == UserState::deleted) return no_user();
  return std::move(*row);
}

}  // namespace

Result<User> find_user(ActContext& context, const Id& id) {
  TRY(auto row, existing_user(context.db, id));
  return std::move(row.user);
}

Result<User> save_profile(ActContext& context, const core::SaveProfile& act) {
  TRY(auto row, existing_user(context.db, act.user));
  User& user = row.user;
  user.nickname = act.nickname.value_or(user.nickname);
  user.avatar_url = act.avatar_url.value_or(user.avatar_url);
  user.gender = act.gender.value_or(user.gender);
  user.language = act.language.value_or(user.language);
  user.country = act.country.value_or(user.country);
  user.province = act.province.value_or(user.province);
  user.city = act.city.value_or(user.city);
  user.attributes = act.attributes.value_or(user.attributes);
  TRY(context.db.run("UPDATE users SET nickname = ?, avatar_url = ?, gender = ?, language = ?, country = ?, province = ?, city = ?, "
                     "attributes = ? WHERE id = ?",
                     user.nickname, user.avatar_url, user.gender, user.language, user.country, user.province, user.city, user.attributes,
                     user.id));
  TRY(write_event(context, act.now, {"profile_saved", std::nullopt, user.id, std::nullopt, Reason::none, act.request_id}));
  return std::move(row.user);
}

Result<User> save_phone(ActContext& context, const core::SavePhone& act) {
  Database& db = context.db;
  TRY(auto row, existing_user(db, act.user));
  if (!act.once.empty()) {
    TRY(const int64_t first, db.run("INSERT INTO once_marks (mark, marked_at) VALUES (?, ?) ON CONFLICT DO NOTHING", Blob{act.once},
                                         act.now));
    if (first == 0) return make_error(ErrorCode::conflict, "this phone number was handed over before");
  }
  TRY(db.run("UPDATE users SET phone_sealed = ?, phone_index = ? WHERE id = ?", Blob{act.phone_sealed}, Blob{act.phone_index}, act.user));
  row.user.phone_sealed = act.phone_sealed;
  TRY(write_event(context, act.now, {"phone_saved", std::nullopt, act.user, std::nullopt, Reason::none, act.request_id}));
  return std::move(row.user);
}

Result<std::vector<core::Revocation>> disable_user(ActContext& context, const core::DisableUser& act) {
  Database& db = context.db;
  TRY(const int64_t found, db.run("UPDATE users SET version = version + 1, state = 1, disabled_until = ?, disabled_message = ? "
                                  "WHERE id = ? AND state <> 2",
                                  act.until, act.message, act.user));
  if (found == 0) return no_user();
  TRY(const auto open, read_open_sessions(db, act.user));
  std::vector<core::Revocation> made;
  for (const core::Session& session : open) {
    TRY(end_one(db, session.id, Reason::disabled, act.now, act.revocations_until, made));
  }
  TRY(write_event(context, act.now, {"user_disabled", std::nullopt, act.user, std::nullopt, Reason::disabled, act.request_id}));
  return made;
}

Result<> enable_user(ActContext& context, const Id& user, Time now, std::string_view request_id) {
  TRY(const int64_t found, context.db.run("UPDATE users SET version = version + 1, state = 0, disabled_until = NULL, disabled_message = '' "
                                          "WHERE id = ? AND state <> 2",
                                          user));
  if (found == 0) return no_user();
  return write_event(context, now, {"user_enabled", std::nullopt, user, std::nullopt, Reason::none, request_id});
}

Result<std::vector<std::string>> session_keys(ActContext& context, const std::string& provider, const std::string& app_id,
                                              const std::string& openid) {
  Statement row(context.db, "SELECT key1, key2, key3 FROM identities WHERE provider = ? AND app_id = ? AND subject = ? AND tenant = ''");
  TRY(const bool found, row.bind(provider).bind(app_id).bind(openid).step());
  std::vector<std::string> keys;
  for (int i = 0; found && i < 3; ++i) {
    if (!row.is_null(i)) keys.push_back(row.text(i));
  }
  return keys;
}

}  // namespace kaimen::store

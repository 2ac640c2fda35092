// Names, passwords, and the failures at them.
#include <algorithm>

#include "store/accounts.h"
#include "store/entries.h"
#include "store/new_session.h"
#include "store/records.h"

namespace kaimen::store {

using core::LoginRecord;

namespace {

constexpr int64_t kFreeFailures = 5;
constexpr Seconds kFirstWait{5}, kLongestWait{15 * 60};

/// After so many failures in a row nobody may try for this long.
Seconds wait_after(int64_t failures) {
  if (failures < kFreeFailures) return Seconds{0};
  const int64_t doublings = std::min<int64_t>(failures - kFreeFailures, 20);
  return std::min(kLongestWait, kFirstWait * (int64_t{1} << doublings));
}

Error other_password(ErrorCode code = ErrorCode::unauthenticated) { return make_error(code, "the password is another by now"); }

Result<> forget_failures(Rows& rows, const std::string& name_hash) {
  TRY(const PasswordFailuresRow* failures, rows.find<PasswordFailuresRow>(Bytes{name_hash}));
  if (failures) rows.remove(*failures);
  return ok();
}

/// What the same act made before its answer was lost.
Result<std::optional<LoginRecord>> made_before(ActContext& context, const core::RecordLogin& act, bool is_new_user) {
  if (!context.again) return std::nullopt;
  TRY(const SessionRow* session, context.rows.find<SessionRow>(act.new_session));
  if (!session) return std::nullopt;
  TRY(const UserRow* user, existing_user(context.rows, session->user));
  LoginRecord login;
  login.user = user_of(*user);
  login.session = session_of(*session);
  login.is_new_user = is_new_user;
  login.recorded_at = act.now;
  TRY(login.revocations, revocations_of(context.rows, user->id));
  if (!act.entry_code.empty()) {
    TRY(login.entrance, entrance_of(context, {act.new_session, act.entry_code, act.app, act.is_registered, act.now}));
  }
  return login;
}

Result<LoginRecord> open_session(ActContext& context, const core::RecordLogin& act, const UserRow& user, bool is_new_user) {
  LoginRecord login;
  if (!is_new_user) {
    TRY(register_by_login(context, act, user, login.revocations));
  }
  login.user = user_of(user);
  login.is_new_user = is_new_user;
  login.recorded_at = act.now;
  if (!is_new_user) {
    TRY(make_room(context, act, login.user.id, login.revocations));
  }
  SessionRow session = session_for(act, login.user.id, {});
  login.session = session_of(session);
  context.rows.insert(std::move(session));
  TRY(write_event(context, act.now, {is_new_user ? "login_new_user" : "login", act.app, login.user.id, login.session.id, Reason::none, act.source,
                                     act.project, R"({"by":"password"})"}));
  if (!act.entry_code.empty()) {
    TRY(login.entrance, record_scan(context, act, login));
  }
  return login;
}

}  // namespace

Result<LoginRecord> register_password(ActContext& context, const core::RegisterPassword& act) {
  Rows& rows = context.rows;
  TRY(auto before, made_before(context, act.login, true));
  if (before) return std::move(*before);
  if (!act.login.entry_code.empty()) expect_scan(context, act.login.entry_code);
  TRY(const PasswordRow* taken, rows.find<PasswordRow>(act.login.project, act.name));
  if (taken) return make_error(ErrorCode::conflict, "this username is taken");
  rows.insert(PasswordRow{act.login.project, act.name, act.login.new_user, act.shown_name, act.hash, act.login.now});
  const UserRow user = new_user(act.login);
  rows.insert(user);
  return open_session(context, act.login, user, true);
}

Result<core::PasswordChance> begin_password(ActContext& context, const core::PasswordAttempt& act) {
  Rows& rows = context.rows;
  rows.expect<PasswordRow>(act.project, act.name);
  TRY(const PasswordFailuresRow* row, rows.find<PasswordFailuresRow>(Bytes{act.name_hash}));
  TRY(const PasswordRow* password, rows.find<PasswordRow>(act.project, act.name));
  if (!row) {
    rows.insert(PasswordFailuresRow{Bytes{act.name_hash}, 1, 1, act.now});
  } else {
    const int64_t failures = act.now - row->failed_at >= kFailuresKept ? 0 : row->failures;
    const Time again_at = row->failed_at + wait_after(failures);
    if (act.now < again_at) {
      Error refused = make_error(ErrorCode::rate_limited, "too many failures with this username");
      refused.retry_after = std::chrono::ceil<Seconds>(again_at - act.now);
      return refused;
    }
    PasswordFailuresRow& counted = rows.change(*row);
    counted.failures = failures + 1;
    counted.failed_at = std::max(act.now, counted.failed_at);
  }
  core::PasswordChance chance;
  if (password) chance.hash = password->hash;
  return chance;
}

Result<LoginRecord> login_by_password(ActContext& context, const core::LoginByPassword& act) {
  Rows& rows = context.rows;
  TRY(auto before, made_before(context, act.login, false));
  if (before) return std::move(*before);
  rows.expect<PasswordFailuresRow>(Bytes{act.name_hash});
  if (!act.login.entry_code.empty()) expect_scan(context, act.login.entry_code);
  TRY(const PasswordRow* password, rows.find<PasswordRow>(act.login.project, act.name));
  if (!password || password->hash != act.hash) return other_password();
  rows.expect(kOpenSessionsOfUser, password->user);
  TRY(const UserRow* user, existing_user(rows, password->user));
  if (act.login.restore) {
    TRY(take_back(context, *user, act.login.now, act.login.source));
  }
  if (!admit(rows, *user, act.login.now)) return user_refusal(*user);
  TRY(forget_failures(rows, act.name_hash));
  return open_session(context, act.login, *user, false);
}

Result<std::optional<core::PasswordName>> password_of(ActContext& context, const Id& user) {
  TRY(const auto passwords, context.rows.list(kPasswordsOfUser, user));
  if (passwords.empty()) return std::nullopt;
  const PasswordRow& row = *passwords.front();
  return core::PasswordName{row.name, row.shown_name, row.hash};
}

Result<std::vector<core::Revocation>> set_password(ActContext& context, const core::SetPassword& act) {
  Rows& rows = context.rows;
  rows.expect(kOpenSessionsOfUser, act.user);
  rows.expect<PasswordFailuresRow>(Bytes{act.name_hash});
  TRY(const UserRow* user, existing_user(rows, act.user));
  TRY(const auto own, rows.list(kPasswordsOfUser, act.user));
  std::vector<core::Revocation> made;
  if (context.again && !own.empty() && own.front()->hash == act.hash) return revocations_of(rows, act.user);
  if (own.empty()) {
    if (!act.old_hash.empty()) return other_password(ErrorCode::forbidden);
    TRY(const PasswordRow* taken, rows.find<PasswordRow>(user->project, act.name));
    if (taken) return make_error(ErrorCode::conflict, "this username is taken");
    rows.insert(PasswordRow{user->project, act.name, act.user, act.shown_name, act.hash, act.now});
  } else {
    if (act.old_hash.empty()) return make_error(ErrorCode::conflict, "a password was set meanwhile");
    if (own.front()->hash != act.old_hash) return other_password(ErrorCode::forbidden);
    PasswordRow& password = rows.change(*own.front());
    password.hash = act.hash;
    password.changed_at = act.now;
  }
  if (!admit(rows, *user, act.now)) return user_refusal(*user);
  TRY(forget_failures(rows, act.name_hash));
  TRY(const auto open, rows.list(kOpenSessionsOfUser, act.user));
  expect_ends(rows, open);
  const std::vector<Id> spared = family_of(open, act.session);
  for (const SessionRow* session : open) {
    if (std::ranges::find(spared, session->id) != spared.end()) continue;
    TRY(end_alone(context, *session, Reason::revoked, act.now, act.revocations_until, made));
  }
  TRY(write_event(context, act.now, {own.empty() ? "password_set" : "password_changed", std::nullopt, act.user, act.session, Reason::none, act.source,
                                     user->project}));
  return made;
}

}  // namespace kaimen::store

// A login: the claim on its code, and the one act that makes it durable.
#include <algorithm>

#include "store/acts.h"
#include "store/rows.h"

namespace kaimen::store {

using core::CodeClaim;
using core::LoginRecord;
using core::RecordLogin;
using core::Session;

namespace {

struct RecordedCode {
  Id owner, session;
  std::string attempt;
  bool is_new_user = false;
  Time recorded_at{};
};

Result<std::optional<RecordedCode>> read_code(Database& db, uint32_t app, const std::string& code_hash) {
  Statement row(db, "SELECT owner, session_id, attempt, is_new_user, recorded_at FROM codes WHERE app = ? AND code_hash = ?");
  TRY(const bool found, row.bind(app).bind(Blob{code_hash}).step());
  if (!found) return std::nullopt;
  return RecordedCode{row.id(0), row.id(1), row.text(2), row.flag(3), row.time(4)};
}

/// The recorded login as it stands now; nullopt when its session or user is gone.
Result<std::optional<LoginRecord>> read_login(Database& db, const RecordedCode& code) {
  TRY(auto session, read_session(db, code.session));
  if (!session) return std::nullopt;
  TRY(auto user, read_user(db, session->user));
  if (!user || user->state == UserState::deleted) return std::nullopt;
  LoginRecord login;
  login.user = std::move(user->user);
  login.session = std::move(*session);
  login.is_new_user = code.is_new_user;
  login.attempt = code.attempt;
  login.recorded_at = code.recorded_at;
  return login;
}

/// The same act again, after its answer was lost: the same login, with every revocation of the user's sessions, as those it made are
/// among them.
Result<LoginRecord> recorded_before(Database& db, const RecordLogin& act) {
  const Error spent = make_error(ErrorCode::code_used, "no live claim on the code");
  TRY(const auto code, read_code(db, act.app, act.code_hash));
  if (!code || code->owner != act.owner) return spent;
  TRY(auto login, read_login(db, *code));
  if (!login) return spent;
  Statement row(db, "SELECT r.session_id, r.generation, r.reason, r.until FROM sessions s JOIN revocations r ON r.session_id = s.id "
                    "WHERE s.user_id = ?");
  row.bind(login->user.id);
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) return std::move(*login);
    login->revocations.push_back({row.id(0), row.number(1), static_cast<Reason>(row.integer(2)), row.time(3)});
  }
}

struct Identity {
  Id user;
  std::string unionid;
  std::string newest_index;
};

Result<std::optional<Identity>> read_identity(Database& db, const RecordLogin& act) {
  Statement row(db, "SELECT user_id, unionid, index1 FROM identities WHERE provider = ? AND app_id = ? AND subject = ? AND tenant = ''");
  TRY(const bool found, row.bind(act.provider).bind(act.app_id).bind(act.openid).step());
  if (!found) return std::nullopt;
  return Identity{row.id(0), row.text(1), row.text(2)};
}

Result<std::optional<Id>> user_of_unionid(Database& db, const RecordLogin& act) {
  if (act.unionid.empty()) return std::nullopt;
  Statement row(db, "SELECT user_id FROM unionids WHERE project = ? AND provider = ? AND unionid = ?");
  TRY(const bool found, row.bind(act.project).bind(act.provider).bind(act.unionid).step());
  if (!found) return std::nullopt;
  return row.id(0);
}

/// Who logs in, as far as that is known before anything is written.
struct Who {
  std::optional<Identity> identity;
  std::optional<UserRow> user;  ///< Nullopt: somebody new.
  bool moved = false;           ///< The identity's user is of another project: the app was given to this one since.
  bool union_known = false;     ///< The unionid names a user of this project,
  bool union_taken = false;     ///< and it is another one.
};

Result<Who> find_who(Database& db, const RecordLogin& act) {
  Who who;
  TRY(who.identity, read_identity(db, act));
  TRY(const auto by_union, user_of_unionid(db, act));
  if (who.identity) {
    TRY(who.user, read_user(db, who.identity->user));
    // Rights a user has in one project must not follow it into another.
    who.moved = !who.user || who.user->user.project != act.project;
    if (who.moved) who.user.reset();
  }
  if (!who.user && by_union) {
    TRY(who.user, read_user(db, *by_union));
  }
  who.union_known = by_union.has_value();
  who.union_taken = by_union && who.user && *by_union != who.user->user.id;
  return who;
}

Result<core::User> insert_user(Database& db, const RecordLogin& act) {
  TRY(db.run("INSERT INTO users (id, version, project, nickname, created_at) VALUES (?, 1, ?, ?, ?)", act.new_user, act.project,
             act.default_nickname, act.now));
  core::User user;  // whose defaults are those of the table
  user.id = act.new_user;
  user.project = act.project;
  user.nickname = act.default_nickname;
  user.created_at = act.now;
  return user;
}

Result<core::User> admit_user(Database& db, const UserRow& row, Time now) {
  TRY(const bool active, touch_active_user(db, row.user.id, now));
  if (!active) return user_refusal(row);
  core::User user = row.user;  // a disablement that is over was lifted just now
  user.disabled = false;
  user.disabled_until.reset();
  user.disabled_message.clear();
  return user;
}

Result<> save_identity(Database& db, const RecordLogin& act, const Who& who, const Id& user, const std::string& unionid) {
  std::optional<Blob> key, index;
  if (!act.session_key_sealed.empty()) {
    key = Blob{act.session_key_sealed};
    index = Blob{act.session_key_index};
  }
  if (!who.identity) {
    TRY(db.run("INSERT INTO identities (provider, app_id, subject, tenant, user_id, unionid, key1, index1, created_at) "
               "VALUES (?, ?, ?, '', ?, ?, ?, ?, ?)",
               act.provider, act.app_id, act.openid, user, unionid, key, index, act.now));
    return ok();
  }
  if (who.moved || who.identity->unionid != unionid) {
    TRY(db.run("UPDATE identities SET user_id = ?, unionid = ? WHERE provider = ? AND app_id = ? AND subject = ? AND tenant = ''", user,
               unionid, act.provider, act.app_id, act.openid));
  }
  if (key && who.identity->newest_index != act.session_key_index) {
    TRY(db.run("UPDATE identities SET key3 = key2, index3 = index2, key2 = key1, index2 = index1, key1 = ?, index1 = ? "
               "WHERE provider = ? AND app_id = ? AND subject = ? AND tenant = ''",
               key, index, act.provider, act.app_id, act.openid));
  }
  return ok();
}

struct OpenSession {
  Time created_at{};
  Id id;
  std::string device;
  auto operator<=>(const OpenSession&) const = default;  // oldest first
};

/// The user's live sessions in this app, oldest first.
Result<std::vector<OpenSession>> read_live_in_app(Database& db, const RecordLogin& act, const Id& user) {
  Statement row(db, "SELECT created_at, id, device_id FROM sessions WHERE user_id = ? AND ended = 0 AND app = ? AND idle_expires_at > ? "
                    "AND absolute_expires_at > ?");
  row.bind(user).bind(act.app).bind(act.now).bind(act.now);
  std::vector<OpenSession> sessions;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) break;
    sessions.push_back({row.time(0), row.id(1), row.text(2)});
  }
  std::ranges::sort(sessions);
  return sessions;
}

/// Ends what this login supersedes, then the oldest until the new session fits under the limit.
Result<> make_room(Database& db, const RecordLogin& act, const Id& user, std::vector<core::Revocation>& made) {
  if (act.max_per_user <= 0 && act.device.id.empty() && !act.old_session) return ok();
  TRY(const auto live, read_live_in_app(db, act, user));
  std::vector<Id> staying;
  for (const OpenSession& session : live) {
    const bool same_device = !act.device.id.empty() && session.device == act.device.id;
    if (same_device || session.id == act.old_session) {
      TRY(end_one(db, session.id, Reason::renew, act.now, act.revocations_until, made));
    } else {
      staying.push_back(session.id);
    }
  }
  if (act.max_per_user <= 0) return ok();
  const auto limit = static_cast<size_t>(act.max_per_user);
  for (size_t i = 0; i + limit < staying.size() + 1; ++i) {
    TRY(end_one(db, staying[i], Reason::replaced, act.now, act.revocations_until, made));
  }
  return ok();
}

Session session_for(const RecordLogin& act, const Id& user, const std::string& unionid) {
  Session session;
  session.id = act.new_session;
  session.user = user;
  session.app = act.app;
  session.openid = act.openid;
  session.unionid = unionid;
  session.env = act.env;
  session.generation_issued_at = act.now;
  session.created_at = act.now;
  session.idle_expires_at = std::min(act.idle_expires_at, act.absolute_expires_at);
  session.absolute_expires_at = act.absolute_expires_at;
  session.device = act.device;
  return session;
}

Result<> insert_session(Database& db, const Session& s) {
  TRY(db.run("INSERT INTO sessions (id, user_id, app, openid, unionid, env, generation, generation_issued_at, created_at, idle_expires_at, "
             "absolute_expires_at, device_id, device_model, device_system, device_platform, purge_day) "
             "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
             s.id, s.user, s.app, s.openid, s.unionid, static_cast<int>(s.env), s.generation, s.generation_issued_at, s.created_at,
             s.idle_expires_at, s.absolute_expires_at, s.device.id, s.device.model, s.device.system, s.device.platform,
             purge_day(s.idle_expires_at)));
  return ok();
}

Result<> write_events(ActContext& context, const RecordLogin& act, const LoginRecord& login, const Who& who) {
  Event event{login.is_new_user ? "login_new_user" : "login", act.app, login.user.id, login.session.id, Reason::none, act.request_id};
  TRY(write_event(context, act.now, event));
  if (who.moved) {
    event.kind = "identity_moved";
    TRY(write_event(context, act.now, event));
  }
  if (who.union_taken) {
    event.kind = "union_conflict";
    TRY(write_event(context, act.now, event));
  }
  return ok();
}

}  // namespace

Result<CodeClaim> claim_code(ActContext& context, const core::ClaimCode& act) {
  if (const Claims::Claim* claim = context.claims.find(act.app, act.code_hash)) {
    if (claim->settled) return CodeClaim{CodeClaim::Kind::failed, *claim->settled, std::nullopt};
    const bool mine = claim->owner == act.owner;  // the same act again
    return CodeClaim{mine ? CodeClaim::Kind::claimed : CodeClaim::Kind::pending, ErrorCode::internal, std::nullopt};
  }
  TRY(const auto code, read_code(context.db, act.app, act.code_hash));
  if (!code) {
    TRY(context.claims.add(act.app, act.code_hash, act.owner));
    return CodeClaim{CodeClaim::Kind::claimed, ErrorCode::internal, std::nullopt};
  }
  TRY(auto login, read_login(context.db, *code));
  if (!login) return CodeClaim{CodeClaim::Kind::failed, ErrorCode::code_used, std::nullopt};
  return CodeClaim{CodeClaim::Kind::done, ErrorCode::internal, std::move(login)};
}

Result<LoginRecord> record_login(ActContext& context, const RecordLogin& act) {
  Database& db = context.db;
  if (!context.claims.holds(act.app, act.code_hash, act.owner)) return recorded_before(db, act);

  TRY(const Who who, find_who(db, act));
  LoginRecord login;
  login.is_new_user = !who.user;
  if (login.is_new_user) {
    TRY(login.user, insert_user(db, act));
  } else {
    TRY(login.user, admit_user(db, *who.user, act.now));
  }
  const Id user = login.user.id;

  // A unionid that is another user's is not recorded: merging two users is not a login's business.
  const std::string known = who.identity && !who.moved ? who.identity->unionid : std::string();
  const std::string unionid = act.unionid.empty() || who.union_taken ? known : act.unionid;
  TRY(save_identity(db, act, who, user, unionid));
  if (!act.unionid.empty() && !who.union_known) {
    TRY(db.run("INSERT INTO unionids (project, provider, unionid, user_id) VALUES (?, ?, ?, ?)", act.project, act.provider, act.unionid,
               user));
  }

  if (!login.is_new_user) {
    TRY(make_room(db, act, user, login.revocations));
  }
  login.session = session_for(act, user, unionid);
  login.attempt = act.attempt;
  login.recorded_at = act.now;
  TRY(insert_session(db, login.session));
  TRY(db.run("INSERT INTO codes (app, code_hash, owner, session_id, attempt, is_new_user, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
             act.app, Blob{act.code_hash}, act.owner, act.new_session, act.attempt, login.is_new_user, act.now));
  TRY(write_events(context, act, login, who));
  context.claims.settle(act.app, act.code_hash, act.owner, std::nullopt);
  return login;
}

}  // namespace kaimen::store

// A login: the claim on its code, and the one act that makes it durable.
#include <algorithm>

#include "store/accounts.h"
#include "store/acts.h"
#include "store/new_session.h"
#include "store/records.h"

namespace kaimen::store {

using core::CodeClaim;
using core::LoginRecord;
using core::RecordLogin;

UserRow new_user(const RecordLogin& act) {
  UserRow user;
  user.id = act.new_user;
  user.version = 1;
  user.project = act.project;
  user.registered = act.registered;
  user.nickname = act.default_nickname;
  user.created_at = act.now;
  return user;
}

Result<> make_room(ActContext& context, const RecordLogin& act, const Id& user, std::vector<core::Revocation>& made) {
  if (act.max_per_user <= 0 && act.device.id.empty() && !act.old_session) return ok();
  TRY(auto live, context.rows.list(kOpenSessionsOfUser, user));
  std::erase_if(live, [&](const SessionRow* session) { return session->app != act.app || !is_live(*session, act.now); });
  sort_by_age(live);
  std::vector<const SessionRow*> ending, staying;
  for (const SessionRow* session : live) {
    const bool same_device = !act.device.id.empty() && session->device_id == act.device.id;
    (same_device || session->id == act.old_session ? ending : staying).push_back(session);
  }
  const size_t superseded = ending.size();
  const auto limit = static_cast<size_t>(std::max(act.max_per_user, 0));
  for (size_t i = 0; limit > 0 && i + limit < staying.size() + 1; ++i) ending.push_back(staying[i]);

  expect_ends(context.rows, ending);
  for (size_t i = 0; i < ending.size(); ++i) {
    const Reason reason = i < superseded ? Reason::renew : Reason::replaced;
    TRY(end_one(context, *ending[i], reason, act.now, act.revocations_until, made));
  }
  return ok();
}

SessionRow session_for(const RecordLogin& act, const Id& user, const std::string& unionid) {
  SessionRow session;
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
  session.device_id = act.device.id;
  session.device_model = act.device.model;
  session.device_system = act.device.system;
  session.device_platform = act.device.platform;
  session.entry = act.entry;
  session.purge_day = purge_day(session.idle_expires_at);
  return session;
}

namespace {

/// The recorded login as it stands now; nullopt when its session or user is gone.
Result<std::optional<LoginRecord>> read_login(Rows& rows, const CodeRow& code) {
  TRY(const SessionRow* session, rows.find<SessionRow>(code.session));
  if (!session) return std::nullopt;
  TRY(const UserRow* user, rows.find<UserRow>(session->user));
  if (!user || user->state == UserState::deleted) return std::nullopt;
  LoginRecord login;
  login.user = user_of(*user);
  login.session = session_of(*session);
  login.is_new_user = code.is_new_user;
  login.attempt = code.attempt;
  login.recorded_at = code.recorded_at;
  return login;
}

/// The same act again, after its answer was lost: the same login.
Result<LoginRecord> recorded_before(Rows& rows, const RecordLogin& act) {
  const Error spent = make_error(ErrorCode::code_used, "no live claim on the code");
  TRY(const CodeRow* code, rows.find<CodeRow>(act.app, Bytes{act.code_hash}));
  if (!code || code->state != CodeState::recorded || code->owner != act.owner) return spent;
  TRY(auto login, read_login(rows, *code));
  if (!login) return spent;
  TRY(login->revocations, revocations_of(rows, login->user.id));
  return std::move(*login);
}

/// Whether this act's claim is live.
Result<bool> holds_claim(ActContext& context, const RecordLogin& act) {
  if (context.claims) return context.claims->holds(act.app, act.code_hash, act.owner);
  TRY(const CodeRow* code, context.rows.find<CodeRow>(act.app, Bytes{act.code_hash}));
  return code && code->state == CodeState::claimed && code->owner == act.owner;
}

/// Who logs in, as far as that is known before anything is written.
struct Who {
  const IdentityRow* identity = nullptr;
  const UserRow* user = nullptr;  ///< Null: somebody new.
  bool moved = false;             ///< The identity's user is of another project: the app was given to this one since.
  bool union_known = false;       ///< The unionid names a user of this project,
  bool union_taken = false;       ///< and it is another one.
};

Result<Who> find_who(Rows& rows, const RecordLogin& act) {
  if (!act.unionid.empty()) rows.expect<UnionidRow>(act.project, act.provider, act.unionid);
  Who who;
  TRY(who.identity, rows.find<IdentityRow>(act.provider, act.app_id, act.openid, ""));
  const UnionidRow* by_union = nullptr;
  if (!act.unionid.empty()) {
    TRY(by_union, rows.find<UnionidRow>(act.project, act.provider, act.unionid));
  }
  if (who.identity) {
    rows.expect(kOpenSessionsOfUser, who.identity->user);
    TRY(who.user, rows.find<UserRow>(who.identity->user));
    // Rights a user has in one project must not follow it into another.
    who.moved = !who.user || who.user->project != act.project;
    // Two logins that both find it moved must not both make a user.
    if (who.moved && who.user) rows.touch(*who.user);
    if (who.moved) who.user = nullptr;
  }
  if (!who.user && by_union) {
    rows.expect(kOpenSessionsOfUser, by_union->user);
    TRY(who.user, rows.find<UserRow>(by_union->user));
  }
  who.union_known = by_union != nullptr;
  who.union_taken = by_union && who.user && by_union->user != who.user->id;
  return who;
}

std::optional<Bytes> bytes_or_null(const std::string& raw) {
  if (raw.empty()) return std::nullopt;
  return Bytes{raw};
}

void save_identity(Rows& rows, const RecordLogin& act, const Who& who, const Id& user, const std::string& unionid) {
  const auto key = bytes_or_null(act.session_key_sealed);
  const auto index = key ? std::optional<Bytes>(Bytes{act.session_key_index}) : std::nullopt;
  if (!who.identity) {
    IdentityRow identity;
    identity.provider = act.provider;
    identity.app_id = act.app_id;
    identity.subject = act.openid;
    identity.user = user;
    identity.unionid = unionid;
    identity.key1 = key;
    identity.index1 = index;
    identity.created_at = act.now;
    rows.insert(std::move(identity));
    return;
  }
  const bool new_key = key && who.identity->index1 != index;
  if (!new_key && !who.moved && who.identity->unionid == unionid) return;
  IdentityRow& identity = rows.change(*who.identity);
  identity.user = user;
  identity.unionid = unionid;
  if (!new_key) return;
  identity.key3 = std::move(identity.key2);
  identity.index3 = std::move(identity.index2);
  identity.key2 = std::move(identity.key1);
  identity.index2 = std::move(identity.index1);
  identity.key1 = key;
  identity.index1 = index;
}

Result<> write_events(ActContext& context, const RecordLogin& act, const LoginRecord& login, bool moved, bool union_taken) {
  Event event{login.is_new_user ? "login_new_user" : "login", act.app, login.user.id, login.session.id, Reason::none, act.source, act.project};
  TRY(write_event(context, act.now, event));
  if (moved) {
    event.kind = "identity_moved";
    TRY(write_event(context, act.now, event));
  }
  if (union_taken) {
    event.kind = "union_conflict";
    TRY(write_event(context, act.now, event));
  }
  return ok();
}

Result<> settle_claim(ActContext& context, const RecordLogin& act, CodeRow recorded) {
  if (context.claims) {
    context.rows.insert(std::move(recorded));
    context.claims->settle(act.app, act.code_hash, act.owner, std::nullopt);
    return ok();
  }
  TRY(const CodeRow* claimed, context.rows.find<CodeRow>(act.app, recorded.hash));
  context.rows.change(*claimed) = std::move(recorded);
  return ok();
}

CodeClaim claim_of(CodeClaim::Kind kind, ErrorCode error = ErrorCode::internal) { return CodeClaim{kind, error, std::nullopt}; }

}  // namespace

Result<CodeClaim> claim_code(ActContext& context, const core::ClaimCode& act) {
  if (const Claims::Claim* claim = context.claims ? context.claims->find(act.app, act.code_hash) : nullptr) {
    if (claim->settled) return claim_of(CodeClaim::Kind::failed, *claim->settled);
    return claim_of(claim->owner == act.owner ? CodeClaim::Kind::claimed : CodeClaim::Kind::pending);  // claimed: the same act again
  }
  TRY(const CodeRow* code, context.rows.find<CodeRow>(act.app, Bytes{act.code_hash}));
  if (!code) {
    if (context.claims) {
      TRY(context.claims->add(act.app, act.code_hash, act.owner));
    } else {
      CodeRow row;
      row.app = act.app;
      row.hash = Bytes{act.code_hash};
      row.state = CodeState::claimed;
      row.owner = act.owner;
      row.recorded_at = act.now;
      context.rows.insert(std::move(row));
    }
    return claim_of(CodeClaim::Kind::claimed);
  }
  if (code->state == CodeState::claimed) return claim_of(code->owner == act.owner ? CodeClaim::Kind::claimed : CodeClaim::Kind::pending);
  if (code->state == CodeState::failed) return claim_of(CodeClaim::Kind::failed, static_cast<ErrorCode>(code->error));
  TRY(auto login, read_login(context.rows, *code));
  if (!login) return claim_of(CodeClaim::Kind::failed, ErrorCode::code_used);
  CodeClaim claim = claim_of(CodeClaim::Kind::done);
  claim.login = std::move(login);
  return claim;
}

Result<> settle_code(ActContext& context, uint32_t app, const std::string& code_hash, const Id& owner, std::optional<ErrorCode> error) {
  if (context.claims) {
    context.claims->settle(app, code_hash, owner, error);
    return ok();
  }
  TRY(const CodeRow* code, context.rows.find<CodeRow>(app, Bytes{code_hash}));
  if (!code || code->state != CodeState::claimed || code->owner != owner) return ok();
  if (!error) {
    context.rows.remove(*code);
    return ok();
  }
  CodeRow& row = context.rows.change(*code);
  row.state = CodeState::failed;
  row.error = static_cast<int64_t>(*error);
  return ok();
}

Result<LoginRecord> record_login(ActContext& context, const RecordLogin& act) {
  Rows& rows = context.rows;
  rows.expect<IdentityRow>(act.provider, act.app_id, act.openid, "");
  TRY(const bool held, holds_claim(context, act));
  if (!held) return recorded_before(rows, act);

  TRY(const Who who, find_who(rows, act));
  LoginRecord login;
  login.is_new_user = !who.user;
  if (login.is_new_user) {
    UserRow user = new_user(act);
    login.user = user_of(user);
    rows.insert(std::move(user));
  } else {
    if (act.restore) {
      TRY(take_back(context, *who.user, act.now, act.source));
    }
    if (!admit(rows, *who.user, act.now)) return user_refusal(*who.user);
    login.user = user_of(*who.user);
  }
  const Id user = login.user.id;

  // A unionid that is another user's is not recorded: merging two users is not a login's business.
  const std::string known = who.identity && !who.moved ? who.identity->unionid : std::string();
  const std::string unionid = act.unionid.empty() || who.union_taken ? known : act.unionid;
  save_identity(rows, act, who, user, unionid);
  if (!act.unionid.empty() && !who.union_known) rows.insert(UnionidRow{act.project, act.provider, act.unionid, user});

  if (!login.is_new_user) {
    TRY(make_room(context, act, user, login.revocations));
  }
  SessionRow session = session_for(act, user, unionid);
  login.session = session_of(session);
  login.attempt = act.attempt;
  login.recorded_at = act.now;
  rows.insert(std::move(session));
  TRY(write_events(context, act, login, who.moved, who.union_taken));
  // Last, because a claim in memory is not undone when the act refuses.
  TRY(settle_claim(context, act, CodeRow{act.app, Bytes{act.code_hash}, CodeState::recorded, act.owner, 0, act.new_session, act.attempt,
                                         login.is_new_user, act.now}));
  return login;
}

}  // namespace kaimen::store

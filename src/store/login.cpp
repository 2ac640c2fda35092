// A login: the claim on its code, and the one act that makes it durable.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "store/accounts.h"
#include "store/acts.h"
#include "store/directory_acts.h"
#include "store/entries.h"
#include "store/merge.h"
#include "store/new_session.h"
#include "store/records.h"
#include "store/session_keys.h"

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
  // Sessions beside a login make room for each other, and end with theirs.
  std::erase_if(live, [&](const SessionRow* session) { return session->app != act.app || session->parent || !session->actor.empty() || !is_live(*session, act.now); });
  sort_by_age(live);
  std::vector<const SessionRow*> ending, staying;
  for (const SessionRow* session : live) {
    const bool same_device = !act.device.id.empty() && session->device_id == act.device.id;
    (same_device || session->id == act.old_session ? ending : staying).push_back(session);
  }
  const size_t superseded = ending.size();
  const auto limit = static_cast<size_t>(std::max(act.max_per_user, 0));
  for (size_t i = 0; limit > 0 && i + limit < staying.size() + 1; ++i) {
    if (act.spared_since && staying[i]->created_at >= *act.spared_since) break;  // the others are younger still
    ending.push_back(staying[i]);
  }

  expect_ends(context.rows, ending);
  for (size_t i = 0; i < ending.size(); ++i) {
    const Reason reason = i < superseded ? Reason::renew : Reason::replaced;
    TRY(end_one(context, *ending[i], reason, act.now, act.revocations_until, made));
  }
  return ok();
}

Result<> register_by_login(ActContext& context, const RecordLogin& act, const UserRow& user, std::vector<core::Revocation>& made) {
  if (!act.registered || user.registered) return ok();
  context.rows.change(user).registered = true;
  TRY(outdate_tickets(context, user.id, act.now, act.revocations_until, made));
  return write_event(context, act.now, {"user_registered", act.app, user.id, std::nullopt, Reason::none, act.source, user.project});
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

constexpr size_t kFingerprintBytes = 4;  // as core::key_fingerprint has it

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
Result<LoginRecord> recorded_before(ActContext& context, const RecordLogin& act) {
  Rows& rows = context.rows;
  const Error spent = make_error(ErrorCode::code_used, "no live claim on the code");
  TRY(const CodeRow* code, rows.find<CodeRow>(act.app, Bytes{act.code_hash}));
  if (!code || code->state != CodeState::recorded || code->owner != act.owner) return spent;
  TRY(auto login, read_login(rows, *code));
  if (!login) return spent;
  TRY(login->revocations, revocations_of(rows, login->user.id));
  if (!act.entry_code.empty()) {
    TRY(login->entrance, entrance_of(context, {act.new_session, act.entry_code, act.app, act.is_registered, act.now}));
  }
  return std::move(*login);
}

/// Whether this act's claim is live.
Result<bool> holds_claim(ActContext& context, const RecordLogin& act) {
  if (context.claims) return context.claims->holds(act.app, act.code_hash, act.owner);
  TRY(const CodeRow* code, context.rows.find<CodeRow>(act.app, Bytes{act.code_hash}));
  return code && code->state == CodeState::claimed && code->owner == act.owner;
}

const std::string& family_of(const RecordLogin& act) { return act.family.empty() ? act.provider : act.family; }

/// Who logs in, as far as that is known before anything is written.
struct Who {
  const IdentityRow* identity = nullptr;
  const UserRow* user = nullptr;  ///< Null: somebody new.
  bool moved = false;             ///< The identity's user is of another project: the app was given to this one since.
  const UnionidRow* by_union = nullptr;  ///< Whom the unionid names in this project.
  const UserRow* same = nullptr;  ///< That is somebody else than `user`: the two are one.
};

Result<Who> find_who(Rows& rows, const RecordLogin& act) {
  if (!act.unionid.empty()) rows.expect<UnionidRow>(act.project, family_of(act), act.unionid);
  Who who;
  TRY(who.identity, rows.find<IdentityRow>(act.provider, act.app_id, act.openid, ""));
  if (!act.unionid.empty()) {
    TRY(who.by_union, rows.find<UnionidRow>(act.project, family_of(act), act.unionid));
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
  if (!who.by_union || (who.user && who.user->id == who.by_union->user)) return who;
  if (who.user) expect_merge(rows, who.by_union->user, who.user->id);
  else rows.expect(kOpenSessionsOfUser, who.by_union->user);
  TRY(const UserRow* named, rows.find<UserRow>(who.by_union->user));
  (who.user ? who.same : who.user) = named;
  return who;
}

/// Makes who.user part of the user whom the unionid names, who then logs in. When they must stay two, who.same stays set.
Result<Merged> merge_named(ActContext& context, const RecordLogin& act, Who& who, std::vector<core::Revocation>& made) {
  if (!who.same) return Merged{};
  // Whoever is kept out as one of the two is kept out.
  if (!admit(context.rows, *who.same, act.now)) return user_refusal(*who.same);
  const MergeTerms terms{act.move_phone, act.now, act.revocations_until, act.source};
  TRY(auto merged, merge_into(context, *who.same, *who.user, terms, made));
  if (merged.refused.empty()) who.user = std::exchange(who.same, nullptr);
  return merged;
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
  const bool new_key = key && !is_newest_key(*who.identity, act.session_key_index, act.older_key_indexes);
  if (!new_key && !who.moved && who.identity->unionid == unionid) return;
  IdentityRow& identity = rows.change(*who.identity);
  identity.user = user;
  identity.unionid = unionid;
  if (!new_key) return;
  push_session_key(identity, *key, *index);
}

Result<> write_events(ActContext& context, const RecordLogin& act, const LoginRecord& login, bool moved, const std::string& key_note,
                      const std::string& conflict) {
  Event event{login.is_new_user ? "login_new_user" : "login", act.app, login.user.id, login.session.id, Reason::none, act.source, act.project};
  event.detail = key_note;
  TRY(write_event(context, act.now, event));
  event.detail = {};
  if (moved) {
    event.kind = "identity_moved";
    TRY(write_event(context, act.now, event));
  }
  if (!conflict.empty()) {
    event.kind = "union_conflict";
    event.detail = conflict;
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
  if (!act.entry_code.empty()) expect_scan(context, act.entry_code);
  if (!act.resolve_mark.empty()) rows.expect<UnresolvedRow>(Bytes{act.resolve_mark});
  TRY(const bool held, holds_claim(context, act));
  if (!held) return recorded_before(context, act);

  TRY(Who who, find_who(rows, act));
  Merged merged;
  LoginRecord login;
  login.is_new_user = !who.user;
  if (login.is_new_user) {
    UserRow user = new_user(act);
    login.user = user_of(user);
    rows.insert(std::move(user));
  } else {
    if (act.restore) {
      TRY(take_back(context, *who.user, act.now, act.source));
      // They are one, and neither could come back without the other.
      if (who.same) {
        TRY(take_back(context, *who.same, act.now, act.source));
      }
    }
    if (!admit(rows, *who.user, act.now)) return user_refusal(*who.user);
    TRY(merged, merge_named(context, act, who, login.revocations));
    TRY(register_by_login(context, act, *who.user, login.revocations));
    login.user = user_of(*who.user);
  }
  const Id user = login.user.id;

  // A unionid that stays another user's is not recorded.
  const std::string known = who.identity && !who.moved ? who.identity->unionid : std::string();
  const std::string unionid = act.unionid.empty() || who.same ? known : act.unionid;
  const bool brings_key = !act.session_key_sealed.empty() && (!who.identity || !is_newest_key(*who.identity, act.session_key_index, act.older_key_indexes));
  TRY(login.asks_backend, asks_backend(rows, act, !who.identity || who.moved));
  save_identity(rows, act, who, user, unionid);
  if (!act.unionid.empty() && !who.by_union) rows.insert(UnionidRow{act.project, family_of(act), act.unionid, user});

  if (!login.is_new_user) {
    TRY(make_room(context, act, user, login.revocations));
    TRY(tell_unionid(context, {user, act.app, act.openid, unionid}, act.now, act.revocations_until, login.revocations));
  }
  SessionRow session = session_for(act, user, unionid);
  login.session = session_of(session);
  login.attempt = act.attempt;
  login.recorded_at = act.now;
  rows.insert(std::move(session));
  // When each session_key came is told by the logins that brought one.
  std::string key_note, conflict;
  if (brings_key) key_note = "{\"session_key\":\"" + to_hex(std::string_view(act.session_key_index).substr(0, kFingerprintBytes)) + "\"}";
  if (who.same) conflict = "{\"other\":\"" + who.same->id.hex() + "\",\"why\":\"" + std::string(merged.refused) + "\"}";
  TRY(write_events(context, act, login, who.moved, key_note, conflict));
  if (!act.entry_code.empty()) {
    TRY(login.entrance, record_scan(context, act, login));
  }
  // Last, because a claim in memory is not undone when the act refuses.
  TRY(settle_claim(context, act, CodeRow{act.app, Bytes{act.code_hash}, CodeState::recorded, act.owner, 0, act.new_session, act.attempt,
                                         login.is_new_user, act.now}));
  return login;
}

}  // namespace kaimen::store

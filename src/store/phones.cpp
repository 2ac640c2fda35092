#include "store/phones.h"

#include "store/accounts.h"
#include "store/entries.h"
#include "store/new_session.h"
#include "store/records.h"

namespace kaimen::store {

using core::LoginRecord;

static_assert(std::get<18>(Table<UserRow>::columns).name == "phone_index" && std::get<2>(Table<UserRow>::columns).name == "project");

namespace {

// Rows of `meta` that stand for many numbers each: "phones/00" … "phones/ff".
Result<> guard(Rows& rows, const Bytes& phone_index) {
  constexpr char digits[] = "0123456789abcdef";
  const auto first = static_cast<uint8_t>(phone_index.raw.empty() ? 0 : phone_index.raw[0]);
  const std::string name = std::string("phones/") + digits[first >> 4] + digits[first & 15];
  TRY(const MetaRow* row, rows.find<MetaRow>(name));
  if (row) {
    rows.touch(*row);
  } else {
    rows.insert(MetaRow{name, 1, 0});
  }
  return ok();
}

/// What the login that made the user left, and nothing else: one identity, one session, no phone, no password.
struct Fresh {
  const UserRow* user = nullptr;
  const IdentityRow* identity = nullptr;
  const SessionRow* session = nullptr;
};
Result<std::optional<Fresh>> find_fresh(Rows& rows, const core::AttachByPhone& act) {
  Fresh fresh;
  TRY(fresh.user, existing_user(rows, act.fresh));
  TRY(const auto sessions, rows.list(kSessionsOfUser, act.fresh));
  TRY(const auto identities, rows.list(kIdentitiesOfUser, act.fresh));
  TRY(const auto passwords, rows.list(kPasswordsOfUser, act.fresh));
  if (fresh.user->state != UserState::active || fresh.user->phone_index || !passwords.empty()) return std::nullopt;
  if (sessions.size() != 1 || identities.size() != 1 || sessions[0]->id != act.session || sessions[0]->created_at != fresh.user->created_at) return std::nullopt;
  fresh.session = sessions[0];
  fresh.identity = identities[0];
  return fresh;
}

}  // namespace

Result<std::vector<const UserRow*>> others_with_phone(Rows& rows, const std::string& project, const std::string& phone_index,
                                                      const std::vector<std::string>& older_indexes, const Id& self, bool guarded) {
  if (guarded) {
    TRY(guard(rows, Bytes{phone_index}));
  }
  TRY(auto users, rows.list(kUsersByPhone, project, Bytes{phone_index}));
  for (const std::string& older : older_indexes) {
    if (guarded) {
      TRY(guard(rows, Bytes{older}));
    }
    TRY(const auto more, rows.list(kUsersByPhone, project, Bytes{older}));
    users.insert(users.end(), more.begin(), more.end());
  }
  std::erase_if(users, [&self](const UserRow* user) { return user->id == self || user->state == UserState::deleted; });
  return users;
}

Result<> claim_mark(ActContext& context, const std::string& mark, Time now) {
  TRY(const OnceMarkRow* row, context.rows.find<OnceMarkRow>(Bytes{mark}));
  if (row && context.again && row->marked_at == now) return ok();
  if (row) return make_error(ErrorCode::code_used, "this code was brought before");
  context.rows.insert(OnceMarkRow{Bytes{mark}, now});
  return ok();
}

Result<> release_mark(ActContext& context, const std::string& mark) {
  TRY(const OnceMarkRow* row, context.rows.find<OnceMarkRow>(Bytes{mark}));
  if (row) context.rows.remove(*row);
  return ok();
}

Result<std::optional<LoginRecord>> attach_by_phone(ActContext& context, const core::AttachByPhone& act) {
  Rows& rows = context.rows;
  const Error refused = make_error(ErrorCode::conflict, "the number is another user's");
  if (context.again) {
    TRY(const SessionRow* session, rows.find<SessionRow>(act.session));
    if (session && session->user != act.fresh) {
      TRY(const UserRow* user, existing_user(rows, session->user));
      LoginRecord before;
      before.user = user_of(*user);
      before.session = session_of(*session);
      TRY(before.revocations, revocations_of(rows, user->id));
      return before;
    }
  }
  TRY(const UserRow* own, existing_user(rows, act.fresh));
  TRY(const auto others, others_with_phone(rows, own->project, act.phone_index, act.older_indexes, act.fresh, true));
  if (others.empty()) return std::nullopt;
  TRY(const auto fresh, find_fresh(rows, act));
  if (!fresh || others.size() != 1) return refused;
  const UserRow& target = *others[0];
  if (!act.once.empty()) {
    TRY(const OnceMarkRow* mark, rows.find<OnceMarkRow>(Bytes{act.once}));
    if (mark) return make_error(ErrorCode::conflict, "this phone number was handed over before");
    rows.insert(OnceMarkRow{Bytes{act.once}, act.now});
  }
  if (!admit(rows, target, act.now)) return refused;

  LoginRecord login;
  const std::string unionid = fresh->identity->unionid;
  if (!unionid.empty()) {
    TRY(const UnionidRow* known, rows.find<UnionidRow>(own->project, act.family, unionid));
    if (known && known->user == act.fresh) rows.change(*known).user = target.id;
  }
  rows.change(*fresh->identity).user = target.id;
  core::RecordLogin in;
  in.app = act.app;
  in.max_per_user = act.max_per_user;
  in.device.id = fresh->session->device_id;
  in.now = act.now;
  in.revocations_until = act.revocations_until;
  in.registered = own->registered;
  in.source = act.source;
  TRY(register_by_login(context, in, target, login.revocations));
  TRY(make_room(context, in, target.id, login.revocations));
  // A replay of the same code may have had a ticket that names the user who is gone.
  TRY(revoke(context, {act.session, fresh->session->generation, Reason::renew, act.revocations_until}, login.revocations));
  SessionRow& session = rows.change(*fresh->session);
  session.user = target.id;
  session.generation += 1;
  TRY(const CodeRow* code, rows.find<CodeRow>(act.app, Bytes{act.code_hash}));
  if (code && code->session == act.session) rows.change(*code).is_new_user = false;
  TRY(hand_over_scan(context, act.session, target.id));
  const std::string project = own->project, into = R"({"into":")" + target.id.hex() + R"("})";
  TRY(erase_user(context, *own, act.now));
  TRY(write_event(context, act.now, {"user_deleted", act.app, act.fresh, std::nullopt, Reason::deleted, act.source, project, into}));
  const std::string detail = R"({"from":")" + act.fresh.hex() + R"("})";
  TRY(write_event(context, act.now, {"phone_attached", act.app, target.id, act.session, Reason::none, act.source, target.project, detail}));
  login.user = user_of(target);
  login.session = session_of(session);
  login.recorded_at = act.now;
  return login;
}

}  // namespace kaimen::store

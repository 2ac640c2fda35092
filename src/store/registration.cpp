// How a guest becomes a registered user, and what users have agreed to.
#include <algorithm>

#include "store/accounts.h"
#include "store/records.h"
#include "store/registration_fields.h"

namespace kaimen::store {

namespace {

Error no_invitation() { return make_error(ErrorCode::registration_required, "invitation"); }

Result<> spend_invitation(Rows& rows, const core::RegisterUser& act) {
  TRY(const InvitationRow* invitation, rows.find<InvitationRow>(Bytes{act.invitation_hash}));
  if (!invitation || invitation->app != act.app || invitation->uses_left <= 0 || invitation->until <= act.now) return no_invitation();
  rows.change(*invitation).uses_left -= 1;
  return ok();
}

/// The latest version of each document, as users.agreed has it.
std::string with_agreements(std::string_view agreed, const std::vector<core::Agreement>& now) {
  auto items = split(agreed);
  for (const auto& one : now) {
    const std::string name = one.name + "=";
    std::erase_if(items, [&name](const std::string& item) { return item.starts_with(name); });
    items.push_back(name + one.version);
  }
  return join(items);
}

/// False: each was recorded before.
Result<bool> record_consents(ActContext& context, const core::RegisterUser& act) {
  bool any = false;
  for (const auto& one : act.agreements) context.rows.expect<ConsentRow>(act.user, one.name, one.version);
  for (const auto& one : act.agreements) {
    TRY(const ConsentRow* before, context.rows.find<ConsentRow>(act.user, one.name, one.version));
    if (before) continue;  // the first time counts
    context.rows.insert(ConsentRow{act.user, one.name, one.version, act.app, act.now, act.source.ip});
    any = true;
  }
  return any;
}

}  // namespace

Result<core::ChangedUser> register_user(ActContext& context, const core::RegisterUser& act) {
  Rows& rows = context.rows;
  rows.expect(kOpenSessionsOfUser, act.user);
  rows.expect<RegistrationRow>(act.user);
  TRY(const UserRow* row, existing_user(rows, act.user));
  const bool registers = !row->registered;
  if (registers && !act.invitation_hash.empty()) {
    TRY(spend_invitation(rows, act));
  }
  if (!admit(rows, *row, act.now)) return user_refusal(*row);
  const std::string agreed = with_agreements(row->agreed, act.agreements);
  const bool agrees = agreed != row->agreed, renames = act.nickname && (row->profile_at == Time{} || *act.nickname != row->nickname);
  TRY(const bool consents, record_consents(context, act));
  TRY(const RegistrationRow* before, rows.find<RegistrationRow>(act.user));
  TRY(std::string fields, with_fields(before ? before->fields : "", act.fields));
  const bool fills_in = !before || fields != before->fields;
  if (!before) rows.insert(RegistrationRow{act.user, act.app, std::move(fields), act.now});
  else if (fills_in) rows.change(*before).fields = std::move(fields);

  core::ChangedUser changed;
  if (context.again) {
    TRY(changed.revocations, revocations_of(rows, act.user));
  }
  if (registers || agrees || renames || consents || fills_in) {
    UserRow& user = rows.change(*row);
    user.agreed = agreed;
    user.registered = true;
    if (renames) {
      user.profile_at = act.now;
      user.nickname = *act.nickname;
    }
    const std::string_view kind = registers ? "user_registered" : "registration_changed";
    TRY(write_event(context, act.now, {kind, act.app, act.user, std::nullopt, Reason::none, act.source, user.project}));
  }
  if (registers || agrees) {
    TRY(outdate_tickets(context, act.user, act.now, act.revocations_until, changed.revocations));
  }
  changed.user = user_of(*row);
  return changed;
}

Result<> add_invitation(ActContext& context, const core::Invitation& act) {
  TRY(const InvitationRow* before, context.rows.find<InvitationRow>(Bytes{act.code_hash}));
  if (before) return ok();  // 128 random bits: the same act again
  context.rows.insert(InvitationRow{Bytes{act.code_hash}, 1, act.app, act.uses, act.until, act.now});
  return write_event(context, act.now, {"invitation_made", act.app, std::nullopt, std::nullopt, Reason::none, act.source, act.project});
}

}  // namespace kaimen::store

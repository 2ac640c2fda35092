#include "store/merge.h"

#include <algorithm>

#include "store/accounts.h"
#include "store/acts.h"
#include "store/avatars.h"
#include "store/entries.h"
#include "store/registration_fields.h"

namespace kaimen::store {

namespace {

bool is_waiting(const UserRow& one, const UserRow& other) { return one.state == UserState::leaving && other.state == UserState::disabled; }

Result<std::string_view> refusal(Rows& rows, const UserRow& survivor, const UserRow& other) {
  if (survivor.project != other.project) return "projects";
  TRY(const auto mine, rows.list(kPasswordsOfUser, survivor.id));
  TRY(const auto theirs, rows.list(kPasswordsOfUser, other.id));
  if (!mine.empty() && !theirs.empty()) return "passwords";
  if (survivor.external_id && other.external_id && survivor.external_id != other.external_id) return "external_ids";
  if (is_waiting(survivor, other) || is_waiting(other, survivor)) return "states";
  return "";
}

template <class T>
void take_newest(T& mine, const T& theirs, bool theirs_is_newer, const T& none = {}) {
  if (theirs != none && (theirs_is_newer || mine == none)) mine = theirs;
}

// An avatar is kept here or elsewhere: the two members are one value.
bool has_avatar(const UserRow& user) { return user.avatar_hash || !user.avatar_url.empty(); }
bool takes_avatar(const UserRow& user, const UserRow& other) {
  return has_avatar(other) && (!has_avatar(user) || other.profile_at > user.profile_at);
}

/// Documents that only the other has agreed to. Of one that both have, the survivor's version stays: at worst the user is asked again.
bool merge_agreed(UserRow& user, const UserRow& other) {
  auto items = split(user.agreed);
  for (const std::string& theirs : split(other.agreed)) {
    const std::string name = theirs.substr(0, theirs.find('=') + 1);
    if (std::ranges::none_of(items, [&name](const std::string& mine) { return mine.starts_with(name); })) items.push_back(theirs);
  }
  std::string agreed = join(items);
  const bool more = agreed != user.agreed;
  user.agreed = std::move(agreed);
  return more;
}

void merge_profile(UserRow& user, const UserRow& other) {
  const bool newer = other.profile_at > user.profile_at;
  take_newest(user.nickname, other.nickname, newer);
  take_newest(user.gender, other.gender, newer);
  take_newest(user.language, other.language, newer);
  take_newest(user.country, other.country, newer);
  take_newest(user.province, other.province, newer);
  take_newest(user.city, other.city, newer);
  take_newest(user.attributes, other.attributes, newer, std::string("{}"));
  if (takes_avatar(user, other)) {
    user.avatar_hash = other.avatar_hash;
    user.avatar_url = other.avatar_url;
  }
  user.profile_at = std::max(user.profile_at, other.profile_at);
}

Result<> merge_phone(UserRow& user, const UserRow& other, const MergeTerms& terms) {
  if (!other.phone_sealed || (user.phone_sealed && user.phone_at >= other.phone_at)) return ok();
  TRY(auto phone, terms.move_phone(other.id, user.id, other.phone_sealed->raw));
  user.phone_sealed = Bytes{std::move(phone.sealed)};
  user.phone_index = Bytes{std::move(phone.index)};
  user.phone_at = other.phone_at;
  return ok();
}

/// Whether what tickets carry has changed.
bool merge_rights(UserRow& user, const UserRow& other) {
  const bool registers = !user.registered && other.registered;
  const bool takes_roles = user.roles.empty() && !other.roles.empty();
  const bool takes_external = !user.external_id && other.external_id;
  if (registers) user.registered = true;
  if (takes_roles) user.roles = other.roles;
  if (takes_external) user.external_id = other.external_id;
  return registers || takes_roles || takes_external;
}

void merge_state(UserRow& user, const UserRow& other) {
  if (other.state == UserState::leaving) {
    const bool sooner = user.state != UserState::leaving || !user.disabled_until || (other.disabled_until && *other.disabled_until < *user.disabled_until);
    user.state = UserState::leaving;
    if (sooner) user.disabled_until = other.disabled_until;
  }
  if (other.state != UserState::disabled) return;
  const bool longer = user.state != UserState::disabled || (user.disabled_until && (!other.disabled_until || *other.disabled_until > *user.disabled_until));
  user.state = UserState::disabled;
  if (!longer) return;
  user.disabled_until = other.disabled_until;
  user.disabled_message = other.disabled_message;
}

Result<> move_registration(Rows& rows, const Id& user, const Id& other) {
  TRY(const RegistrationRow* theirs, rows.find<RegistrationRow>(other));
  TRY(const RegistrationRow* mine, rows.find<RegistrationRow>(user));
  if (!theirs) return ok();
  if (!mine) {
    RegistrationRow moved = *theirs;
    moved.user = user;
    rows.insert(std::move(moved));
  } else {
    TRY(std::string fields, joined_fields(mine->fields, theirs->fields));
    if (fields != mine->fields) rows.change(*mine).fields = std::move(fields);
  }
  rows.remove(*theirs);
  return ok();
}

Result<> move_consents(Rows& rows, const Id& user, const Id& other) {
  TRY(const auto theirs, rows.list(kConsentsOfUser, other));
  for (const ConsentRow* consent : theirs) rows.expect<ConsentRow>(user, consent->name, consent->version);
  for (const ConsentRow* consent : theirs) {
    TRY(const ConsentRow* mine, rows.find<ConsentRow>(user, consent->name, consent->version));
    ConsentRow moved = *consent;
    moved.user = user;
    if (!mine) rows.insert(std::move(moved));
    else if (moved.agreed_at < mine->agreed_at) rows.change(*mine) = std::move(moved);
    rows.remove(*consent);
  }
  return ok();
}

/// The sooner of two deletions that wait.
Result<> move_deletion(Rows& rows, const Id& user, const Id& other) {
  TRY(const DeletionRow* theirs, rows.find<DeletionRow>(other));
  TRY(const DeletionRow* mine, rows.find<DeletionRow>(user));
  if (!theirs) return ok();
  if (!mine) rows.insert(DeletionRow{user, theirs->due_at});
  else if (theirs->due_at < mine->due_at) rows.change(*mine).due_at = theirs->due_at;
  rows.remove(*theirs);
  return ok();
}

Result<> end_those(ActContext& context, const std::vector<const SessionRow*>& sessions, Reason reason, const MergeTerms& terms,
                   std::vector<core::Revocation>& made) {
  expect_ends(context.rows, sessions);
  for (const SessionRow* session : sessions) {
    TRY(end_alone(context, *session, reason, terms.now, terms.revocations_until, made));
  }
  return ok();
}

}  // namespace

void expect_merge(Rows& rows, const Id& survivor, const Id& other) {
  for (const Id* id : {&survivor, &other}) {
    rows.expect(kOpenSessionsOfUser, *id);
    rows.expect(kPasswordsOfUser, *id);
    rows.expect<RegistrationRow>(*id);
    rows.expect<DeletionRow>(*id);
  }
  rows.expect(kIdentitiesOfUser, other);
  rows.expect(kUnionidsOfUser, other);
  rows.expect(kConsentsOfUser, other);
  rows.expect(kScansOfUser, other);
}

Result<Merged> merge_into(ActContext& context, const UserRow& survivor, const UserRow& other, const MergeTerms& terms,
                          std::vector<core::Revocation>& made) {
  Rows& rows = context.rows;
  expect_merge(rows, survivor.id, other.id);
  // What is over must not be handed on, nor stand in the way.
  for (const UserRow* row : {&survivor, &other}) {
    if (!is_over(*row, terms.now)) continue;
    TRY(lift_disablement(rows, *row));
  }
  Merged merged;
  TRY(merged.refused, refusal(rows, survivor, other));
  if (!merged.refused.empty()) return merged;

  if (takes_avatar(survivor, other)) {
    TRY(release_avatar(context, survivor, terms.now));
  } else {
    TRY(release_avatar(context, other, terms.now));
  }
  UserRow& user = rows.change(survivor);
  merge_profile(user, other);
  const bool agrees_to_more = merge_agreed(user, other);
  TRY(merge_phone(user, other, terms));
  merge_state(user, other);
  const bool carries_more = merge_rights(user, other) || agrees_to_more;
  user.created_at = std::min(user.created_at, other.created_at);

  TRY(const auto mine, rows.list(kOpenSessionsOfUser, user.id));
  TRY(const auto theirs, rows.list(kOpenSessionsOfUser, other.id));
  if (user.state == UserState::active) {
    if (carries_more) {
      TRY(outdate_tickets(context, user.id, terms.now, terms.revocations_until, made));
    }
    TRY(outdate_tickets(context, other.id, terms.now, terms.revocations_until, made));
  } else {
    const Reason reason = user.state == UserState::disabled ? Reason::disabled : Reason::deleted;
    TRY(end_those(context, mine, reason, terms, made));
    TRY(end_those(context, theirs, reason, terms, made));
  }
  // Those that have ended, too: whoever deletes the survivor must find all that is personal.
  TRY(const auto all, rows.list(kSessionsOfUser, other.id));
  for (const SessionRow* session : all) rows.change(*session).user = user.id;

  TRY(const auto identities, rows.list(kIdentitiesOfUser, other.id));
  for (const IdentityRow* identity : identities) rows.change(*identity).user = user.id;
  TRY(const auto unionids, rows.list(kUnionidsOfUser, other.id));
  for (const UnionidRow* unionid : unionids) rows.change(*unionid).user = user.id;
  TRY(const auto passwords, rows.list(kPasswordsOfUser, other.id));
  for (const PasswordRow* password : passwords) rows.change(*password).user = user.id;
  TRY(move_registration(rows, user.id, other.id));
  TRY(move_consents(rows, user.id, other.id));
  TRY(move_deletion(rows, user.id, other.id));
  TRY(blank_events(rows, other.id));  // after that: it may leave a row of its own
  TRY(move_scans(rows, other.id, user.id));
  empty_out(rows.change(other));

  const std::string gone = "{\"other\":\"" + other.id.hex() + "\"}", into = "{\"into\":\"" + user.id.hex() + "\"}";
  TRY(write_event(context, terms.now, {"users_merged", std::nullopt, user.id, std::nullopt, Reason::none, terms.source, user.project, gone}));
  TRY(write_event(context, terms.now, {"merged_into", std::nullopt, other.id, std::nullopt, Reason::none, terms.source, user.project, into}));
  return merged;
}

Result<core::ChangedUser> merge_users(ActContext& context, const core::MergeUsers& act) {
  Rows& rows = context.rows;
  rows.expect<UserRow>(act.other);
  TRY(const UserRow* user, existing_user(rows, act.user));
  TRY(const UserRow* other, rows.find<UserRow>(act.other));
  if (!other || act.user == act.other) return make_error(ErrorCode::not_found, "no such other user");
  core::ChangedUser changed;
  if (other->state == UserState::deleted) {
    if (!context.again) return make_error(ErrorCode::not_found, "no such other user");
    TRY(changed.revocations, revocations_of(rows, act.user));
    changed.user = user_of(*user);
    return changed;
  }
  const MergeTerms terms{act.move_phone, act.now, act.revocations_until, act.source};
  TRY(const Merged merged, merge_into(context, *user, *other, terms, changed.revocations));
  if (!merged.refused.empty()) return make_error(ErrorCode::conflict, "the two users differ in what only one can have: " + std::string(merged.refused));
  changed.user = user_of(*user);
  return changed;
}

}  // namespace kaimen::store

// The team's own user table, taken over a batch at a time. What each line comes to is decided before anything of it is changed, so a line that
// is refused leaves its neighbours as they are.
#include <algorithm>
#include <set>

#include "store/accounts.h"
#include "store/directory_acts.h"
#include "store/journal.h"
#include "store/phones.h"
#include "store/records.h"
#include "store/sql_directory.h"

namespace kaimen::store {

using core::Imported;
using core::ImportedUser;
using core::ImportUser;
using ImportKind = core::ImportedUser::Kind;

namespace {

/// Whom a line names, and by what.
struct Named {
  const UserRow* user = nullptr;          ///< Null: nobody yet.
  const IdentityRow* identity = nullptr;  ///< The line's identity, if anybody has it.
  bool known_unionid = false;
  std::string refusal;
};

/// The event, and where it is wanted, a word to the webhooks.
Result<> note(ActContext& context, const core::ImportUsers& act, const Id& user, bool made) {
  TRY(write_event(context, act.now, {made ? "user_imported" : "user_import_changed", std::nullopt, user, std::nullopt, Reason::none, act.source, act.project}));
  if (!act.tells_webhooks) return ok();
  return tell(context, act.now, {made ? "user.created" : "user.updated", act.project, user});
}

ImportedUser refused_line(std::string why, const Id& user = {}) { return {ImportKind::refused, user, std::move(why)}; }

/// All that the lines name, so that a database server is asked once for each kind.
Result<> expect_all(Rows& rows, const core::ImportUsers& act) {
  for (const ImportUser& line : act.users) {
    if (!line.external_id.empty()) rows.expect(kUsersByExternalId, act.project, line.external_id);
    if (line.identity) rows.expect<IdentityRow>(line.identity->provider, line.identity->app_id, line.identity->subject, "");
    if (!line.unionid.empty()) rows.expect<UnionidRow>(act.project, line.family, line.unionid);
    if (!line.phone_index.empty() && line.phone_unique) rows.expect(kUsersByPhone, act.project, Bytes{line.phone_index});
  }
  std::set<Id> users;
  for (const ImportUser& line : act.users) {
    if (!line.external_id.empty()) {
      TRY(const auto found, rows.list(kUsersByExternalId, act.project, line.external_id));
      for (const UserRow* user : found) users.insert(user->id);
    }
    if (line.identity) {
      TRY(const IdentityRow* found, rows.find<IdentityRow>(line.identity->provider, line.identity->app_id, line.identity->subject, ""));
      if (found) users.insert(found->user);
    }
    if (!line.unionid.empty()) {
      TRY(const UnionidRow* found, rows.find<UnionidRow>(act.project, line.family, line.unionid));
      if (found) users.insert(found->user);
    }
  }
  for (const Id& user : users) {
    rows.expect<UserRow>(user);
    rows.expect(kOpenSessionsOfUser, user);
  }
  return ok();
}

Result<Named> who_is(Rows& rows, const core::ImportUsers& act, const ImportUser& line) {
  Named named;
  const auto add = [&](const UserRow* user, std::string_view by) {
    if (!user || user->state == UserState::deleted) return;
    if (user->project != act.project) named.refusal = std::string(by) + " is a user's of another project";
    else if (!named.user) named.user = user;
    else if (named.user->id != user->id) named.refusal = "names two users, " + named.user->id.hex() + " and, by " + std::string(by) + ", " + user->id.hex() + ": merge them first";
  };
  if (!line.external_id.empty()) {
    TRY(const auto found, rows.list(kUsersByExternalId, act.project, line.external_id));
    for (const UserRow* user : found) add(user, "external_id");
  }
  if (line.identity) {
    TRY(named.identity, rows.find<IdentityRow>(line.identity->provider, line.identity->app_id, line.identity->subject, ""));
    if (named.identity) {
      TRY(const UserRow* user, rows.find<UserRow>(named.identity->user));
      add(user, "openid");
    }
  }
  if (!line.unionid.empty()) {
    TRY(const UnionidRow* found, rows.find<UnionidRow>(act.project, line.family, line.unionid));
    if (found) {
      named.known_unionid = true;
      TRY(const UserRow* user, rows.find<UserRow>(found->user));
      add(user, "unionid");
    }
  }
  if (!named.refusal.empty()) return named;
  if (named.identity && !named.identity->unionid.empty() && !line.unionid.empty() && named.identity->unionid != line.unionid) {
    named.refusal = "the openid is known with another unionid";
  }
  const bool other_id = named.user && named.user->external_id && !line.external_id.empty() && *named.user->external_id != line.external_id;
  if (other_id) named.refusal = "the user has another external_id";
  return named;
}

/// The row as the line wants it; nullopt: the number is another user's, and it must be the only one's.
Result<std::optional<UserRow>> wished(Rows& rows, const core::ImportUsers& act, const ImportUser& line, const UserRow* user) {
  UserRow row;
  if (user) {
    row = *user;
  } else {
    row.id = line.new_user;
    row.version = 1;
    row.project = act.project;
    row.created_at = line.created_at.value_or(act.now);
  }
  if (!line.external_id.empty()) row.external_id = line.external_id;
  if (line.roles) row.roles = join(*line.roles);
  row.registered = line.registered.value_or(row.registered);
  // What a user has said of themself is theirs.
  if (row.profile_at == Time{}) {
    row.nickname = line.nickname.value_or(row.nickname);
    if (!row.avatar_hash) row.avatar_url = line.avatar_url.value_or(row.avatar_url);
    row.attributes = line.attributes.value_or(row.attributes);
  }
  const Bytes index{line.phone_index};
  const bool has_it = row.phone_index && (row.phone_index == index || std::ranges::find(line.older_phone_indexes, row.phone_index->raw) != line.older_phone_indexes.end());
  if (line.phone_index.empty() || row.phone_at != Time{} || has_it) return std::optional(std::move(row));
  if (line.phone_unique) {
    TRY(const auto others, others_with_phone(rows, act.project, line.phone_index, line.older_phone_indexes, row.id, true));
    if (!others.empty()) return std::nullopt;
  }
  TRY(auto sealed, line.seal_phone(row.id));
  row.phone_sealed = Bytes{std::move(sealed)};
  row.phone_index = index;
  return std::optional(std::move(row));
}

bool is_same(const UserRow& one, const UserRow& other) { return key_text(detail::cells_of(one)) == key_text(detail::cells_of(other)); }

void link_line(Rows& rows, const core::ImportUsers& act, const ImportUser& line, const Named& named, const Id& user) {
  if (line.identity && !named.identity) {
    IdentityRow identity;
    identity.provider = line.identity->provider;
    identity.app_id = line.identity->app_id;
    identity.subject = line.identity->subject;
    identity.user = user;
    identity.unionid = line.unionid;
    identity.created_at = act.now;
    rows.insert(std::move(identity));
  } else if (named.identity && named.identity->unionid.empty() && !line.unionid.empty()) {
    rows.change(*named.identity).unionid = line.unionid;
  }
  if (!line.unionid.empty() && !named.known_unionid) rows.insert(UnionidRow{act.project, line.family, line.unionid, user});
}

Result<ImportedUser> import_one(ActContext& context, const core::ImportUsers& act, const ImportUser& line, std::vector<core::Revocation>& made) {
  Rows& rows = context.rows;
  TRY(const Named named, who_is(rows, act, line));
  if (!named.refusal.empty()) return refused_line(named.refusal);
  if (!named.user && named.identity) return refused_line("the openid belongs to a user who is gone");
  TRY(auto row, wished(rows, act, line, named.user));
  if (!row) return refused_line("another user of the project has this phone number");
  const bool names_identity = named.identity && named.identity->unionid.empty() && !line.unionid.empty();
  const bool links = (line.identity && !named.identity) || names_identity || (!line.unionid.empty() && !named.known_unionid);
  const Id user = row->id;
  if (!named.user) {
    rows.insert(std::move(*row));
    link_line(rows, act, line, named, user);
    TRY(note(context, act, user, true));
    return ImportedUser{ImportKind::created, user, {}};
  }
  if (!links && is_same(*row, *named.user)) {
    // The same act again, after its answer was lost, has made them itself.
    return ImportedUser{context.again && user == line.new_user ? ImportKind::created : ImportKind::unchanged, user, {}};
  }
  const bool rights = row->external_id != named.user->external_id || row->roles != named.user->roles || row->registered != named.user->registered;
  UserRow& changed = rows.change(*named.user);
  row->version = changed.version;
  changed = std::move(*row);
  link_line(rows, act, line, named, user);
  if (rights) {
    TRY(outdate_tickets(context, user, act.now, act.revocations_until, made));
  }
  if (line.identity) {
    TRY(tell_unionid(context, {user, line.app, line.identity->subject, line.unionid}, act.now, act.revocations_until, made));
  }
  TRY(note(context, act, user, false));
  return ImportedUser{ImportKind::updated, user, {}};
}

}  // namespace

Result<Imported> import_users(ActContext& context, const core::ImportUsers& act) {
  TRY(expect_all(context.rows, act));
  Imported imported;
  std::vector<core::Revocation> before;  // not to be taken for what this run makes
  for (const ImportUser& line : act.users) {
    TRY(auto one, import_one(context, act, line, imported.revocations));
    if (context.again && one.kind == ImportKind::unchanged) {
      TRY(const auto of_one, revocations_of(context.rows, one.user));
      before.insert(before.end(), of_one.begin(), of_one.end());
    }
    imported.users.push_back(std::move(one));
  }
  imported.revocations.insert(imported.revocations.end(), before.begin(), before.end());
  return imported;
}

Task<Result<Imported>> SqlDirectory::import_users(core::ImportUsers act) {
  if (act.dry_run) return undone(queue_, std::move(act));
  return queue_.write<Imported>([act = std::move(act)](ActContext& context) { return store::import_users(context, act); });
}

// An act that is refused leaves nothing behind: so it is done, looked at, and refused.
Task<Result<Imported>> SqlDirectory::undone(ActQueue queue, core::ImportUsers act) {
  const auto seen = std::make_shared<std::optional<Imported>>();
  std::function<Result<void>(ActContext&)> work = [seen, act = std::move(act)](ActContext& context) -> Result<> {
    seen->reset();
    TRY(auto imported, store::import_users(context, act));
    imported.revocations.clear();
    *seen = std::move(imported);
    return make_error(ErrorCode::conflict, "a dry run");
  };
  auto doing = queue.write<void>(std::move(work));
  auto done = co_await std::move(doing);
  if (*seen) co_return std::move(**seen);
  co_return done.error();
}

}  // namespace kaimen::store

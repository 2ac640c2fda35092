#include "store/records.h"

#include <algorithm>
#include <tuple>

#include "store/journal.h"

namespace kaimen::store {

using core::Revocation;

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ',';
    text += item;
  }
  return text;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    items.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

core::User user_of(const UserRow& row) {
  core::User user;
  user.id = row.id;
  user.project = row.project;
  user.external_id = row.external_id.value_or("");
  user.registered = row.registered;
  for (const auto& item : split(row.agreed)) {
    const size_t equals = item.find('=');
    user.agreed.push_back({item.substr(0, equals), item.substr(equals + 1)});
  }
  user.nickname = row.nickname;
  user.avatar_url = row.avatar_url;
  if (row.avatar_hash) user.avatar_hash = row.avatar_hash->raw;
  user.gender = row.gender;
  user.language = row.language;
  user.country = row.country;
  user.province = row.province;
  user.city = row.city;
  if (row.phone_sealed) user.phone_sealed = row.phone_sealed->raw;
  user.roles = split(row.roles);
  user.attributes = row.attributes;
  user.created_at = row.created_at;
  user.disabled = row.state == UserState::disabled;
  user.leaving = row.state == UserState::leaving;
  user.disabled_until = row.disabled_until;
  user.disabled_message = row.disabled_message;
  return user;
}

core::Session session_of(const SessionRow& row) {
  core::Session session;
  session.id = row.id;
  session.user = row.user;
  session.app = row.app;
  session.openid = row.openid;
  session.unionid = row.unionid;
  session.env = row.env;
  session.generation = row.generation;
  session.renew_generation = row.renew_generation;
  session.generation_issued_at = row.generation_issued_at;
  session.created_at = row.created_at;
  session.idle_expires_at = row.idle_expires_at;
  session.absolute_expires_at = row.absolute_expires_at;
  session.device = {row.device_id, row.device_model, row.device_system, row.device_platform};
  session.parent = row.parent;
  session.actor = row.actor;
  session.entry = row.entry;
  if (row.ended != Reason::none) session.ended = row.ended;
  return session;
}

Revocation revocation_of(const RevocationRow& row) { return {row.session, row.generation, row.reason, row.until}; }

void sort_by_age(std::vector<const SessionRow*>& sessions) {
  std::ranges::sort(sessions, [](const SessionRow* a, const SessionRow* b) {
    return std::tie(a->created_at, a->id) < std::tie(b->created_at, b->id);
  });
}

int64_t purge_day(Time end) { return std::chrono::floor<std::chrono::days>(end + kSessionsKept).time_since_epoch().count(); }

Result<const UserRow*> existing_user(Rows& rows, const Id& id) {
  TRY(const UserRow* user, rows.find<UserRow>(id));
  if (!user || user->state == UserState::deleted) return make_error(ErrorCode::not_found, "no such user");
  return user;
}

std::vector<Id> family_of(const std::vector<const SessionRow*>& open, const std::optional<Id>& session) {
  std::vector<Id> family;
  if (!session) return family;
  family.push_back(*session);
  for (const SessionRow* one : open) {
    if (one->id == *session && one->parent) family.push_back(*one->parent);
    if (one->parent == session) family.push_back(one->id);
  }
  return family;
}

Result<> lift_disablement(Rows& rows, const UserRow& row) {
  TRY(const DeletionRow* leaving, rows.find<DeletionRow>(row.id));
  UserRow& user = rows.change(row);
  user.state = leaving ? UserState::leaving : UserState::active;
  user.disabled_until = leaving ? std::optional(leaving->due_at) : std::nullopt;
  user.disabled_message.clear();
  return ok();
}

void empty_out(UserRow& row) {
  UserRow left;
  left.id = row.id;
  left.version = row.version;
  left.project = row.project;
  left.created_at = row.created_at;
  left.state = UserState::deleted;
  row = std::move(left);
}

bool admit(Rows& rows, const UserRow& row, Time now) {
  const bool over = is_over(row, now);
  if (row.state != UserState::active && !over) return false;
  if (over) {
    // Who was leaving when the disablement came still is. (Where the row has to be fetched first, the act runs again.)
    const auto waiting = rows.find<DeletionRow>(row.id);
    if (!waiting || waiting.value()) return false;
  }
  UserRow& user = rows.change(row);
  user.state = UserState::active;
  if (over) {
    user.disabled_until.reset();
    user.disabled_message.clear();
  }
  return true;
}

Error user_refusal(const UserRow& row) {
  Error error = make_error(ErrorCode::forbidden, "the user is not active");
  error.reason = row.state == UserState::disabled ? Reason::disabled : Reason::deleted;
  error.until = row.disabled_until;
  error.message = row.disabled_message;
  return error;
}

Result<> end_alone(ActContext& context, const SessionRow& row, Reason reason, Time now, Time until, std::vector<Revocation>& made) {
  if (row.ended != Reason::none) return ok();  // with its parent, a moment ago
  TRY(revoke(context, {row.id, kAllGenerations, reason, until}, made));
  SessionRow& session = context.rows.change(row);
  session.ended = reason;
  session.ended_at = now;
  session.purge_day = purge_day(now);
  TRY(const UserRow* user, context.rows.find<UserRow>(session.user));
  if (!user) return ok();
  return tell(context, now, {"session.ended", user->project, session.user, session.app, session.id, reason});
}

Result<> end_one(ActContext& context, const SessionRow& row, Reason reason, Time now, Time until, std::vector<Revocation>& made) {
  TRY(end_alone(context, row, reason, now, until, made));
  if (row.parent) return ok();
  TRY(const auto open, context.rows.list(kOpenSessionsOfUser, row.user));
  for (const SessionRow* child : open) {
    if (child->parent != row.id) continue;
    TRY(end_alone(context, *child, reason, now, until, made));
  }
  return ok();
}

namespace {

Result<> outdate_session(ActContext& context, const SessionRow& session, Time now, Time until, std::vector<Revocation>& made) {
  // The last generation that can be told from "all": such a session must begin anew.
  if (session.generation >= kAllGenerations - 1) return end_one(context, session, Reason::expired, now, until, made);
  TRY(revoke(context, {session.id, session.generation, Reason::renew, until}, made));
  context.rows.change(session).generation += 1;
  return ok();
}

}  // namespace

Result<> outdate_tickets(ActContext& context, const Id& user, Time now, Time until, std::vector<Revocation>& made) {
  TRY(const auto open, context.rows.list(kOpenSessionsOfUser, user));
  expect_ends(context.rows, open);
  for (const SessionRow* session : open) {
    if (!is_live(*session, now)) continue;
    TRY(outdate_session(context, *session, now, until, made));
  }
  return ok();
}

Result<> tell_unionid(ActContext& context, const KnownUnionid& known, Time now, Time until, std::vector<Revocation>& made) {
  if (known.unionid.empty()) return ok();
  TRY(auto lacking, context.rows.list(kOpenSessionsOfUser, known.user));
  std::erase_if(lacking, [&known, now](const SessionRow* session) {
    return session->app != known.app || session->openid != known.openid || session->unionid == known.unionid || !is_live(*session, now);
  });
  expect_ends(context.rows, lacking);
  for (const SessionRow* session : lacking) {
    context.rows.change(*session).unionid = known.unionid;
    // A merge or a registration within the same act has outdated them already.
    if (std::ranges::find(made, session->id, &Revocation::session) != made.end()) continue;
    TRY(outdate_session(context, *session, now, until, made));
  }
  return ok();
}

void expect_ends(Rows& rows, const std::vector<const SessionRow*>& sessions) {
  for (const SessionRow* session : sessions) rows.expect<RevocationRow>(session->id);
}

// The higher generation wins, among equals the first reason, and the time only grows: as check::Revocations does it in memory.
Result<> revoke(ActContext& context, const Revocation& revocation, std::vector<Revocation>& made) {
  TRY(const RevocationRow* before, context.rows.find<RevocationRow>(revocation.session));
  const Time stamp = context.clock.now();
  if (!before) {
    context.rows.insert(RevocationRow{revocation.session, revocation.generation, revocation.reason, revocation.until, stamp});
  } else {
    RevocationRow& row = context.rows.change(*before);
    if (revocation.generation > row.generation) row.reason = revocation.reason;
    row.generation = std::max(row.generation, revocation.generation);
    row.until = std::max(row.until, revocation.until);
    row.stamped_at = stamp;
  }
  made.push_back(revocation);
  return ok();
}

Result<std::vector<Revocation>> revocations_of(Rows& rows, const Id& user) {
  TRY(const auto sessions, rows.list(kSessionsOfUser, user));
  expect_ends(rows, sessions);
  std::vector<Revocation> found;
  for (const SessionRow* session : sessions) {
    TRY(const RevocationRow* row, rows.find<RevocationRow>(session->id));
    if (row) found.push_back(revocation_of(*row));
  }
  return found;
}

Result<> write_event(ActContext& context, Time now, const Event& event) {
  TRY(const Id id, Id::make(now, context.random));
  EventRow row;
  row.id = id;
  row.at = now;
  row.kind = event.kind;
  row.app = event.app;
  row.user = event.user;
  row.session = event.session;
  row.reason = event.reason;
  row.project = event.project;
  row.actor = event.source.actor;
  row.ip = event.source.ip;
  row.detail = event.detail;
  row.request_id = event.source.request_id;
  context.rows.insert(std::move(row));
  const std::string_view told = event.user ? told_kind(event.kind) : std::string_view();
  if (told.empty()) return ok();
  return tell(context, now, {told, event.project, *event.user, event.app, event.session, event.reason, event.detail});
}

Result<> expect_project(Rows& rows, const std::string& name) {
  TRY(const ProjectRow* project, rows.find<ProjectRow>(name));
  if (!project) return make_error(ErrorCode::invalid_request, "there is no project of that name");
  return ok();
}

Id first_id_at(Time time) {
  Id id;
  const auto ms = static_cast<uint64_t>(std::max<int64_t>(epoch_ms(time), 0));
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(ms >> (8 * (5 - i)));
  return id;
}

Result<> count_configuration(Rows& rows) {
  TRY(const MetaRow* row, rows.find<MetaRow>("configuration"));
  if (row) {
    rows.touch(*row);
  } else {
    rows.insert(MetaRow{"configuration", 1, 0});
  }
  return ok();
}

Result<int64_t> configuration(Rows& rows) {
  TRY(const MetaRow* row, rows.find<MetaRow>("configuration"));
  return row ? row->version : 0;
}

}  // namespace kaimen::store

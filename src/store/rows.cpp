#include "store/rows.h"

#include <algorithm>
#include <tuple>

namespace kaimen::store {

using core::Revocation;
using core::Session;

namespace {

#define KAIMEN_SESSION_COLUMNS                                                                                                       \
  "id, user_id, app, openid, unionid, env, generation, generation_issued_at, created_at, idle_expires_at, absolute_expires_at, "     \
  "device_id, device_model, device_system, device_platform, ended"

Session session_of(const Statement& row) {
  Session session;
  session.id = row.id(0);
  session.user = row.id(1);
  session.app = row.number(2);
  session.openid = row.text(3);
  session.unionid = row.text(4);
  session.env = static_cast<core::Env>(row.integer(5));
  session.generation = row.number(6);
  session.generation_issued_at = row.time(7);
  session.created_at = row.time(8);
  session.idle_expires_at = row.time(9);
  session.absolute_expires_at = row.time(10);
  session.device = {row.text(11), row.text(12), row.text(13), row.text(14)};
  if (row.integer(15) != 0) session.ended = static_cast<Reason>(row.integer(15));
  return session;
}

}  // namespace

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

Result<std::optional<UserRow>> read_user(Database& db, const Id& id) {
  Statement row(db,
                "SELECT project, state, disabled_until, disabled_message, registered, external_id, nickname, avatar_url, gender, language, "
                "country, province, city, phone_sealed, roles, attributes, created_at FROM users WHERE id = ?");
  TRY(const bool found, row.bind(id).step());
  if (!found) return std::nullopt;
  UserRow result;
  core::User& user = result.user;
  user.id = id;
  user.project = row.text(0);
  result.state = static_cast<UserState>(row.integer(1));
  user.disabled = result.state == UserState::disabled;
  user.disabled_until = row.optional_time(2);
  user.disabled_message = row.text(3);
  user.registered = row.flag(4);
  user.external_id = row.text(5);
  user.nickname = row.text(6);
  user.avatar_url = row.text(7);
  user.gender = static_cast<int>(row.integer(8));
  user.language = row.text(9);
  user.country = row.text(10);
  user.province = row.text(11);
  user.city = row.text(12);
  user.phone_sealed = row.text(13);
  user.roles = split(row.text(14));
  user.attributes = row.text(15);
  user.created_at = row.time(16);
  return result;
}

Result<std::optional<Session>> read_session(Database& db, const Id& id) {
  Statement row(db, "SELECT " KAIMEN_SESSION_COLUMNS " FROM sessions WHERE id = ?");
  TRY(const bool found, row.bind(id).step());
  if (!found) return std::nullopt;
  return session_of(row);
}

Result<std::vector<Session>> read_open_sessions(Database& db, const Id& user) {
  Statement row(db, "SELECT " KAIMEN_SESSION_COLUMNS " FROM sessions WHERE user_id = ? AND ended = 0");
  row.bind(user);
  std::vector<Session> sessions;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) break;
    sessions.push_back(session_of(row));
  }
  std::ranges::sort(sessions, [](const Session& a, const Session& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return sessions;
}

int64_t purge_day(Time end) { return std::chrono::floor<std::chrono::days>(end + kSessionsKept).time_since_epoch().count(); }

Result<bool> touch_active_user(Database& db, const Id& id, Time now) {
  TRY(const int64_t active, db.run("UPDATE users SET version = version + 1 WHERE id = ? AND state = 0", id));
  if (active != 0) return true;
  TRY(const int64_t lifted, db.run("UPDATE users SET version = version + 1, state = 0, disabled_until = NULL, disabled_message = '' "
                                   "WHERE id = ? AND state = 1 AND disabled_until <= ?",
                                   id, now));
  return lifted != 0;
}

Result<> touch_user(Database& db, const Id& id) {
  TRY(db.run("UPDATE users SET version = version + 1 WHERE id = ?", id));
  return ok();
}

Error user_refusal(const UserRow& row) {
  Error error = make_error(ErrorCode::forbidden, "the user is not active");
  error.reason = row.state == UserState::deleted ? Reason::deleted : Reason::disabled;
  error.until = row.user.disabled_until;
  error.message = row.user.disabled_message;
  return error;
}

Result<> end_one(Database& db, const Id& session, Reason reason, Time now, Time until, std::vector<Revocation>& made) {
  TRY(db.run("UPDATE sessions SET ended = ?, ended_at = ?, purge_day = ? WHERE id = ?", static_cast<int>(reason), now, purge_day(now),
             session));
  return revoke(db, {session, kAllGenerations, reason, until}, made);
}

// The higher generation wins, among equals the first reason, and the time only grows: as check::Revocations does it in memory.
Result<> revoke(Database& db, const Revocation& revocation, std::vector<Revocation>& made) {
  TRY(db.run("INSERT INTO revocations (session_id, generation, reason, until) VALUES (?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET "
             "reason = CASE WHEN excluded.generation > generation THEN excluded.reason ELSE reason END, "
             "generation = max(generation, excluded.generation), until = max(until, excluded.until)",
             revocation.session, revocation.generation, static_cast<int>(revocation.reason), revocation.until));
  made.push_back(revocation);
  return ok();
}

Result<> write_event(ActContext& context, Time now, const Event& event) {
  TRY(const Id id, Id::make(now, context.random));
  TRY(context.db.run("INSERT INTO events (id, at, kind, app, user_id, session_id, reason, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                     id, now, event.kind, event.app, event.user, event.session, static_cast<int>(event.reason), event.request_id));
  return ok();
}

}  // namespace kaimen::store

#include "plain_sql.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kaimen::bench {

namespace {

constexpr int64_t kDay = 86'400'000;
const std::string kSealedKey(60, 'k'), kKeyIndex(32, 'i');  // the sizes of what the vault makes of a session_key

void bind_one(sqlite3_stmt* statement, int at, int64_t value) { sqlite3_bind_int64(statement, at, value); }
void bind_one(sqlite3_stmt* statement, int at, const Id& id) { sqlite3_bind_blob(statement, at, id.bytes.data(), 16, SQLITE_STATIC); }
void bind_one(sqlite3_stmt* statement, int at, const char* text) { sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC); }
void bind_one(sqlite3_stmt* statement, int at, const std::string& text) { sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC); }
struct Bytes {
  const std::string& bytes;
};
void bind_one(sqlite3_stmt* statement, int at, const Bytes& value) { sqlite3_bind_blob(statement, at, value.bytes.data(), static_cast<int>(value.bytes.size()), SQLITE_STATIC); }

}  // namespace

PlainSql::PlainSql(const std::string& path, bool durable) {
  sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  sqlite3_exec(handle_, durable ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768"
                                : "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144",
               nullptr, nullptr, nullptr);
  sqlite3_wal_autocheckpoint(handle_, 4000);
  begin_ = prepare("BEGIN IMMEDIATE");
  commit_ = prepare("COMMIT");
  find_identity_ = prepare("SELECT user_id, unionid, index1 FROM identities WHERE provider = 'wechat' AND app_id = ? AND subject = ? AND tenant = ''");
  add_user_ = prepare("INSERT INTO users (id, version, project, created_at) VALUES (?, 1, 'default', ?)");
  add_identity_ = prepare("INSERT INTO identities (provider, app_id, subject, tenant, user_id, unionid, key1, index1, created_at) "
                          "VALUES ('wechat', ?, ?, '', ?, '', ?, ?, ?)");
  add_session_ = prepare("INSERT INTO sessions (id, user_id, app, openid, unionid, env, generation, renew_generation, generation_issued_at, created_at, "
                         "idle_expires_at, absolute_expires_at, device_id, device_model, device_system, device_platform, actor, entry, purge_day) "
                         "VALUES (?, ?, ?, ?, '', 0, 0, 0, ?, ?, ?, ?, '', '', '', '', '', '', ?)");
  add_code_ = prepare("INSERT INTO codes (app, code_hash, state, owner, error, session_id, attempt, is_new_user, recorded_at) VALUES (?, ?, 0, ?, 0, ?, '', 1, ?)");
  add_event_ = prepare("INSERT INTO events (id, at, kind, app, user_id, session_id, reason, project, actor, ip, detail, request_id) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?, 'default', '', '', '', '0123456789abcdef0123456789abcdef')");
  find_session_ = prepare("SELECT user_id, app, openid, unionid, env, generation, generation_issued_at, created_at, idle_expires_at, absolute_expires_at, "
                          "device_id, ended FROM sessions WHERE id = ?");
  touch_user_ = prepare("UPDATE users SET version = version + 1 WHERE id = ? AND state = 0");
  find_user_ = prepare("SELECT project, registered, external_id, nickname, avatar_url, gender, roles, attributes, created_at FROM users WHERE id = ?");
  renew_session_ = prepare("UPDATE sessions SET generation = generation + 1, renew_generation = renew_generation + 1, generation_issued_at = ?, idle_expires_at = ?, purge_day = ? WHERE id = ?");
  end_session_ = prepare("UPDATE sessions SET ended = 8, ended_at = ?, purge_day = ? WHERE id = ?");
  add_revocation_ = prepare("INSERT INTO revocations (session_id, generation, reason, until, stamped_at) VALUES (?, 4294967295, 8, ?, 0)");
}

PlainSql::~PlainSql() {
  for (auto* statement : all_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

sqlite3_stmt* PlainSql::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    std::fprintf(stderr, "error: %s: %s\n", sql, sqlite3_errmsg(handle_));
    std::exit(1);
  }
  all_.push_back(statement);
  return statement;
}

template <class... Values>
void PlainSql::bind(sqlite3_stmt* statement, const Values&... values) {
  int at = 0;
  (bind_one(statement, ++at, values), ...);
}

// True: a row was there; its columns hold until the statement runs again.
bool PlainSql::run(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    std::fprintf(stderr, "error: %s: %s\n", sqlite3_sql(statement), sqlite3_errmsg(handle_));
    std::exit(1);
  }
  if (code == SQLITE_DONE) sqlite3_reset(statement);
  return code == SQLITE_ROW;
}

Id PlainSql::make_id(int64_t now) {
  Id id;
  for (size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<uint8_t>(now >> (40 - 8 * i));
  noise_ ^= noise_ << 13;
  noise_ ^= noise_ >> 7;
  noise_ ^= noise_ << 17;
  std::memcpy(id.bytes.data() + 8, &noise_, 8);
  return id;
}

void PlainSql::login(uint32_t app, const std::string& app_id, const std::string& openid, const std::string& code_hash, int64_t now) {
  bind(find_identity_, app_id, openid);
  if (run(find_identity_)) {
    std::fprintf(stderr, "error: %s logs in twice\n", openid.c_str());
    std::exit(1);
  }
  const Id user = make_id(now), owner = make_id(now), event = make_id(now);
  last_session_ = make_id(now);
  bind(add_user_, user, now);
  run(add_user_);
  bind(add_identity_, app_id, openid, user, Bytes{kSealedKey}, Bytes{kKeyIndex}, now);
  run(add_identity_);
  bind(add_session_, last_session_, user, int64_t{app}, openid, now, now, now + 30 * kDay, now + 180 * kDay, now / kDay + 60);
  run(add_session_);
  bind(add_code_, int64_t{app}, Bytes{code_hash}, owner, last_session_, now);
  run(add_code_);
  bind(add_event_, event, now, "login_new_user", int64_t{app}, user, last_session_, int64_t{0});
  run(add_event_);
}

void PlainSql::renew(const Id& session, int64_t now) {
  bind(find_session_, session);
  run(find_session_);
  const Id user = *Id::from_raw({static_cast<const char*>(sqlite3_column_blob(find_session_, 0)), 16});
  sqlite3_reset(find_session_);
  bind(touch_user_, user);
  run(touch_user_);
  bind(find_user_, user);
  run(find_user_);
  sqlite3_reset(find_user_);
  bind(renew_session_, now, now + 30 * kDay, now / kDay + 60, session);
  run(renew_session_);
}

void PlainSql::end(const Id& session, int64_t now) {
  bind(find_session_, session);
  run(find_session_);
  const Id user = *Id::from_raw({static_cast<const char*>(sqlite3_column_blob(find_session_, 0)), 16});
  const int64_t app = sqlite3_column_int64(find_session_, 1);
  sqlite3_reset(find_session_);
  bind(touch_user_, user);
  run(touch_user_);
  bind(end_session_, now, now / kDay + 30, session);
  run(end_session_);
  bind(add_revocation_, session, now + kDay);
  run(add_revocation_);
  const Id event = make_id(now);
  bind(add_event_, event, now, "session_ended", app, user, session, int64_t{8});
  run(add_event_);
}

}  // namespace kaimen::bench

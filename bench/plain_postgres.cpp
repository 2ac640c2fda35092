// Prepared statements in libpq's pipeline mode, values in binary: one row as parameters, several as arrays that are unnested.
#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "acts.h"
#include "plain_engine.h"
#include "store/postgres_sql.h"

namespace kaimen::bench {

namespace {

using store::Cell;

const std::string kSealedKey(60, 'k'), kKeyIndex(32, 'i');  // the sizes of what the vault makes of a session_key
constexpr const char* kTypes[] = {"int8", "text", "bytea"};

Cell bytes(std::string_view raw) { return Cell{store::Kind::bytes, false, 0, raw}; }
Cell text(std::string_view raw) { return Cell{store::Kind::text, false, 0, raw}; }

/// "{1}", "{2}" … in `sql` become what is given for each row, {now} the time; {rows} the rows themselves.
std::string with_values(std::string sql, std::initializer_list<store::Kind> kinds, bool one_row) {
  const auto replace = [&](const std::string& what, const std::string& with) {
    for (size_t at; (at = sql.find(what)) != std::string::npos;) sql.replace(at, what.size(), with);
  };
  std::string arrays, names;
  size_t number = 0;
  for (const auto kind : kinds) {
    const std::string n = std::to_string(++number), type = kTypes[static_cast<size_t>(kind)];
    replace("{" + n + "}", one_row ? "$" + n + "::" + type : "v.g" + n);
    arrays += (number == 1 ? "$" : ", $") + n + "::" + type + "[]";
    names += (number == 1 ? "g" : ", g") + n;
  }
  replace("{now}", "$" + std::to_string(number + 1) + "::int8");
  replace("{rows}", one_row ? "(SELECT 1) AS v" : "unnest(" + arrays + ") AS v (" + names + ")");
  return sql;
}

class PlainPostgres final : public PlainEngine {
 public:
  explicit PlainPostgres(const std::string& url) : line_(PQconnectdb(url.c_str())) {
    if (PQstatus(line_) != CONNECTION_OK) fail();
    PQclear(PQexec(line_, "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; "
                          "SET enable_mergejoin = off; SET jit = off"));
    using enum store::Kind;
    const std::string app = std::to_string(kApp), app_id = std::string("'") + kAppId + "'";
    const std::string day = "{now} + 86400000::int8 * ";
    prepare("claim", "INSERT INTO codes (app, code_hash, state, owner, error, session_id, attempt, is_new_user, recorded_at) "
                     "SELECT " + app + ", {1}, 1, {2}, 0, '\\x00000000000000000000000000000000'::bytea, '', 0, {now} FROM {rows}",
            {bytes, bytes});
    // The whole key is given for each row: of a prefix that is the same for all, the server would read every row that has it.
    prepare("find", "SELECT t.user_id, t.unionid, t.index1 FROM {rows} JOIN identities AS t ON t.provider = {1} AND t.app_id = {2} "
                    "AND t.subject = {3} AND t.tenant = {4} WHERE {now} > 0", {text, text, text, text});
    prepare("user", "INSERT INTO users (id, version, project, created_at) SELECT {1}, 1, 'default', {now} FROM {rows}", {bytes});
    prepare("identity", "INSERT INTO identities (provider, app_id, subject, tenant, user_id, unionid, key1, index1, created_at) "
                        "SELECT 'wechat', " + app_id + ", {1}, '', {2}, '', {3}, {4}, {now} FROM {rows}", {text, bytes, bytes, bytes});
    prepare("session", "INSERT INTO sessions (id, user_id, app, openid, unionid, env, generation, renew_generation, generation_issued_at, created_at, "
                       "idle_expires_at, absolute_expires_at, device_id, device_model, device_system, device_platform, actor, entry, purge_day) "
                       "SELECT {1}, {2}, " + app + ", {3}, '', 0, 0, 0, {now}, {now}, " + day + "30, " + day +
                       "180, '', '', '', '', '', '', {now} / 86400000 + 60 FROM {rows}", {bytes, bytes, text});
    prepare("code", "UPDATE codes AS t SET state = 0, session_id = {3}, is_new_user = 1, recorded_at = {now} FROM {rows} "
                    "WHERE t.app = {4} AND t.code_hash = {1} AND t.owner = {2}", {bytes, bytes, bytes, integer});
    prepare("event", "INSERT INTO events (id, at, kind, app, user_id, session_id, reason, project, actor, ip, detail, request_id) "
                     "SELECT {1}, {now}, 'login_new_user', " + app + ", {2}, {3}, 0, 'default', '', '', '', '0123456789abcdef0123456789abcdef' FROM {rows}",
            {bytes, bytes, bytes});
    if (PQenterPipelineMode(line_) != 1) fail();
  }
  ~PlainPostgres() override { PQfinish(line_); }

  void claim(std::span<const PlainLogin> logins, int64_t now) override {
    plain("BEGIN");
    send("claim", logins, now, [](const PlainLogin& login, auto& cells) {
      cells.push_back(bytes(login.code_hash));
      cells.push_back(bytes(login.owner.raw()));
    });
    plain("COMMIT");
    finish();
  }

  void login(std::span<const PlainLogin> logins, int64_t now) override {
    plain("BEGIN");
    send("find", logins, now, [](const PlainLogin& login, auto& cells) {
      cells.insert(cells.end(), {text("wechat"), text(kAppId), text(login.openid), text("")});
    });
    finish();
    send("user", logins, now, [](const PlainLogin& login, auto& cells) { cells.push_back(bytes(login.user.raw())); });
    send("identity", logins, now, [](const PlainLogin& login, auto& cells) {
      cells.insert(cells.end(), {text(login.openid), bytes(login.user.raw()), bytes(kSealedKey), bytes(kKeyIndex)});
    });
    send("code", logins, now, [](const PlainLogin& login, auto& cells) {
      cells.insert(cells.end(), {bytes(login.code_hash), bytes(login.owner.raw()), bytes(login.session.raw()), store::cell_of(kApp)});
    });
    send("session", logins, now, [](const PlainLogin& login, auto& cells) {
      cells.insert(cells.end(), {bytes(login.session.raw()), bytes(login.user.raw()), text(login.openid)});
    });
    send("event", logins, now, [](const PlainLogin& login, auto& cells) {
      cells.insert(cells.end(), {bytes(login.event.raw()), bytes(login.user.raw()), bytes(login.session.raw())});
    });
    plain("COMMIT");
    finish();
  }

 private:
  [[noreturn]] void fail() const {
    std::fprintf(stderr, "error: %s\n", PQerrorMessage(line_));
    std::exit(1);
  }

  void prepare(const std::string& name, const std::string& sql, std::initializer_list<store::Kind> kinds) {
    for (const bool one_row : {true, false}) {
      const std::string text = with_values(sql, kinds, one_row);
      PGresult* const result = PQprepare(line_, (name + (one_row ? "1" : "n")).c_str(), text.c_str(), 0, nullptr);
      if (PQresultStatus(result) != PGRES_COMMAND_OK) fail();
      PQclear(result);
    }
  }
  void plain(const char* sql) {
    if (PQsendQueryParams(line_, sql, 0, nullptr, nullptr, nullptr, nullptr, 1) != 1) fail();
    ++awaited_;
  }
  template <class Cells>
  void send(const std::string& name, std::span<const PlainLogin> logins, int64_t now, const Cells& cells_of) {
    cells_.clear();
    for (const PlainLogin& login : logins) cells_of(login, cells_);
    values_.clear();
    values_.add_rows(cells_, cells_.size() / logins.size());
    values_.add(now);
    if (PQsendQueryPrepared(line_, (name + (logins.size() == 1 ? "1" : "n")).c_str(), values_.count(), values_.pointers(), values_.sizes(),
                            values_.formats(), 1) != 1) fail();
    ++awaited_;
  }
  void finish() {
    if (PQpipelineSync(line_) != 1) fail();
    for (; awaited_ > 0; --awaited_) {
      while (PGresult* const result = PQgetResult(line_)) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) fail();
        PQclear(result);
      }
    }
    PQclear(PQgetResult(line_));
  }

  PGconn* line_;
  std::vector<Cell> cells_;
  store::PostgresValues values_;
  size_t awaited_ = 0;
};

}  // namespace

std::unique_ptr<PlainEngine> open_plain_postgres(const std::string& url) { return std::make_unique<PlainPostgres>(url); }

}  // namespace kaimen::bench

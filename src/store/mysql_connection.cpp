#include "store/mysql_connection.h"

#include <mysql.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <mutex>
#include <utility>

namespace kaimen::store {

namespace {

constexpr unsigned kConnectSeconds = 2;
constexpr unsigned kAnswerSeconds = 6;         // longer than the server itself may wait for a lock or work on a statement
constexpr unsigned kMigrationSeconds = 3600;   // an ALTER of a large table is silent until it is done

// Of the server's errors in words, those that repeat values: an openid, a line of SQL.
bool quotes_values(unsigned number) {
  return number == 1062 || number == 1064 || number == 1292 || number == 1366 || number == 1367 || number == 1525 || number == 1586;
}

bool is_any(unsigned number, std::initializer_list<unsigned> of) { return std::find(of.begin(), of.end(), number) != of.end(); }

/// Settings of the session where the server has such a variable.
struct Setting {
  std::string_view variable, value;
  bool for_migrations;
};
constexpr Setting kSettings[] = {
    {"innodb_lock_wait_timeout", "3", true},   // less than for a statement: whoever only waits has met a conflict
    {"lock_wait_timeout", "3", false},         // a table that is being altered
    {"wait_timeout", "60", false},             // what a node leaves behind that is cut off
    {"max_statement_time", "5", false},        // MariaDB; seconds
    {"max_execution_time", "5000", false},     // MySQL, TiDB; milliseconds
    {"idle_transaction_timeout", "5", false},  // MariaDB: locks of a node that is cut off
    {"tidb_idle_transaction_timeout", "5", false},
    {"innodb_snapshot_isolation", "ON", true},  // MariaDB: an update of a row that changed since the snapshot fails
    {"tidb_txn_mode", "'optimistic'", false},   // TiDB: the same
    {"wsrep_sync_wait", "1", true},             // Galera: reads see what any node committed before
};

Error open_error(const MysqlUrl::Host* host, const std::string& why) {
  const std::string where = host ? host->name + ":" + std::to_string(host->port) : "the socket";
  return make_error(ErrorCode::unavailable, "mysql " + where + ": " + why);
}

}  // namespace

ErrorCode classify_mysql(unsigned number) {
  // Deadlock (and a Galera certification that failed), lock wait, unique keys, a row that changed since the snapshot, a table that changed,
  // XA deadlock, group replication's certification; TiDB's write conflicts and changed schemas; OceanBase's.
  if (is_any(number, {1213, 1205, 1062, 1586, 1020, 1412, 1614, 3101, 8002, 8005, 8022, 8027, 8028, 9007, 6002, 6005})) {
    return ErrorCode::conflict;
  }
  if (number == 2014) return ErrorCode::internal;  // commands out of order
  if (number >= 2000 && number < 3000) return ErrorCode::unavailable;  // the client library's: network, TLS, protocol
  // Memory, disk, files, full tables and logs.
  if (is_any(number, {1021, 1023, 1024, 1026, 1030, 1037, 1038, 1041, 1114, 1135, 1206, 1637, 1878})) return ErrorCode::unavailable;
  // Too many connections, no access, no database, no privilege, host blocked, shutting down, a network error on its side.
  if (is_any(number, {1040, 1042, 1043, 1044, 1045, 1049, 1053, 1129, 1130, 1142, 1143, 1158, 1159, 1160, 1161, 1184, 1203, 1226, 1227,
                      1698})) {
    return ErrorCode::unavailable;
  }
  // Not part of a Galera cluster's majority, only reads, a failed commit, interrupted, killed, out of time, off line, idle for too long.
  if (is_any(number, {1047, 1180, 1290, 1317, 1792, 1836, 1874, 1927, 1969, 3024, 3032, 3100, 3169, 4031})) return ErrorCode::unavailable;
  // TiDB: PD or TiKV out of reach or busy. OceanBase: out of time, not the leader.
  if ((number >= 9001 && number <= 9013) || is_any(number, {8229, 4012, 4038})) return ErrorCode::unavailable;
  return ErrorCode::internal;
}

void MysqlConnection::Close::operator()(st_mysql* handle) const { mysql_close(handle); }

Result<std::unique_ptr<MysqlConnection>> MysqlConnection::open(const MysqlUrl& url, const MysqlUrl::Host* host, Use use) {
  static std::once_flag once;
  std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });

  std::unique_ptr<st_mysql, Close> handle(mysql_init(nullptr));
  if (!handle) return make_error(ErrorCode::unavailable, "out of memory");
  const unsigned answer = use == Use::acts ? kAnswerSeconds : kMigrationSeconds;
  const unsigned protocol = host ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
  const unsigned no_files = 0;  // else a server could ask for any file of ours
  const my_bool encrypted = url.tls != MysqlUrl::Tls::off, verified = url.tls == MysqlUrl::Tls::verify;
  mysql_options(handle.get(), MYSQL_OPT_CONNECT_TIMEOUT, &kConnectSeconds);
  mysql_options(handle.get(), MYSQL_OPT_READ_TIMEOUT, &answer);
  mysql_options(handle.get(), MYSQL_OPT_WRITE_TIMEOUT, &answer);
  mysql_options(handle.get(), MYSQL_OPT_PROTOCOL, &protocol);
  mysql_options(handle.get(), MYSQL_OPT_LOCAL_INFILE, &no_files);
  mysql_options(handle.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options(handle.get(), MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verified);
  if (encrypted) {
    mysql_options(handle.get(), MYSQL_OPT_SSL_ENFORCE, &encrypted);
    mysql_options(handle.get(), MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
    if (!url.tls_ca.empty()) mysql_options(handle.get(), MYSQL_OPT_SSL_CA, url.tls_ca.c_str());
  }
  // To a server that is not known to be the right one a password is not sent in clear, though it asks for it.
  if (host && !verified) {
    mysql_optionsv(handle.get(), MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password");
  }
  // Rows matched are counted, not rows changed: an update may set what is there already.
  const unsigned long flags = CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS;  // NOLINT(google-runtime-int)
  if (!mysql_real_connect(handle.get(), host ? host->name.c_str() : nullptr, url.user.c_str(), url.password.reveal().c_str(),
                          url.database.c_str(), host ? host->port : 0, host ? nullptr : url.socket.c_str(), flags)) {
    return open_error(host, std::to_string(mysql_errno(handle.get())) + ": " + mysql_error(handle.get()));
  }
  // The library goes on in clear where a server says that it has no TLS, unless it is to be verified.
  if (encrypted && !mysql_get_ssl_cipher(handle.get())) {
    return open_error(host, "the server has no TLS; where the network may be trusted, the URL says so with tls=off");
  }
  std::unique_ptr<MysqlConnection> connection(new MysqlConnection(std::move(handle)));
  if (auto ready = connection->set_up(use); !ready) return open_error(host, ready.error().detail);
  return connection;
}

Result<> MysqlConnection::set_up(Use use) {
  std::string names = "'read_only'";
  for (const Setting& setting : kSettings) ((names += ",'") += setting.variable) += '\'';
  std::map<std::string, std::string, std::less<>> has;
  TRY(run("SHOW VARIABLES WHERE Variable_name IN (" + names + ");",
          [&](size_t, std::span<const std::string_view> row) { has.emplace(row[0], row[1]); }));
  if (const auto found = has.find("read_only"); use != Use::reading && found != has.end() && found->second != "OFF" && found->second != "0") {
    return make_error(ErrorCode::unavailable, "the server only reads (a replica?)");
  }
  // Too long a text is an error, not cut. REPEATABLE READ is where reads of one transaction agree on every engine.
  std::string sql = "SET NAMES utf8mb4 COLLATE utf8mb4_bin;"
                    "SET SESSION sql_mode='STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION';"
                    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;SET SESSION autocommit=1;";
  for (const Setting& setting : kSettings) {
    if (!has.contains(setting.variable) || (use != Use::acts && !setting.for_migrations)) continue;
    (((sql += "SET SESSION ") += setting.variable) += '=') += setting.value;
    sql += ';';
  }
  sql += "SELECT 1;";  // a Galera node outside of the majority takes a SET, but this fails
  TRY(run(sql));
  return ok();
}

Result<std::vector<uint64_t>> MysqlConnection::run(std::string_view sql, const OnRow& on_row) {
  st_mysql* const handle = handle_.get();
  std::vector<uint64_t> counts;
  if (mysql_real_query(handle, sql.data(), sql.size()) != 0) return fail();
  for (;;) {
    MYSQL_RES* const result = mysql_use_result(handle);
    if (!result) {
      if (mysql_field_count(handle) != 0) return fail();
      counts.push_back(mysql_affected_rows(handle));
    } else {
      uint64_t rows = 0;
      values_.resize(mysql_num_fields(result));
      while (char** const row = mysql_fetch_row(result)) {
        const unsigned long* const sizes = mysql_fetch_lengths(result);  // NOLINT(google-runtime-int)
        for (size_t i = 0; i < values_.size(); ++i) values_[i] = row[i] ? std::string_view(row[i], sizes[i]) : std::string_view();
        if (on_row) on_row(counts.size(), values_);
        ++rows;
      }
      // Freed before the error is looked at: freeing what was not read to its end would read on.
      const bool broken = mysql_errno(handle) != 0;
      Error error = broken ? fail() : Error{};
      mysql_free_result(result);
      if (broken) return error;
      counts.push_back(rows);
    }
    const int next = mysql_next_result(handle);
    if (next > 0) return fail();
    if (next < 0) return counts;
  }
}

Error MysqlConnection::fail() {
  failed_with_ = mysql_errno(handle_.get());
  std::string detail = "mysql " + std::to_string(failed_with_);
  if (!quotes_values(failed_with_)) (detail += ": ") += mysql_error(handle_.get());
  return make_error(classify_mysql(failed_with_), std::move(detail));
}

// Gone, lost, lost in the middle; and what the server says as it hangs up: shutdown, killed, killed, idle for too long.
bool MysqlConnection::lost() const { return is_any(failed_with_, {2006, 2013, 2055, 1053, 1927, 3169, 4031}); }

bool MysqlConnection::waited_in_vain() const { return failed_with_ == 1205; }

bool MysqlConnection::lacks_privilege() const { return is_any(failed_with_, {1044, 1142, 1143, 1227, 1370}); }

}  // namespace kaimen::store

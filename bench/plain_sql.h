// What somebody would write by hand who wanted just these rows: prepared statements over one connection, as durable as the store's, with the
// transaction's size chosen by the caller. It checks nothing, so it is the price of the rows alone.
#pragma once

#include <sqlite3.h>

#include <string>
#include <vector>

#include "base/id.h"

namespace kaimen::bench {

class PlainSql {
 public:
  /// A file that has the store's schema already.
  explicit PlainSql(const std::string& path, bool durable = true);
  ~PlainSql();
  PlainSql(const PlainSql&) = delete;
  PlainSql& operator=(const PlainSql&) = delete;

  void begin() { run(begin_); }
  void commit() { run(commit_); }
  /// The first login of a user.
  void login(uint32_t app, const std::string& app_id, const std::string& openid, const std::string& code_hash, int64_t now);
  void renew(const Id& session, int64_t now);
  void end(const Id& session, int64_t now);
  /// The id of the last login's session.
  const Id& last_session() const { return last_session_; }

 private:
  sqlite3_stmt* prepare(const char* sql);
  template <class... Values>
  void bind(sqlite3_stmt* statement, const Values&... values);
  bool run(sqlite3_stmt* statement);
  Id make_id(int64_t now);

  sqlite3* handle_ = nullptr;
  std::vector<sqlite3_stmt*> all_;
  sqlite3_stmt *begin_, *commit_;
  sqlite3_stmt *find_identity_, *add_user_, *add_identity_, *add_session_, *add_code_, *add_event_;
  sqlite3_stmt *find_session_, *touch_user_, *find_user_, *renew_session_, *end_session_, *add_revocation_;
  uint64_t noise_ = 0x9e3779b97f4a7c15;
  Id last_session_;
};

}  // namespace kaimen::bench

// A thin layer over one libpq connection in pipeline mode: statements are queued with their values, sent together, and their answers read
// with a deadline. Nothing here waits without one, except for libpq's own connecting (bounded by connect_timeout a host) and name look-up.
//
// PgBouncer works in session mode. In transaction mode it does not: prepared statements and the session's settings (time-outs, how to plan)
// would belong to whatever server connection comes next. One thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "base/result.h"
#include "store/postgres_failure.h"
#include "store/postgres_sql.h"

struct pg_conn;    // libpq-fe.h belongs to the .cpp
struct pg_result;

namespace kaimen::store {

/// A statement, to be prepared on each connection where it is used. Known by its address.
struct PostgresStatement {
  PostgresSql sql;
  const TableInfo* table = nullptr;  ///< Whose columns its rows have; null: one number, or no rows that matter.
  bool many_rows = false;            ///< Rows come one by one instead of being gathered first.
  bool commits = false;              ///< It is the COMMIT.
};

class PostgresConnection {
 public:
  /// Connects to the first host of `url` that takes writes. Error: unavailable.
  static Result<std::unique_ptr<PostgresConnection>> open(const std::string& url);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  /// Whether the line can still be used, as far as this side knows without asking. Costs one poll.
  bool alive();

  /// Adds one use of `statement`, which must live as long as the connection. `sink` takes its rows, and must live until they were read.
  void queue(const PostgresStatement& statement, PostgresValues& values, const Sink* sink = nullptr);
  /// Sends what was queued and reads all answers. After the first error the server skips the rest.
  std::optional<PostgresFailure> run(Deadline deadline);
  /// Sends what was queued; the next run reads the answers, and passes over errors among them.
  void send(Deadline deadline);

  /// Runs statements without values, all in one transaction unless they say otherwise. Not inside of a transaction.
  std::optional<PostgresFailure> script(const std::string& sql, Deadline deadline);

 private:
  struct Awaited {
    enum class What : uint8_t { parsed, answered, synced } what;
    const PostgresStatement* statement;
    const Sink* sink;
    bool ignored;
    bool commits() const { return what == What::answered && statement->commits; }
  };

  explicit PostgresConnection(pg_conn* line) : line_(line) {}
  std::optional<PostgresFailure> set_up();
  void awaits(Awaited::What what, const PostgresStatement* statement, const Sink* sink = nullptr);
  void synchronize();
  bool flush(Deadline deadline);
  bool wait(Deadline deadline);
  bool poll_line(bool writing, Deadline deadline);
  std::optional<PostgresFailure> receive(const Awaited& awaited, bool skipped, Deadline deadline);
  void deliver(const pg_result& result, const Awaited& awaited);
  std::optional<PostgresFailure> doubts_of_commit(pg_result& result, const Awaited& awaited) const;
  PostgresFailure failure_of(const pg_result& result, const Awaited& awaited);
  PostgresFailure lost();

  pg_conn* line_;
  bool broken_ = false;
  std::string why_broken_;    // where libpq itself has no words for it
  std::unordered_map<const PostgresStatement*, std::string> prepared_;  // under which name
  size_t names_ = 0;
  std::deque<Awaited> awaited_;
  bool commit_awaited_ = false;
  std::string warning_;       // the server's, while it answered what is being read
  std::vector<Cell> cells_;
};

}  // namespace kaimen::store

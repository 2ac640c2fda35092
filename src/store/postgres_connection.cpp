#include "store/postgres_connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <utility>

namespace kaimen::store {

namespace {

constexpr int kPollMillis = 100;  // see poll_line

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

}  // namespace

// ---- sending ----

void PostgresConnection::awaits(Awaited::What what, const PostgresStatement* statement, const Sink* sink) {
  awaited_.push_back({what, statement, sink, false});
}

void PostgresConnection::queue(const PostgresStatement& statement, PostgresValues& values, const Sink* sink) {
  if (broken_) return;  // run() tells
  const auto [found, unknown] = prepared_.try_emplace(&statement);
  std::string& name = found->second;
  if (unknown) {
    name = "k" + std::to_string(++names_);
    const auto& types = statement.sql.types;
    if (PQsendPrepare(line_, name.c_str(), statement.sql.text.c_str(), static_cast<int>(types.size()), types.data()) != 1) {
      broken_ = true;
      return;
    }
    awaits(Awaited::What::parsed, &statement);
  }
  if (PQsendQueryPrepared(line_, name.c_str(), values.count(), values.pointers(), values.sizes(), values.formats(), 1) != 1) {
    broken_ = true;
    return;
  }
  awaits(Awaited::What::answered, &statement, sink);
  if (statement.commits) commit_awaited_ = true;
}

void PostgresConnection::synchronize() {
  if (broken_) return;
  if (PQpipelineSync(line_) == 1) awaits(Awaited::What::synced, nullptr);
  else broken_ = true;
}

bool PostgresConnection::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(line_);
    if (left <= 0) return left == 0;
    if (!poll_line(true, deadline)) return false;
  }
}

bool PostgresConnection::poll_line(bool writing, Deadline deadline) {
  const auto left = std::chrono::ceil<Millis>(deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    why_broken_ = "no answer in time";
    return false;
  }
  pollfd line{PQsocket(line_), static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN), 0};
  // Now and then it is read without a sign from the socket: under TLS there may be bytes inside of the library that poll does not see.
  const int timeout = static_cast<int>(std::min<Millis::rep>(left.count(), kPollMillis));
  const int ready = ::poll(&line, 1, timeout);
  if (ready > 0 && line.revents == POLLOUT) return true;
  return PQconsumeInput(line_) == 1;  // also while writing: else both sides might wait for the other to read
}

void PostgresConnection::send(Deadline deadline) {
  synchronize();
  for (Awaited& awaited : awaited_) awaited.ignored = true;
  commit_awaited_ = false;
  if (!broken_ && !flush(deadline)) broken_ = true;
}

// ---- receiving ----

std::optional<PostgresFailure> PostgresConnection::run(Deadline deadline) {
  synchronize();
  std::optional<PostgresFailure> first;
  bool skipped = false;  // as the server does after an error, up to the next synchronisation
  while (!broken_ && !awaited_.empty()) {
    const Awaited awaited = awaited_.front();
    awaited_.pop_front();
    auto failure = receive(awaited, skipped, deadline);
    if (awaited.what == Awaited::What::synced) skipped = false;
    else if (failure) skipped = true;
    if (!failure || first || (awaited.ignored && !broken_)) continue;
    failure->uncertain = failure->uncertain || (commit_awaited_ && failure->sqlstate.empty());
    first = std::move(failure);
  }
  if (broken_ && !first) {
    first = lost();
    first->uncertain = commit_awaited_;
  }
  if (broken_) awaited_.clear();
  commit_awaited_ = false;
  return first;
}

bool PostgresConnection::wait(Deadline deadline) {
  for (;;) {
    const int left = PQflush(line_);
    if (left < 0) return false;
    if (left == 0 && PQisBusy(line_) == 0) return true;
    if (!poll_line(left > 0, deadline)) return false;
  }
}

std::optional<PostgresFailure> PostgresConnection::receive(const Awaited& awaited, bool skipped, Deadline deadline) {
  std::optional<PostgresFailure> failure;
  warning_.clear();
  if (awaited.statement && awaited.statement->many_rows && awaited.what == Awaited::What::answered) PQsetSingleRowMode(line_);
  for (;;) {
    if (!wait(deadline)) {
      broken_ = true;
      return failure ? failure : lost();
    }
    const ResultPtr result(PQgetResult(line_));
    if (!result) {  // the end of one statement's results; of a synchronisation there is none
      if (awaited.what != Awaited::What::synced) return failure;
      broken_ = true;
      return lost();
    }
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        if (awaited.what == Awaited::What::synced) return failure;
        broken_ = true;
        why_broken_ = "answers out of order";
        return lost();
      case PGRES_PIPELINE_ABORTED:
        if (awaited.what == Awaited::What::parsed) prepared_.erase(awaited.statement);
        break;
      case PGRES_TUPLES_OK:
      case PGRES_SINGLE_TUPLE:
        if (!skipped) deliver(*result, awaited);
        break;
      case PGRES_COMMAND_OK:
        if (awaited.commits()) failure = doubts_of_commit(*result, awaited);
        break;
      default:
        if (awaited.what == Awaited::What::parsed) prepared_.erase(awaited.statement);
        if (!failure) failure = failure_of(*result, awaited);
        if (PQstatus(line_) != CONNECTION_OK || ends_connection(failure->sqlstate)) broken_ = true;
        if (PQstatus(line_) != CONNECTION_OK) return failure;
        break;
    }
  }
}

void PostgresConnection::deliver(const pg_result& result, const Awaited& awaited) {
  if (!awaited.sink) return;
  static constexpr ColumnInfo kNumber[] = {{"", Kind::integer}};
  const std::span<const ColumnInfo> columns = awaited.statement->table ? awaited.statement->table->columns : std::span(kNumber);
  cells_.resize(columns.size());
  for (int row = 0; row < PQntuples(&result); ++row) {
    for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
      const Kind kind = columns[static_cast<size_t>(i)].kind;
      const bool null = PQgetisnull(&result, row, i) != 0;
      cells_[static_cast<size_t>(i)] =
          null ? Cell{kind, true} : postgres_cell(kind, PQgetvalue(&result, row, i), static_cast<size_t>(PQgetlength(&result, row, i)));
    }
    (*awaited.sink)(cells_);
  }
}

std::optional<PostgresFailure> PostgresConnection::doubts_of_commit(pg_result& result, const Awaited& awaited) const {
  // COMMIT of a transaction that failed answers ROLLBACK, without an error.
  if (std::string_view(PQcmdStatus(&result)) != "COMMIT") {
    return PostgresFailure{"25P02", "the transaction had failed before", awaited.statement, false};
  }
  // A server that gives up waiting for its standby says so in a warning and commits: a failover now would lose what it acknowledged.
  if (!warning_.empty()) return PostgresFailure{"", "committed with a warning: " + one_line(warning_), awaited.statement, true};
  return std::nullopt;
}

PostgresFailure PostgresConnection::failure_of(const pg_result& result, const Awaited& awaited) {
  PostgresFailure failure{error_field(result, PG_DIAG_SQLSTATE), error_field(result, PG_DIAG_MESSAGE_PRIMARY), awaited.statement, false};
  if (failure.sqlstate.empty()) failure.message = one_line(PQresultErrorMessage(&result));
  // A server that ends while it commits may have committed; 40003 is how some clusters say that they do not know.
  const std::string severity = error_field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  failure.uncertain = awaited.commits() && (severity == "FATAL" || severity == "PANIC" || failure.sqlstate == "40003");
  return failure;
}

PostgresFailure PostgresConnection::lost() {
  return {"", why_broken_.empty() ? one_line(PQerrorMessage(line_)) : std::exchange(why_broken_, ""), nullptr, false};
}

// ---- several statements at once ----

std::optional<PostgresFailure> PostgresConnection::script(const std::string& sql, Deadline deadline) {
  if (!awaited_.empty()) {
    if (auto failure = run(deadline)) return failure;
  }
  if (broken_ || PQexitPipelineMode(line_) != 1 || PQsendQuery(line_, sql.c_str()) != 1) {
    broken_ = true;
    return lost();
  }
  std::optional<PostgresFailure> failure;
  for (;;) {
    if (!wait(deadline)) {
      broken_ = true;
      return lost();
    }
    const ResultPtr result(PQgetResult(line_));
    if (!result) break;
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || failure) continue;
    failure = failure_of(*result, {Awaited::What::synced, nullptr, nullptr, false});
    if (PQstatus(line_) != CONNECTION_OK || ends_connection(failure->sqlstate)) broken_ = true;
    if (broken_) return failure;
  }
  if (PQenterPipelineMode(line_) != 1) broken_ = true;
  return failure;
}

}  // namespace kaimen::store

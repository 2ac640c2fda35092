#include "store/postgres_connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <utility>

namespace kaimen::store {

namespace {

constexpr int kPollMillis = 100;  // see poll_line
constexpr Millis kSetUp{3000};

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

/// One line of libpq's or the server's words.
std::string one_line(const char* words) {
  std::string text(words ? words : "");
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

std::string field(const PGresult* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value ? value : "";
}

}  // namespace

// ---- a line ----

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const std::string& url) {
  TRY(check_postgres_url(url));
  // What stands before dbname is a default that the URL may override, what follows it is not.
  const std::pair<const char*, const char*> settings[] = {
      {"connect_timeout", "2"},  // a host: with a cut-off primary first and its standby second there is an answer in time
      {"target_session_attrs", "read-write"},
      {"tcp_user_timeout", "5000"},
      {"keepalives_idle", "10"},
      {"keepalives_interval", "3"},
      {"keepalives_count", "3"},
      {"application_name", "kaimen"},
      {"dbname", url.c_str()},
      {"client_encoding", "UTF8"},
      {nullptr, nullptr},
  };
  const char* names[std::size(settings)];
  const char* values[std::size(settings)];
  for (size_t i = 0; i < std::size(settings); ++i) std::tie(names[i], values[i]) = settings[i];
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(PQconnectdbParams(names, values, 1)));
  if (PQstatus(connection->line_) != CONNECTION_OK) {
    return make_error(ErrorCode::unavailable, "cannot connect to PostgreSQL: " + one_line(PQerrorMessage(connection->line_)));
  }
  if (const auto failure = connection->set_up()) {
    return make_error(ErrorCode::unavailable, "cannot set up a connection to PostgreSQL: " + failure->message);
  }
  return connection;
}

PostgresConnection::~PostgresConnection() { PQfinish(line_); }

std::optional<PostgresFailure> PostgresConnection::set_up() {
  PQsetNoticeReceiver(line_, [](void* self, const PGresult* notice) {
    if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
    static_cast<PostgresConnection*>(self)->warning_ = field(notice, PG_DIAG_MESSAGE_PRIMARY);
  }, this);
  PQsetErrorContextVisibility(line_, PQSHOW_CONTEXT_NEVER);
  if (PQsetnonblocking(line_, 1) != 0 || PQenterPipelineMode(line_) != 1) {
    broken_ = true;
    return lost();
  }
  const Deadline deadline = deadline_in(kSetUp);
  // Without these a node that hangs would hold its rows for ever.
  if (auto failure = script("SET statement_timeout = 5000; SET idle_in_transaction_session_timeout = 5000", deadline)) return failure;
  // Every statement but a scan of a whole table has an index to go by. A plan made while the table was small or had no statistics must not
  // read it from end to end when it has grown, and need not be made again each time. A server that lacks one of these does without it.
  auto failure = script(
      "SELECT set_config(s.name, v.wanted, false) FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'),"
      " ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('jit', 'off'), ('client_connection_check_interval', '1000'))"
      " AS v (name, wanted) JOIN pg_settings AS s ON s.name = v.name", deadline);
  if (failure && failure->sqlstate.empty()) return failure;
  return std::nullopt;
}

bool PostgresConnection::alive() {
  if (broken_ || PQstatus(line_) != CONNECTION_OK) return false;
  pollfd line{PQsocket(line_), POLLIN | POLLRDHUP, 0};
  if (::poll(&line, 1, 0) > 0 && (line.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0) broken_ = true;
  return !broken_;
}

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
        // COMMIT of a transaction that failed answers ROLLBACK, without an error.
        if (awaited.what == Awaited::What::answered && awaited.statement->commits && std::string_view(PQcmdStatus(result.get())) != "COMMIT") {
          failure = PostgresFailure{"25P02", "the transaction had failed before", awaited.statement, false};
        }
        // A server that gives up waiting for its standby says so in a warning and commits: a failover now would lose what it acknowledged.
        if (awaited.what == Awaited::What::answered && awaited.statement->commits && !warning_.empty()) {
          failure = PostgresFailure{"", "committed with a warning: " + one_line(warning_.c_str()), awaited.statement, true};
        }
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

PostgresFailure PostgresConnection::failure_of(const pg_result& result, const Awaited& awaited) {
  PostgresFailure failure{field(&result, PG_DIAG_SQLSTATE), field(&result, PG_DIAG_MESSAGE_PRIMARY), awaited.statement, false};
  if (failure.sqlstate.empty()) failure.message = one_line(PQresultErrorMessage(&result));
  // A server that ends while it commits may have committed; 40003 is how some clusters say that they do not know.
  const std::string severity = field(&result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const bool commit = awaited.what == Awaited::What::answered && awaited.statement->commits;
  failure.uncertain = commit && (severity == "FATAL" || severity == "PANIC" || failure.sqlstate == "40003");
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

// ---- words ----

Error PostgresFailure::error() const {
  std::string detail = "PostgreSQL: " + (message.empty() ? "the connection is lost" : message);
  if (!sqlstate.empty()) detail += " (" + sqlstate + ")";
  return make_error(code_of_sqlstate(sqlstate), std::move(detail));
}

ErrorCode code_of_sqlstate(std::string_view sqlstate) {
  if (sqlstate.empty()) return ErrorCode::unavailable;
  // Serialization, deadlock, a unique key; of migrations that two nodes run at once: the table, column or index is there already.
  for (const std::string_view conflict : {"40001", "40P01", "23505", "23P01", "42P07", "42701", "42710"}) {
    if (sqlstate == conflict) return ErrorCode::conflict;
  }
  // A server that only reads, a lock or a transaction that took too long, an outcome nobody knows.
  for (const std::string_view passing : {"25006", "55P03", "25P03", "25P04", "40003"}) {
    if (sqlstate == passing) return ErrorCode::unavailable;
  }
  // Connection; resources; operator's hand, also statement_timeout; the machine below.
  for (const std::string_view passing : {"08", "53", "57", "58"}) {
    if (sqlstate.starts_with(passing)) return ErrorCode::unavailable;
  }
  return ErrorCode::internal;
}

bool ends_connection(std::string_view sqlstate) {
  if (sqlstate == "57014") return false;  // statement_timeout: the statement alone
  for (const std::string_view end : {"25006", "25P03", "25P04"}) {
    if (sqlstate == end) return true;
  }
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate.starts_with("58");
}

Result<> check_postgres_url(const std::string& url) {
  const auto wrong = [](const char* what) { return make_error(ErrorCode::invalid_request, what); };
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
    return wrong("the URL of a PostgreSQL store begins with postgres://");
  }
  // libpq's words would repeat the URL, and with it the password.
  std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
  if (!options) return wrong("this is not a URL as libpq understands it: postgres://user:password@host:port/database?parameter=value");
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    const std::string_view name(option->keyword), value(option->val ? option->val : "");
    if (name == "port" && value.find_first_not_of("0123456789,") != std::string_view::npos) {
      return wrong("a port in the store's URL is not a number (in the password, write : as %3A, / as %2F, @ as %40)");
    }
    // What comes of a password with an @ or a / in it; such a "host" must not get into a message either.
    if ((name == "host" || name == "dbname") && value.find('@') != std::string_view::npos) {
      return wrong("the store's URL has more than one @ (in the password, write @ as %40, / as %2F, : as %3A)");
    }
  }
  return ok();
}

}  // namespace kaimen::store

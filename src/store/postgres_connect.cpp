// How a connection begins: libpq's settings, and the server's.
#include <libpq-fe.h>
#include <poll.h>

#include <iterator>
#include <tuple>
#include <utility>

#include "store/postgres_connection.h"

namespace kaimen::store {

namespace {
constexpr Millis kSetUp{3000};
}  // namespace

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
    if (error_field(*notice, PG_DIAG_SEVERITY_NONLOCALIZED) != "WARNING") return;
    static_cast<PostgresConnection*>(self)->warning_ = error_field(*notice, PG_DIAG_MESSAGE_PRIMARY);
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

}  // namespace kaimen::store

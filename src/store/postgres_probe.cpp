#include <map>

#include "store/postgres_connection.h"
#include "store/probe.h"

namespace kaimen::store {

namespace {

using enum Probe::State;

constexpr Millis kAnswer{6000};
constexpr std::string_view kDenied = "42501";  // insufficient_privilege

/// Two columns of text. Whoever made one keeps it while the connection lives: statements are known by their addresses.
using Texts = std::map<std::string, std::string, std::less<>>;
constexpr ColumnInfo kNameAndValue[] = {{"name", Kind::text}, {"value", Kind::text}};
constexpr TableInfo kTexts{"texts", kNameAndValue, 1, false};

std::optional<PostgresFailure> ask(PostgresConnection& connection, const PostgresStatement& statement, Texts& texts) {
  const Sink sink = [&](std::span<const Cell> cells) { texts.insert_or_assign(std::string(cells[0].text), std::string(cells[1].text)); };
  PostgresValues values;
  connection.queue(statement, values, &sink);
  return connection.run(deadline_in(kAnswer));
}

/// Runs statements in a transaction that is rolled back; what failed.
std::optional<PostgresFailure> try_out(PostgresConnection& connection, const std::vector<std::string>& statements) {
  std::string sql = "BEGIN;";
  for (const std::string& statement : statements) sql += statement + ";";
  auto failure = connection.script(sql, deadline_in(kAnswer));
  if (const auto left = connection.script("ROLLBACK", deadline_in(kAnswer)); left && !failure) failure = left;
  return failure;
}

/// Its words where it is the lack of a privilege.
std::string denied(const std::optional<PostgresFailure>& failure) {
  return failure && failure->sqlstate == kDenied ? failure->message : "";
}

void durability(const Texts& settings, std::vector<Probe>& probes) {
  const auto is = [&](const char* name, std::string_view value) {
    const auto found = settings.find(name);
    return found != settings.end() && found->second == value;
  };
  const auto standbys = settings.find("synchronous_standby_names");
  const bool waits = standbys != settings.end() && !standbys->second.empty();
  const size_t before = probes.size();
  for (const char* name : {"fsync", "full_page_writes"}) {
    if (is(name, "off")) {
      probes.push_back({doubtful, std::string(name) + " is off: a crash of the machine can destroy the database",
                        std::string("set ") + name + " = on"});
    }
  }
  if (is("synchronous_commit", "off")) {
    probes.push_back({doubtful, "synchronous_commit is off: a crash of the server loses logins that were answered and undoes logouts",
                      "ALTER ROLE … SET synchronous_commit = on, for the user of store.url"});
  } else if (waits && is("synchronous_commit", "local")) {
    probes.push_back({doubtful, "synchronous_commit is local: a failover loses what the standby had not received",
                      "ALTER ROLE … SET synchronous_commit = on, for the user of store.url"});
  }
  if (probes.size() != before) return;
  probes.push_back({good, waits ? "commits wait for the disk and for a standby" : "commits wait for the disk, and for no standby", ""});
}

}  // namespace

Result<std::vector<Probe>> probe_postgres(PostgresConnection& connection) {
  std::vector<Probe> probes;
  Texts settings;
  const PostgresStatement read_settings{
      PostgresSql{"SELECT CAST(name AS TEXT), CAST(setting AS TEXT) FROM pg_settings WHERE name IN ('server_version', 'fsync', "
                  "'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')", {}}, &kTexts};
  if (const auto failure = ask(connection, read_settings, settings)) return failure->error();
  probes.push_back({good, "PostgreSQL " + settings["server_version"] + " takes writes", ""});
  durability(settings, probes);

  const PostgresStatement read_isolation{PostgresSql{"SELECT 'isolation', current_setting('transaction_isolation')", {}}, &kTexts};
  if (auto failure = connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ", deadline_in(kAnswer))) return failure->error();
  if (const auto failure = ask(connection, read_isolation, settings)) return failure->error();
  if (auto failure = connection.script("ROLLBACK", deadline_in(kAnswer))) return failure->error();
  const std::string& isolation = settings["isolation"];
  if (isolation == "repeatable read" || isolation == "serializable" || isolation == "snapshot") {
    probes.push_back({good, "transactions are isolated (" + isolation + ")", ""});
  } else {
    probes.push_back({bad, "transactions are not isolated: REPEATABLE READ was asked for, and it is " + isolation,
                      "connect to the server itself, or to a pooler in session mode"});
  }

  std::string rows;
  for (const TableInfo* table : all_tables()) {
    if (rows.empty()) rows = denied(try_out(connection, trials_of(*table)));
  }
  const std::string schema = denied(try_out(connection, {"CREATE TABLE kaimen_probe (id BIGINT NOT NULL PRIMARY KEY)",
                                                         "CREATE VIEW kaimen_probe_view AS SELECT id FROM kaimen_probe"}));
  for (Probe& probe : privileges(rows, schema, "GRANT CREATE ON SCHEMA public, or run `kaimen migrate` as a user who has it")) {
    probes.push_back(std::move(probe));
  }
  if (!connection.alive()) return make_error(ErrorCode::unavailable, "PostgreSQL: the connection broke");
  return probes;
}

}  // namespace kaimen::store

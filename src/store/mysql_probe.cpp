#include <map>

#include "store/mysql_connection.h"
#include "store/probe.h"

namespace kaimen::store {

namespace {

using enum Probe::State;
using Texts = std::map<std::string, std::string, std::less<>>;

Result<> ask(MysqlConnection& connection, const std::string& sql, Texts& texts) {
  TRY(connection.run(sql, [&](size_t, std::span<const std::string_view> row) { texts.emplace(row[0], row[1]); }));
  return ok();
}

std::string value_of(const Texts& texts, std::string_view name) {
  const auto found = texts.find(name);
  return found == texts.end() ? "" : found->second;
}

void durability(const Texts& settings, std::vector<Probe>& probes) {
  const size_t before = probes.size();
  const std::string flush = value_of(settings, "innodb_flush_log_at_trx_commit");
  if (!flush.empty() && flush != "1") {
    probes.push_back({doubtful,
                      "innodb_flush_log_at_trx_commit is " + flush + ": a crash loses logins that were answered and undoes logouts",
                      "set innodb_flush_log_at_trx_commit = 1"});
  }
  const std::string log = value_of(settings, "log_bin"), sync = value_of(settings, "sync_binlog");
  if (log == "ON" && !sync.empty() && sync != "1") {
    probes.push_back({doubtful, "sync_binlog is " + sync + ": after a crash of the machine its replicas may lack what it has",
                      "set sync_binlog = 1"});
  }
  if (value_of(settings, "innodb_doublewrite") == "OFF") {
    probes.push_back({doubtful, "innodb_doublewrite is off: a crash of the machine can destroy pages", "set innodb_doublewrite = ON"});
  }
  if (probes.size() == before && !flush.empty()) probes.push_back({good, "commits wait for the disk", ""});
}

void isolation(const Texts& settings, std::vector<Probe>& probes) {
  std::string level = value_of(settings, "transaction_isolation");
  if (level.empty()) level = value_of(settings, "tx_isolation");
  if (level.empty()) return;
  if (level == "REPEATABLE-READ" || level == "SERIALIZABLE") {
    return probes.push_back({good, "transactions are isolated (" + level + ")", ""});
  }
  probes.push_back({bad, "transactions are not isolated: REPEATABLE READ was asked for, and it is " + level,
                    "connect to the server itself, or to a proxy that leaves the session's settings alone"});
}

Result<> galera(MysqlConnection& connection, const Texts& settings, std::vector<Probe>& probes) {
  if (value_of(settings, "wsrep_on") != "ON") return ok();
  Texts status;
  TRY(ask(connection, "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_status','wsrep_cluster_size',"
                      "'wsrep_local_state_comment','wsrep_ready');", status));
  const std::string of = value_of(status, "wsrep_cluster_size"), state = value_of(status, "wsrep_local_state_comment");
  if (value_of(status, "wsrep_cluster_status") != "Primary" || value_of(status, "wsrep_ready") != "ON") {
    probes.push_back({bad, "this Galera node is not part of the cluster's majority (" + state + ")",
                      "look at wsrep_cluster_status on all nodes"});
  } else if (of == "1" || of == "2") {
    probes.push_back({doubtful, "the Galera cluster has only " + of + " of its nodes: with three, one can fail", "start the others"});
  } else {
    probes.push_back({good, "a Galera cluster of " + of + ", this node is " + state, ""});
  }
  return ok();
}

/// The server's words where a statement is refused for want of a privilege.
Result<std::string> denied(MysqlConnection& connection, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) {
    const auto done = connection.run(statement + ";");
    if (done) continue;
    if (connection.lost()) return done.error();
    if (connection.lacks_privilege()) return done.error().detail;
  }
  return std::string();
}

}  // namespace

Result<std::vector<Probe>> probe_mysql(MysqlConnection& connection) {
  std::vector<Probe> probes;
  Texts settings;
  TRY(ask(connection, "SHOW VARIABLES WHERE Variable_name IN ('version','innodb_flush_log_at_trx_commit','log_bin','sync_binlog',"
                      "'innodb_doublewrite','tx_isolation','transaction_isolation','wsrep_on');", settings));
  probes.push_back({good, "version " + value_of(settings, "version") + " takes writes", ""});
  durability(settings, probes);
  isolation(settings, probes);
  TRY(galera(connection, settings, probes));

  std::string rows;
  TRY(connection.run("START TRANSACTION;"));
  for (const TableInfo* table : all_tables()) {
    if (!rows.empty()) break;
    TRY(rows, denied(connection, trials_of(*table)));
  }
  TRY(connection.run("ROLLBACK;"));
  // Here a CREATE commits and cannot be rolled back: it is prepared and thrown away, which asks for the same privilege.
  const std::vector<std::string> prepared{"PREPARE kaimen_probe FROM 'CREATE TABLE kaimen_probe (id BIGINT NOT NULL PRIMARY KEY)'",
                                          "PREPARE kaimen_probe FROM 'CREATE VIEW kaimen_probe AS SELECT 1'",
                                          "DEALLOCATE PREPARE kaimen_probe"};
  TRY(const std::string schema, denied(connection, prepared));
  for (Probe& probe : privileges(rows, schema, "GRANT CREATE, CREATE VIEW, or run `kaimen migrate` as a user who has them")) {
    probes.push_back(std::move(probe));
  }
  return probes;
}

}  // namespace kaimen::store

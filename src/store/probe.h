// What `kaimen check` asks a database server (Engine::probe): one file for each protocol.
//
// Privileges are tried, not read from catalogs, which roles and wild cards make a guess: each statement stands for all rows of which there
// are none, in a transaction that is rolled back.
#pragma once

#include <vector>

#include "store/engine.h"

namespace kaimen::store {

class MysqlConnection;
class PostgresConnection;

/// Every table that acts use.
std::span<const TableInfo* const> all_tables();

/// How reads and writes of a table are tried. The last column is never part of a key.
std::vector<std::string> trials_of(const TableInfo& table);

/// What is said of a server that only reads.
Probe only_reads();
/// Of the privileges on tables and on the schema; texts are empty where all is granted.
std::vector<Probe> privileges(const std::string& denied_rows, const std::string& denied_schema, const std::string& grant);

Result<std::vector<Probe>> probe_postgres(PostgresConnection& connection);
Result<std::vector<Probe>> probe_mysql(MysqlConnection& connection);

}  // namespace kaimen::store

#include "tests/servers/urls.h"

#include <libpq-fe.h>
#include <mysql.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace kaimen::servers {

namespace {

struct Facts {
  const char* variable;
  const char* file;
};
constexpr Facts facts_of(Engine engine) {
  if (engine == Engine::postgres) return {"KAIMEN_TEST_POSTGRES", KAIMEN_TEST_SERVERS "/postgres/url"};
  return {"KAIMEN_TEST_MYSQL", KAIMEN_TEST_SERVERS "/mariadb/url"};
}

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

/// scheme://user:password@host:port/database?options, of which nothing is encoded here.
struct Parts {
  std::string user, password, host, database, options;
  unsigned port = 0;

  explicit Parts(const std::string& url) {
    const size_t begin = url.find("://") + 3, at = url.rfind('@'), slash = url.find('/', at);
    const size_t query = std::min(url.find('?', slash), url.size());
    if (at == std::string::npos || slash == std::string::npos) fail("not the URL of a database: " + url);
    const std::string who = url.substr(begin, at - begin), where = url.substr(at + 1, slash - at - 1);
    user = who.substr(0, who.find(':'));
    if (who.find(':') != std::string::npos) password = who.substr(who.find(':') + 1);
    host = where.substr(0, where.rfind(':'));
    if (where.rfind(':') != std::string::npos) port = static_cast<unsigned>(std::stoul(where.substr(where.rfind(':') + 1)));
    database = url.substr(slash + 1, query - slash - 1);
    options = url.substr(query);
  }
};

Rows execute_postgres(const std::string& url, const std::string& sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) fail(PQerrorMessage(connection.get()));
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(sql + ": " + PQerrorMessage(connection.get()));
  Rows rows;
  for (int i = 0; i < PQntuples(result.get()); ++i) {
    auto& row = rows.emplace_back();
    for (int j = 0; j < PQnfields(result.get()); ++j) {
      row.emplace_back(PQgetisnull(result.get(), i, j) ? "NULL" : PQgetvalue(result.get(), i, j));
    }
  }
  return rows;
}

Rows execute_mysql(const std::string& url, const std::string& sql) {
  const Parts parts(url);
  const std::unique_ptr<MYSQL, decltype(&mysql_close)> connection(mysql_init(nullptr), &mysql_close);
  if (!mysql_real_connect(connection.get(), parts.host.c_str(), parts.user.c_str(), parts.password.c_str(), parts.database.c_str(),
                          parts.port, nullptr, 0)) {
    fail(mysql_error(connection.get()));
  }
  if (mysql_real_query(connection.get(), sql.data(), sql.size()) != 0) fail(sql + ": " + mysql_error(connection.get()));
  const std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)> result(mysql_store_result(connection.get()), &mysql_free_result);
  Rows rows;
  if (!result) return rows;
  while (MYSQL_ROW found = mysql_fetch_row(result.get())) {
    const unsigned long* sizes = mysql_fetch_lengths(result.get());
    auto& row = rows.emplace_back();
    for (unsigned j = 0; j < mysql_num_fields(result.get()); ++j) row.push_back(found[j] ? std::string(found[j], sizes[j]) : "NULL");
  }
  return rows;
}

/// Not the process's number alone: an earlier run on the same server may have left a database of that name.
std::string new_name() {
  static std::atomic<unsigned> last{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "test_" + std::to_string(::getpid()) + "_" + std::to_string(now) + "_" + std::to_string(++last);
}

}  // namespace

std::string server_url(Engine engine) {
  const Facts facts = facts_of(engine);
  if (const char* given = std::getenv(facts.variable); given && *given) return given;
  std::ifstream file(facts.file);
  std::string url;
  if (!std::getline(file, url)) fail(std::string("no server: start the test with ctest, or set ") + facts.variable);
  return url;
}

Rows execute(Engine engine, const std::string& url, const std::string& sql) {
  return engine == Engine::postgres ? execute_postgres(url, sql) : execute_mysql(url, sql);
}

Database::Database(Engine engine) : engine_(engine), name_(new_name()) {
  const std::string server = server_url(engine);
  // On a server that does not sync (serve.py), copying files costs less than going through the log: 26 ms, not 39.
  const bool is_postgres = engine == Engine::postgres;
  const char* const how = is_postgres ? " TEMPLATE template0 STRATEGY file_copy" : " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
  execute(engine, server, "CREATE DATABASE " + name_ + how);
  const size_t slash = server.find('/', server.rfind('@')), query = std::min(server.find('?', slash), server.size());
  url_ = server.substr(0, slash + 1) + name_ + server.substr(query);
}

Database::~Database() {
  try {
    execute(engine_, server_url(engine_), "DROP DATABASE IF EXISTS " + name_ + (engine_ == Engine::postgres ? " WITH (FORCE)" : ""));
  } catch (const std::runtime_error&) {
    // A test may have killed the server; what it held is gone with it.
  }
}

}  // namespace kaimen::servers

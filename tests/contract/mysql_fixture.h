// What the tests of the engine of the MySQL protocol share: a database for each test, and rows for its two small tables.
#pragma once

#include <gtest/gtest.h>

#include "store/mysql_connection.h"
#include "store/mysql_engine.h"
#include "store/mysql_url.h"
#include "tests/contract/engine_rows.h"
#include "tests/servers/urls.h"

namespace kaimen::store {

class MysqlEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    run(url_,
        "CREATE TABLE things (id VARBINARY(16) NOT NULL PRIMARY KEY, version BIGINT NOT NULL, name VARBINARY(64) NOT NULL UNIQUE,"
        "  text VARCHAR(8) CHARACTER SET utf8mb4 NOT NULL, raw VARBINARY(64) NOT NULL, note VARCHAR(64) CHARACTER SET utf8mb4,"
        "  number BIGINT, raw_or_null VARBINARY(64)) ENGINE=InnoDB;"
        "CREATE TABLE pairs (a VARBINARY(64) NOT NULL, b BIGINT NOT NULL, value BIGINT NOT NULL, note VARCHAR(8),"
        "  PRIMARY KEY (a, b)) ENGINE=InnoDB;");
  }
  static std::unique_ptr<MysqlConnection> connect(const std::string& url) {
    const auto parsed = parse_mysql_url(url).value();
    auto connection = MysqlConnection::open(parsed, parsed.hosts.empty() ? nullptr : &parsed.hosts[0], MysqlConnection::Use::migrations);
    EXPECT_TRUE(connection) << connection.error().detail;
    return connection ? std::move(connection).value() : nullptr;
  }
  /// The first value of each row of the last statement.
  static std::vector<std::string> run(const std::string& url, const std::string& sql) {
    std::vector<std::string> values;
    auto connection = connect(url);
    if (!connection) return values;
    const auto done = connection->run(sql, [&](size_t, std::span<const std::string_view> row) { values.emplace_back(row[0]); });
    EXPECT_TRUE(done) << done.error().detail;
    return values;
  }
  static std::string server_url() { return servers::server_url(servers::Engine::mysql); }
  std::unique_ptr<Engine> open() const { return open_mysql(url_).value(); }

  const servers::Database database_{servers::Engine::mysql};
  const std::string url_ = database_.url();
};

inline contract::Thing thing(uint8_t number) {
  contract::Thing row;
  row.id.bytes = {1, 2, 3, number};
  row.name = "thing " + std::to_string(number);
  row.raw.raw = std::string(1, static_cast<char>(number));
  return row;
}
inline std::vector<contract::Thing> things(int count) {
  std::vector<contract::Thing> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back(thing(0));
    rows.back().id.bytes[4] = static_cast<uint8_t>(i >> 8);
    rows.back().id.bytes[5] = static_cast<uint8_t>(i);
    rows.back().name = "many " + std::to_string(i);
    rows.back().number = i;
  }
  return rows;
}
inline std::vector<Id> ids(const std::vector<contract::Thing>& rows) {
  std::vector<Id> result;
  for (const auto& row : rows) result.push_back(row.id);
  return result;
}

}  // namespace kaimen::store

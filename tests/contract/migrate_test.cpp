// Which program may work on which schema. Real upgrades of real nodes: tests/failover/test_upgrade.py.
#include "store/migrate.h"

#include <gtest/gtest.h>

#include <regex>

#include "store/pager.h"
#include "store/reseal.h"

namespace kaimen::store {

namespace {

TEST(Compatibility, what_a_migration_says) {
  EXPECT_EQ(oldest_beside({"0007_x", "-- Beside: 0004\nCREATE"}), "0004");
  EXPECT_EQ(oldest_beside({"0007_x", "CREATE TABLE x -- Beside: 0004"}), "");
  EXPECT_TRUE(may_work_beside("0004_a", "0007_x", "0004"));
  EXPECT_TRUE(may_work_beside("0005_b", "0007_x", "0004"));
  EXPECT_FALSE(may_work_beside("0003_c", "0007_x", "0004"));
  EXPECT_FALSE(may_work_beside("0006_d", "0007_x", "")) << "who says nothing admits nobody";
  EXPECT_TRUE(may_work_beside("0007_x", "0007_x", "")) << "but those who know it";
  EXPECT_FALSE(may_work_beside("", "0007_x", "0004"));
}

TEST(Compatibility, of_two_lines_of_versions_neither_works_on_the_others_schema) {
  Schema schema;
  EXPECT_TRUE(schema.is_compatible());
  schema.unknown = {"0007_x"};
  EXPECT_TRUE(schema.is_compatible());
  schema.missing = {"0006_y"};
  EXPECT_FALSE(schema.is_compatible());
}

class Migrations : public testing::TestWithParam<Dialect> {};

TEST_P(Migrations, have_numbers_that_rise) {
  std::string before = "0000";
  for (const auto& migration : migrations(GetParam())) {
    EXPECT_TRUE(std::regex_match(std::string(migration.name), std::regex("[0-9]{4}_[a-z0-9_]+"))) << migration.name;
    EXPECT_LT(before, migration.name.substr(0, 4));
    before = migration.name.substr(0, 4);
  }
}

// What docs/decisions/0021 asks of one that older programs may stay beside, as far as its words can show it.
TEST_P(Migrations, that_older_programs_may_stay_beside_only_add) {
  for (const auto& migration : migrations(GetParam())) {
    if (migration.name == migrations(GetParam()).front().name) continue;
    ASSERT_FALSE(oldest_beside(migration).empty()) << migration.name << " must begin with -- Beside: NNNN, or say here that it stops all older nodes";
    EXPECT_LT(oldest_beside(migration), migration.name.substr(0, 4));
    const std::string sql = std::regex_replace(std::string(migration.sql), std::regex("--[^\n]*"), "");
    EXPECT_FALSE(std::regex_search(sql, std::regex("\\b(DROP|RENAME|MODIFY|CHANGE)\\b", std::regex::icase))) << migration.name;
    // A column that older programs do not name in an INSERT must have something to be.
    const std::regex added("ADD\\s+COLUMN[^;]*", std::regex::icase);
    for (std::sregex_iterator it(sql.begin(), sql.end(), added), end; it != end; ++it) {
      const std::string column = it->str();
      const bool may_be_left_out = column.find("DEFAULT") != column.npos || column.find("NOT NULL") == column.npos;
      EXPECT_TRUE(may_be_left_out) << migration.name << ": " << column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Migrations, testing::Values(Dialect::sqlite, Dialect::postgres, Dialect::mysql), [](const auto& which) {
  return std::string(which.param == Dialect::sqlite ? "sqlite" : which.param == Dialect::postgres ? "pg" : "my");
});

TEST(SealedTables, are_all_that_have_a_sealed_column) {
  const auto listed = sealed_tables();
  for (const auto& table : paged_tables()) {
    for (const auto& column : table.info->columns) {
      if (!column.name.ends_with("_sealed")) continue;
      EXPECT_NE(std::ranges::find(listed, table.info->name), listed.end())
          << table.info->name << "." << column.name << " stays under the old master key: give it a line in store/reseal.cpp";
    }
  }
}

}  // namespace

}  // namespace kaimen::store

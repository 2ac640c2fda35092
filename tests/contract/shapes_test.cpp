// docs/scaling.md lists every shape of statement, for whoever wants to know whether another engine understands them. The list is held
// against what the builders make of two small tables: `meta` (one column of key, a guard) and `unionids` (three columns of key, none).
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <set>
#include <sstream>

#include "store/mysql_sql.h"
#include "store/node_rows.h"
#include "store/postgres_sql.h"
#include "store/user_rows.h"

namespace kaimen::store {

namespace {

const std::string kRoot = std::string(KAIMEN_VECTORS) + "/../../";

std::string read(const std::string& path) {
  std::ifstream file(kRoot + path);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

/// The lines of the block that follows `heading`.
std::set<std::string> listed(const std::string& heading) {
  const std::string page = read("docs/scaling.md");
  const size_t begin = page.find("```sql\n", page.find(heading)), end = page.find("```", begin + 7);
  EXPECT_NE(page.find(heading), std::string::npos) << heading;
  std::istringstream block(page.substr(begin + 7, end - begin - 7));
  std::set<std::string> lines;
  for (std::string line; std::getline(block, line);) lines.insert(line);
  return lines;
}

constexpr Lookup kMeta{&kTable<MetaRow>, {0}, 1, "value > 0"}, kUnionids{&kTable<UnionidRow>, {0, 1, 2}, 3};
constexpr Scan kPage{&kTable<MetaRow>, "name > ?", "name", true};

const std::string kName = "a";
const std::array kPageValues{cell_of(kName), cell_of(int64_t{10})};

template <class Row>
const Row kSample;
template <>
const MetaRow kSample<MetaRow>{"a", 1, 2};
template <>
const UnionidRow kSample<UnionidRow>{"a", "b", "c", Id{}};

/// The cells of so many rows, the first `width` columns of each.
template <class Row>
std::vector<Cell> cells(size_t rows, size_t width) {
  const Row& row = kSample<Row>;
  std::vector<Cell> all;
  for (size_t i = 0; i < rows; ++i) {
    for_each_column(row, [&](size_t column, const auto& member) {
      if (column < width) all.push_back(cell_of(member));
    });
  }
  return all;
}

using What = Write::What;
/// Inserts, updates of the guard alone and of a value, and removals.
template <class Use>
void each_write(size_t rows, const Use& use) {
  const auto write = [&](What what, const TableInfo& table, uint64_t columns, const std::vector<Cell>& given) {
    use(Write{what, &table, columns, given, rows});
  };
  write(What::insert, kTable<MetaRow>, 0, cells<MetaRow>(rows, 3));
  write(What::update, kTable<MetaRow>, 0, cells<MetaRow>(rows, 2));
  write(What::update, kTable<MetaRow>, 0b100, cells<MetaRow>(rows, 3));
  write(What::update, kTable<UnionidRow>, 0b1000, cells<UnionidRow>(rows, 4));
  write(What::remove, kTable<MetaRow>, 0, cells<MetaRow>(rows, 1));
  write(What::remove, kTable<UnionidRow>, 0, cells<UnionidRow>(rows, 3));
}

std::set<std::string> built_for_pg() {
  std::set<std::string> shapes;
  for (const bool one_row : {true, false}) {
    shapes.insert(lookup_sql(kMeta, one_row).text);
    shapes.insert(lookup_sql(kUnionids, one_row).text);
  }
  shapes.insert(scan_sql(kPage, kPageValues).text);
  for (const size_t rows : {1, 2}) each_write(rows, [&](const Write& write) { shapes.insert(write_sql(write).text); });
  return shapes;
}

std::set<std::string> built_for_mariadb() {
  std::set<std::string> shapes;
  const auto add = [&](const auto& append) {
    std::string sql;
    append(sql);
    shapes.insert(sql);
  };
  for (const size_t rows : {1, 2}) {
    add([&](std::string& sql) { mysql::append_read(sql, kMeta, cells<MetaRow>(rows, 1)); });
    add([&](std::string& sql) { mysql::append_read(sql, kUnionids, cells<UnionidRow>(rows, 3)); });
    each_write(rows, [&](const Write& write) {
      add([&](std::string& sql) {
        if (write.what == What::insert) mysql::append_insert(sql, *write.table, write.cells);
        if (write.what == What::update) mysql::append_update(sql, *write.table, write.columns, write.cells);
        if (write.what == What::remove) mysql::append_remove(sql, *write.table, write.cells);
      });
    });
  }
  add([&](std::string& sql) { mysql::append_scan(sql, kPage, kPageValues); });
  return shapes;
}

void compare(const std::set<std::string>& built, const std::string& heading, const std::string& source) {
  const auto shown = listed(heading);
  const std::string code = read(source);
  for (const auto& shape : built) EXPECT_TRUE(shown.contains(shape)) << "docs/scaling.md lacks\n" << shape;
  for (const auto& line : shown) {
    const bool used = built.contains(line) || code.find('"' + line + '"') != std::string::npos;
    EXPECT_TRUE(used) << "docs/scaling.md lists what is not used\n" << line;
  }
}

}  // namespace

TEST(StatementShapes, AreThoseOfTheDocumentOnPg) {
  compare(built_for_pg(), "### Statements on PostgreSQL", "src/store/postgres_engine.cpp");
}
TEST(StatementShapes, AreThoseOfTheDocumentOnMariadb) {
  compare(built_for_mariadb(), "### Statements on the MySQL protocol", "src/store/mysql_engine.cpp");
}

}  // namespace kaimen::store

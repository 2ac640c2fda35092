#include "store/probe.h"

#include <array>

#include "store/tables.h"

namespace kaimen::store {

namespace {
template <class... Row>
constexpr std::array<const TableInfo*, sizeof...(Row)> infos_of(TableList<Row...>) {
  return {&kTable<Row>...};
}
}  // namespace

std::span<const TableInfo* const> all_tables() {
  static constexpr auto kTables = infos_of(AllTables{});
  return kTables;
}

std::vector<std::string> trials_of(const TableInfo& table) {
  const std::string name(table.name), column(table.columns.back().name), none = " WHERE 1 = 0";
  return {"SELECT 1 FROM " + name + none, "INSERT INTO " + name + " SELECT * FROM " + name + none,
          "UPDATE " + name + " SET " + column + " = " + column + none, "DELETE FROM " + name + none};
}

Probe only_reads() {
  return {Probe::State::bad, "the server only reads: a replica instead of the primary, or one that was set to read-only",
          "store.url must lead to the primary; where it names all hosts, the one that takes writes is found"};
}

std::vector<Probe> privileges(const std::string& denied_rows, const std::string& denied_schema, const std::string& grant) {
  using enum Probe::State;
  std::vector<Probe> probes;
  if (!denied_rows.empty()) {
    probes.push_back({bad, "a privilege is missing: " + denied_rows,
                      "Kaimen needs SELECT, INSERT, UPDATE and DELETE on all of its tables"});
  }
  if (!denied_schema.empty()) probes.push_back({doubtful, "this user cannot migrate: " + denied_schema, grant});
  if (probes.empty()) probes.push_back({good, "the user has the privileges it needs", ""});
  return probes;
}

}  // namespace kaimen::store

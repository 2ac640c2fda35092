// What nodes count by the hour. A node writes what it has counted since its start, not what was added: the same act again changes nothing.
#include <charconv>

#include "store/entries.h"

namespace kaimen::store {

namespace {

constexpr Scan kHoursOfApp{&kTable<StatsTableRow>, "app = ? AND hour >= ? AND hour < ?", ""};
constexpr Scan kHours{&kTable<StatsTableRow>, "hour >= ? AND hour < ?", ""};

std::string text_of(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, value] : counts) text.append(name).append("=").append(std::to_string(value)).append("\n");
  return text;
}

std::map<std::string, int64_t> counts_in(std::string_view text) {
  std::map<std::string, int64_t> counts;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t equals = line.find('=');
    if (equals == line.npos) continue;
    int64_t value = 0;
    std::from_chars(line.data() + equals + 1, line.data() + line.size(), value);
    counts[std::string(line.substr(0, equals))] = value;
  }
  return counts;
}

}  // namespace

Result<> keep_stats(ActContext& context, const std::vector<core::StatsRow>& all) {
  Rows& rows = context.rows;
  for (const auto& one : all) rows.expect<StatsTableRow>(one.app, one.hour, one.node);
  for (const auto& one : all) {
    TRY(const StatsTableRow* before, rows.find<StatsTableRow>(one.app, one.hour, one.node));
    StatsTableRow row{one.app, one.hour, one.node, text_of(one.counts), Bytes{one.active}};
    if (before) rows.change(*before) = std::move(row);
    else rows.insert(std::move(row));
  }
  return ok();
}

Result<std::vector<core::StatsRow>> read_stats(ActContext& context, const core::ReadStats& query) {
  std::vector<Cell> asked;
  if (query.apps) {
    for (const uint32_t app : *query.apps) asked.insert(asked.end(), {cell_of(app), cell_of(query.from), cell_of(query.to)});
  }
  TRY(const auto rows, query.apps ? context.rows.scan_each<StatsTableRow>(kHoursOfApp, asked, 3)
                                  : context.rows.scan<StatsTableRow>(kHours, query.from, query.to));
  std::vector<core::StatsRow> all;
  for (const StatsTableRow& row : rows) all.push_back({row.app, row.hour, row.node, counts_in(row.counts), row.active.raw});
  return all;
}

}  // namespace kaimen::store

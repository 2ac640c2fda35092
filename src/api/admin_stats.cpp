#include "api/admin_stats.h"

#include <algorithm>
#include <set>

#include "api/admin.h"

namespace kaimen::api {

namespace {

using http::json::object;
using http::json::value;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kDay = 24;
// Of apps, in one reading: all that is held of them at once, whatever the caller asks for.
constexpr int64_t kHoursAtOnce = 512;
constexpr int64_t kMostHoursOfOne = 31 * kDay, kMostHoursOfAll = 7 * kDay;
constexpr std::string_view kParameters[] = {"app_id", "from", "to", "by"};

struct Asked {
  core::AppPtr app;  ///< Null: all that the caller may see.
  int64_t from = 0, to = 0;
  bool by_app = false;
};

/// The whole hour at or before a time in the query; rounded up: at or after it.
Result<std::optional<int64_t>> hour_in_query(const Call& call, std::string_view name, bool up) {
  const auto* text = call.query.find(name);
  if (!text) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  if (!time) return make_error(ErrorCode::invalid_request, std::string(name) + " must be an RFC 3339 time");
  return (epoch_ms(*time) + (up ? kHourMs - 1 : 0)) / kHourMs;
}

Result<Asked> asked_of(const Call& call, const core::Caller& caller) {
  for (const auto& [name, text] : call.query.items) {
    if (std::ranges::find(kParameters, name) == std::end(kParameters)) return make_error(ErrorCode::invalid_request, "parameters: app_id, from, to, by");
  }
  Asked asked;
  if (const auto* app_id = call.query.find("app_id")) {
    TRY(asked.app, app_for(call, caller, *app_id));
  }
  if (const auto* by = call.query.find("by")) {
    if (*by != "hour" && *by != "app") return make_error(ErrorCode::invalid_request, "by must be hour or app");
    asked.by_app = *by == "app";
  }
  TRY(const auto from, hour_in_query(call, "from", false));
  TRY(const auto to, hour_in_query(call, "to", true));
  asked.to = to.value_or(epoch_ms(call.services.live.clock.now()) / kHourMs + 1);
  asked.from = from.value_or(asked.to - kDay);
  const int64_t most = asked.app ? kMostHoursOfOne : kMostHoursOfAll;
  if (asked.from >= asked.to || asked.to - asked.from > most) {
    return make_error(ErrorCode::invalid_request, "from must be before to, by at most 31 days (7 without app_id)");
  }
  return asked;
}

/// Whose hours are to be read; nullopt: everybody's, also those of apps that are gone.
std::optional<std::set<uint32_t>> apps_asked(const Asked& asked, const core::Caller& caller, const core::AppTable& apps) {
  if (asked.app) return std::set<uint32_t>{asked.app->number};
  if (caller.project.empty()) return std::nullopt;
  std::set<uint32_t> numbers;
  for (const auto& [number, app] : apps.by_number) {
    if (!out_of_reach(caller, app->project)) numbers.insert(number);
  }
  return numbers;
}

/// "checks.ok" → {"ok": …}
object members_of(const std::map<std::string, int64_t>& counts, std::string_view prefix) {
  object members;
  for (const auto& [name, count] : counts) {
    if (name.starts_with(prefix)) members[std::string_view(name).substr(prefix.size())] = count;
  }
  return members;
}

object sum_json(const core::StatsSum& sum) {
  const auto get = [&sum](const std::string& name) {
    const auto found = sum.counts.find(name);
    return found == sum.counts.end() ? int64_t{0} : found->second;
  };
  const int64_t calls = get("upstream.calls");
  return {{"logins", get("logins")},
          {"new_users", get("new_users")},
          {"active_users", sum.active.count()},
          {"checks", members_of(sum.counts, "checks.")},
          {"failures", members_of(sum.counts, "failures.")},
          {"upstream", object{{"calls", calls}, {"errors", get("upstream.errors")}, {"average_ms", calls > 0 ? get("upstream.ms") / calls : 0}}}};
}

}  // namespace

Answer show_stats(Call& call, const core::Caller& caller) {
  CO_TRY(const Asked asked, asked_of(call, caller));
  const auto apps = call.services.live.apps.get();
  std::map<int64_t, core::StatsSum> by_hour;
  std::map<uint32_t, core::StatsSum> by_app;
  core::StatsSum total;
  core::ReadStats query;
  query.apps = apps_asked(asked, caller, *apps);
  const size_t count = query.apps ? query.apps->size() : apps->by_number.size();
  // A part at a time: neither memory nor a store's thread is taken up by a long reading.
  const int64_t step = std::clamp<int64_t>(kHoursAtOnce / static_cast<int64_t>(std::max<size_t>(count, 1)), 1, kDay);
  for (int64_t from = asked.from; from < asked.to; from += step) {
    query.from = from;
    query.to = std::min(from + step, asked.to);
    auto read = co_await call.services.stats.read(query);
    CO_TRY(const auto rows, std::move(read));
    for (const auto& row : rows) {
      total.add(row);
      if (asked.by_app) by_app[row.app].add(row);
      else by_hour[row.hour].add(row);
    }
  }
  http::json::array items;
  for (const auto& [hour, sum] : by_hour) {
    object item = sum_json(sum);
    item["hour"] = rfc3339(from_epoch_ms(hour * kHourMs));
    items.push_back(std::move(item));
  }
  for (const auto& [number, sum] : by_app) {
    object item = sum_json(sum);
    const core::AppPtr app = apps->find(number);
    item["app_id"] = app ? value(app->app_id) : value(nullptr);
    items.push_back(std::move(item));
  }
  const object body{{"from", rfc3339(from_epoch_ms(asked.from * kHourMs))},
                    {"to", rfc3339(from_epoch_ms(asked.to * kHourMs))},
                    {"app_id", asked.app ? value(asked.app->app_id) : value(nullptr)},
                    {"items", std::move(items)},
                    {"total", sum_json(total)}};
  co_return json_response(200, body, true);
}

}  // namespace kaimen::api

#include "core/stats.h"

#include <algorithm>

namespace kaimen::core {

namespace {

constexpr size_t kRowsAnAct = 200;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kHoursKept = 48;  // in memory, while the store takes nothing

/// What has the label `call` in /metrics; all others are one.
constexpr std::string_view kCalls[] = {"/sns/jscode2session", "/sns/oauth2/access_token", "/wxa/business/getuserphonenumber", "/wxa/checksession",
                                       "/wxa/resetusersessionkey", "/wxa/business/getuserencryptkey", "/wxa/msg_sec_check", "/wxa/media_check_async",
                                       "/wxa/getwxacodeunlimit", "/wxa/generatescheme", "/wxa/generate_urllink", "/cgi-bin/stable_token"};

std::string call_of(std::string_view path) {
  const bool known = std::find(std::begin(kCalls), std::end(kCalls), path) != std::end(kCalls);
  return std::string(known ? path : "other");
}

/// Whether the platform, or the way to it, was at fault, and not what was brought.
bool upstream_failed(const Error* error) {
  if (!error) return false;
  switch (error->code) {
    case ErrorCode::upstream_error:
    case ErrorCode::upstream_busy:
    case ErrorCode::app_misconfigured: return true;
    case ErrorCode::rate_limited: return error->upstream.has_value();
    default: return false;
  }
}

void note(UpstreamTotals& totals, int64_t ms, bool failed) {
  size_t bucket = 0;
  while (bucket < UpstreamTotals::kBucketsMs.size() && ms > UpstreamTotals::kBucketsMs[bucket]) ++bucket;
  ++totals.buckets[bucket];
  totals.sum_ms += static_cast<uint64_t>(std::max<int64_t>(ms, 0));
  totals.errors += failed ? 1 : 0;
}

}  // namespace

void StatsSum::add(const StatsRow& row) {
  for (const auto& [name, value] : row.counts) counts[name] += value;
  active.unite(UserSketch::of(row.active));
}

int64_t Stats::hour_now() const { return epoch_ms(clock_.now()) / kHourMs; }

Stats::Hour& Stats::at(uint32_t app) {
  Hour& hour = hours_[{app, hour_now()}];
  ++hour.changes;
  return hour;
}

void Stats::count(uint32_t app, const Trace& trace, bool is_login, const Error* error) {
  const bool called = !trace.upstream_path.empty();
  const auto user = error ? std::nullopt : Id::parse(trace.user_id);
  const bool came = trace.came != Trace::Came::nobody;
  if (!called && !user && !is_login && !came) return;
  std::lock_guard lock(mutex_);
  Hour& hour = at(app);
  auto& counts = hour.sum.counts;
  if (came) {
    ++counts["logins"];
    ++totals_.logins["ok"];
    if (trace.came == Trace::Came::fresh) {
      ++counts["new_users"];
      ++totals_.new_users;
    }
  }
  if (is_login && error) {
    const std::string code(name_of(error->code));
    ++counts["failures." + code];
    ++totals_.logins[code];
  }
  if (called) {
    const bool failed = upstream_failed(error);
    ++counts["upstream.calls"];
    counts["upstream.ms"] += trace.upstream.count();
    if (failed) ++counts["upstream.errors"];
    note(totals_.upstream[call_of(trace.upstream_path)], trace.upstream.count(), failed);
  }
  if (user) hour.sum.active.add(*user);
}

void Stats::gather_checks() {
  for (const auto& [app, totals] : checks.totals()) {
    CheckCounts::Totals& before = gathered_[app];
    if (totals == before) continue;
    Hour& hour = at(app);
    for (size_t outcome = 0; outcome < totals.size(); ++outcome) {
      const uint64_t more = totals[outcome] - before[outcome];
      if (more > 0) hour.sum.counts["checks." + std::string(check_outcome_name(outcome))] += static_cast<int64_t>(more);
    }
    before = totals;
  }
}

StatsRow Stats::row_of(const Key& key, const Hour& hour) const {
  return {key.first, key.second, node_.value_or(Id{}), hour.sum.counts, hour.sum.active.text()};
}

Task<Result<>> Stats::flush() {
  std::vector<std::pair<Key, uint64_t>> marks;
  std::vector<StatsRow> rows;
  {
    std::lock_guard lock(mutex_);
    if (!node_) {
      CO_TRY(node_, Id::make(clock_.now(), random_));
    }
    gather_checks();
    const int64_t now = hour_now();
    std::erase_if(hours_, [now](const auto& one) {
      const bool over = one.first.second < now;
      return over && (one.second.written == one.second.changes || one.first.second < now - kHoursKept);
    });
    for (const auto& [key, hour] : hours_) {
      if (hour.written == hour.changes) continue;
      rows.push_back(row_of(key, hour));
      marks.emplace_back(key, hour.changes);
    }
  }
  for (size_t first = 0; first < rows.size(); first += kRowsAnAct) {
    const size_t last = std::min(first + kRowsAnAct, rows.size());
    std::vector<StatsRow> some(rows.begin() + static_cast<std::ptrdiff_t>(first), rows.begin() + static_cast<std::ptrdiff_t>(last));
    auto kept = co_await store_.stats().keep_stats(std::move(some));
    CO_TRY(std::move(kept));
    std::lock_guard lock(mutex_);
    for (size_t i = first; i < last; ++i) hours_[marks[i].first].written = marks[i].second;
  }
  co_return ok();
}

Task<Result<std::vector<StatsRow>>> Stats::read(ReadStats query) {
  auto found = co_await store_.stats().read_stats(query);
  CO_TRY(auto rows, std::move(found));
  std::lock_guard lock(mutex_);
  gather_checks();
  for (const auto& [key, hour] : hours_) {
    const bool asked = (!query.apps || query.apps->contains(key.first)) && key.second >= query.from && key.second < query.to;
    if (!asked) continue;
    if (node_) std::erase_if(rows, [&](const StatsRow& row) { return row.node == *node_ && row.app == key.first && row.hour == key.second; });
    rows.push_back(row_of(key, hour));
  }
  co_return rows;
}

Stats::Totals Stats::totals() const {
  std::lock_guard lock(mutex_);
  return totals_;
}

}  // namespace kaimen::core

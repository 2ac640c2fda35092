#include "api/metrics.h"

namespace kaimen::api {

namespace {

uint64_t next_instance() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

// Only the owning thread writes a cell, so load and store do.
void bump(std::atomic<uint64_t>& cell, uint64_t by = 1) { cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }

void add_series(std::string& text, std::string_view name, std::string_view labels, uint64_t value) {
  text.append(name).append("{").append(labels).append("} ").append(std::to_string(value)).append("\n");
}

void add_heading(std::string& text, std::string_view name, std::string_view help, std::string_view type) {
  text.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

std::string seconds(uint64_t ms) { return std::to_string(static_cast<double>(ms) / 1000.0); }

void add_checks(std::string& text, const core::CheckCounts& checks) {
  core::CheckCounts::Totals sums{};
  for (const auto& [app, totals] : checks.totals()) {
    for (size_t outcome = 0; outcome < sums.size(); ++outcome) sums[outcome] += totals[outcome];
  }
  add_heading(text, "kaimen_checks_total", "Ticket checks by outcome.", "counter");
  for (size_t outcome = 0; outcome < sums.size(); ++outcome) {
    add_series(text, "kaimen_checks_total", "outcome=\"" + std::string(core::check_outcome_name(outcome)) + "\"", sums[outcome]);
  }
}

void add_logins(std::string& text, const core::Stats::Totals& totals) {
  add_heading(text, "kaimen_logins_total", "Logins by what came of them: ok, or the code of the error.", "counter");
  // Those that an alert divides by are there before the first login.
  for (const char* always : {"ok", "upstream_error"}) {
    if (!totals.logins.contains(always)) add_series(text, "kaimen_logins_total", "result=\"" + std::string(always) + "\"", 0);
  }
  for (const auto& [result, count] : totals.logins) add_series(text, "kaimen_logins_total", "result=\"" + result + "\"", count);
  add_heading(text, "kaimen_new_users_total", "Users made by logins.", "counter");
  text.append("kaimen_new_users_total ").append(std::to_string(totals.new_users)).append("\n");
}

void add_upstream(std::string& text, const core::Stats::Totals& totals) {
  using Upstream = core::UpstreamTotals;
  add_heading(text, "kaimen_upstream_errors_total", "Requests that failed because of the platform or the way to it, by call.", "counter");
  for (const auto& [call, one] : totals.upstream) add_series(text, "kaimen_upstream_errors_total", "call=\"" + call + "\"", one.errors);
  add_heading(text, "kaimen_upstream_seconds", "Time that requests waited for the platform, by call.", "histogram");
  for (const auto& [call, one] : totals.upstream) {
    const std::string label = "call=\"" + call + "\"";
    uint64_t running = 0;
    for (size_t bucket = 0; bucket < one.buckets.size(); ++bucket) {
      running += one.buckets[bucket];
      const std::string le = bucket < Upstream::kBucketsMs.size() ? seconds(static_cast<uint64_t>(Upstream::kBucketsMs[bucket])) : "+Inf";
      add_series(text, "kaimen_upstream_seconds_bucket", label + ",le=\"" + le + "\"", running);
    }
    text.append("kaimen_upstream_seconds_sum{").append(label).append("} ").append(seconds(one.sum_ms)).append("\n");
    add_series(text, "kaimen_upstream_seconds_count", label, running);
  }
}

}  // namespace

Metrics::Metrics(std::vector<std::string> routes) : routes_(std::move(routes)), instance_(next_instance()) {}

Metrics::Thread& Metrics::own() {
  thread_local uint64_t instance = 0;
  thread_local Thread* thread = nullptr;
  if (instance != instance_) {
    std::lock_guard lock(mutex_);
    threads_.push_back(std::make_unique<Thread>(routes_.size()));
    thread = threads_.back().get();
    instance = instance_;
  }
  return *thread;
}

void Metrics::count(size_t route, int status, int64_t total_ms) {
  Thread& thread = own();
  bump(thread.statuses[route * 6 + static_cast<size_t>(status >= 100 && status < 600 ? status / 100 : 5)]);
  size_t bucket = 0;
  while (bucket < kBucketsMs.size() && total_ms > kBucketsMs[bucket]) ++bucket;
  bump(thread.latency[bucket]);
  bump(thread.latency_sum_ms, static_cast<uint64_t>(total_ms > 0 ? total_ms : 0));
}

std::string Metrics::text(const core::Stats& stats) const {
  std::lock_guard lock(mutex_);
  auto total = [&](auto cell) {
    uint64_t sum = 0;
    for (const auto& thread : threads_) sum += cell(*thread).load(std::memory_order_relaxed);
    return std::to_string(sum);
  };
  std::string text;
  add_checks(text, stats.checks);
  const auto totals = stats.totals();
  add_logins(text, totals);
  add_upstream(text, totals);
  text += "# HELP kaimen_http_requests_total Requests other than checks, by route and class of status.\n# TYPE kaimen_http_requests_total counter\n";
  for (size_t route = 0; route < routes_.size(); ++route) {
    for (size_t status = 1; status <= 5; ++status) {
      const std::string sum = total([&](Thread& thread) -> std::atomic<uint64_t>& { return thread.statuses[route * 6 + status]; });
      if (sum != "0") text += "kaimen_http_requests_total{route=\"" + routes_[route] + "\",status=\"" + std::to_string(status) + "xx\"} " + sum + "\n";
    }
  }
  text += "# HELP kaimen_http_request_seconds Time from a request's last byte to its answer.\n# TYPE kaimen_http_request_seconds histogram\n";
  uint64_t running = 0;
  for (size_t bucket = 0; bucket <= kBucketsMs.size(); ++bucket) {
    running += std::stoull(total([&](Thread& thread) -> std::atomic<uint64_t>& { return thread.latency[bucket]; }));
    const std::string le = bucket < kBucketsMs.size() ? std::to_string(static_cast<double>(kBucketsMs[bucket]) / 1000.0) : "+Inf";
    text += "kaimen_http_request_seconds_bucket{le=\"" + le + "\"} " + std::to_string(running) + "\n";
  }
  const std::string sum_ms = total([](Thread& thread) -> std::atomic<uint64_t>& { return thread.latency_sum_ms; });
  text += "kaimen_http_request_seconds_sum " + std::to_string(static_cast<double>(std::stoull(sum_ms)) / 1000.0) + "\n";
  text += "kaimen_http_request_seconds_count " + std::to_string(running) + "\n";
  return text;
}

}  // namespace kaimen::api

#include "api/metrics.h"

#include "base/result.h"

namespace kaimen::api {

namespace {

uint64_t next_instance() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

// Only the owning thread writes a cell, so load and store do.
void bump(std::atomic<uint64_t>& cell, uint64_t by = 1) { cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }

std::string_view outcome_name(size_t outcome) {
  switch (outcome) {
    case 0: return "ok";
    case CheckCounters::kForbidden: return "forbidden";
    case CheckCounters::kUnavailable: return "unavailable";
    case CheckCounters::kAnonymous: return "anonymous";
    default: return name_of(static_cast<Reason>(outcome));
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

std::string Metrics::text() const {
  std::lock_guard lock(mutex_);
  auto total = [&](auto cell) {
    uint64_t sum = 0;
    for (const auto& thread : threads_) sum += cell(*thread).load(std::memory_order_relaxed);
    return std::to_string(sum);
  };
  std::string text = "# HELP kaimen_checks_total Ticket checks by outcome.\n# TYPE kaimen_checks_total counter\n";
  for (size_t outcome = 0; outcome < CheckCounters::kCount; ++outcome) {
    uint64_t sum = 0;
    for (const auto& thread : threads_) sum += thread->checks.get(outcome);
    text += "kaimen_checks_total{outcome=\"" + std::string(outcome_name(outcome)) + "\"} " + std::to_string(sum) + "\n";
  }
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

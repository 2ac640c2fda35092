#include "core/check_counts.h"

#include "base/result.h"

namespace kaimen::core {

namespace {

uint64_t next_instance() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

std::string_view check_outcome_name(size_t outcome) {
  switch (outcome) {
    case CheckCounts::kPassed: return "ok";
    case CheckCounts::kForbidden: return "forbidden";
    case CheckCounts::kUnavailable: return "unavailable";
    case CheckCounts::kAnonymous: return "anonymous";
    default: return name_of(static_cast<Reason>(outcome));
  }
}

CheckCounts::CheckCounts() : instance_(next_instance()) {}

CheckCounts::Thread& CheckCounts::own() {
  thread_local uint64_t instance = 0;
  thread_local Thread* thread = nullptr;
  if (instance != instance_) {
    std::lock_guard lock(mutex_);
    threads_.push_back(std::make_unique<Thread>());
    thread = threads_.back().get();
    instance = instance_;
  }
  return *thread;
}

CheckCounts::Cells* CheckCounts::find(Thread& thread, uint32_t app) {
  Cells*& cells = thread.by_app[app];
  if (!cells) {
    std::lock_guard lock(mutex_);
    cells = &thread.cells.emplace_back(app);
  }
  return cells;
}

std::map<uint32_t, CheckCounts::Totals> CheckCounts::totals() const {
  std::map<uint32_t, Totals> all;
  std::lock_guard lock(mutex_);
  for (const auto& thread : threads_) {
    for (const Cells& cells : thread->cells) {
      Totals& sums = all[cells.app];
      for (size_t outcome = 0; outcome < kOutcomes; ++outcome) sums[outcome] += cells.counts[outcome].load(std::memory_order_relaxed);
    }
  }
  return all;
}

}  // namespace kaimen::core

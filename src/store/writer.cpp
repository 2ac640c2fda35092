#include "store/writer.h"

#include <signal.h>

#include <algorithm>
#include <random>

#include "base/background.h"
#include "base/limits.h"
#include "base/log.h"

namespace kaimen::store {

namespace {

constexpr auto kWaitingTime = std::chrono::seconds(5);  // an act that waited longer is refused: its caller has given up
constexpr int kTries = 400;                             // of one act against others; each lost one means that another act was done
constexpr int kLongestPause = 5;                        // ms between them, at most: who has lost often must not wait longer than newcomers
constexpr uint32_t kLanes = 64;                         // for all workers of all nodes; two in one are slower, no more
constexpr auto kRetryEvery = std::chrono::milliseconds(50);

}  // namespace

/// One thread with its connection.
class Writer::Worker {
 public:
  Worker(Writer& writer, std::unique_ptr<Engine> engine)
      : writer_(writer), engine_(std::move(engine)), rows_(*engine_), claims_(writer.clock_) {
    // Signals are for the threads that expect them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] {
      wake_without_haste();
      for (Acts batch; writer_.take(batch); batch.clear()) run(batch);
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Worker() { thread_.join(); }

 private:
  using Span = std::span<const std::unique_ptr<Act>>;

  void run(Acts& batch);
  void drop_late(Acts& batch);
  bool is_late(const Act& act) const { return act.pushed_at < writer_.options_.steady() - kWaitingTime; }
  /// Until each act is done or failed.
  void settle(Span acts);
  void fail(Span acts, const Error& error);
  Result<> attempt(Span acts);
  Result<> run_acts(Span acts);

  Writer& writer_;
  const std::unique_ptr<Engine> engine_;
  Rows rows_;
  Claims claims_;
  SystemRandom random_;
  uint32_t serial_ = 0;  // ActContext::serial
  const uint32_t lane_ = engine_->local() ? 0 : static_cast<uint32_t>(std::random_device{}() % kLanes);
  std::minstd_rand jitter_{std::random_device{}()};
  bool failing_ = false;  // the last writing batch found the database in trouble
  std::thread thread_;
};

// ---- the queue ----

Writer::Writer(std::vector<std::unique_ptr<Engine>> engines, Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  for (auto& engine : engines) workers_.push_back(std::make_unique<Worker>(*this, std::move(engine)));
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  workers_.clear();
}

void Writer::push(std::unique_ptr<Act> act) {
  act->pushed_at = options_.steady();
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() < limits::kWaitingActs) {
      queue_.push_back(std::move(act));
      if (idle_ > 0) wake_.notify_one();
      return;
    }
  }
  act->fail(make_error(ErrorCode::unavailable, "the store's queue is full"));
  act->finish();
}

bool Writer::take(Acts& batch) {
  std::unique_lock lock(mutex_);
  ++idle_;
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  --idle_;
  while (!queue_.empty() && batch.size() < limits::kBatchActs) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return !batch.empty();
}

// ---- a worker ----

void Writer::Worker::run(Acts& batch) {
  drop_late(batch);
  const auto outside = std::ranges::stable_partition(batch, [](const auto& act) { return !act->outside; });
  const Span inside(batch.data(), batch.size() - outside.size());
  settle(inside);
  for (const auto& act : inside) act->finish();
  for (const auto& act : outside) {
    act->run_outside(*engine_);
    act->finish();
  }
}

void Writer::Worker::drop_late(Acts& batch) {
  std::erase_if(batch, [&](const std::unique_ptr<Act>& act) {
    if (!is_late(*act)) return false;
    act->fail(make_error(ErrorCode::unavailable, "waited too long for the store"));
    act->finish();
    return true;
  });
}

void Writer::Worker::settle(Span acts) {
  if (acts.empty()) return;
  for (int tries = 1;; ++tries) {
    const auto done = attempt(acts);
    if (done) return;
    const Error& error = done.error();
    if (error.code == ErrorCode::unavailable) {
      // Once for a whole time of trouble: there may be thousands of batches in it.
      if (!std::exchange(failing_, true)) log::Line("store_failing").field("detail", error.detail).emit(log::Level::error);
      if (engine_->local() || is_late(*acts.back())) return fail(acts, error);
      std::this_thread::sleep_for(kRetryEvery);
      continue;
    }
    const bool conflict = error.code == ErrorCode::conflict;
    if (conflict && tries > 1 && is_late(*acts.back())) return fail(acts, make_error(ErrorCode::unavailable, error.detail));
    if (acts.size() > 1 && (!conflict || tries > 1)) {
      settle(acts.first(acts.size() / 2));
      settle(acts.subspan(acts.size() / 2));
      return;
    }
    if (!conflict || tries >= kTries) {
      log::Line("store_act_failed").field("detail", error.detail).emit(log::Level::error);
      return fail(acts, conflict ? make_error(ErrorCode::unavailable, error.detail) : error);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(jitter_() % (1000U * static_cast<unsigned>(std::min(tries, kLongestPause)))));
  }
}

void Writer::Worker::fail(Span acts, const Error& error) {
  bool readable = acts.size() > 1 || acts.front()->writes;  // a disk that cannot be written can often still be read
  for (const auto& act : acts) {
    act->fail(error);
    if (act->writes || !readable || !engine_->local()) continue;
    const auto done = attempt({&act, 1});
    if (!done) act->fail(done.error());
    readable = done || done.error().code != ErrorCode::unavailable;
  }
}

Result<> Writer::Worker::attempt(Span acts) {
  const bool writes = std::ranges::any_of(acts, [](const auto& act) { return act->writes; });
  rows_.clear();
  serial_ = 0;
  auto done = engine_->begin(writes);
  if (done) done = run_acts(acts);
  bool unknown = false;
  if (done) done = engine_->commit(rows_.writes(), unknown);
  if (!done) {
    engine_->roll_back();
    claims_.roll_back();
    for (const auto& act : acts) act->again = act->again || unknown;
    return done;
  }
  claims_.commit();
  if (writes && std::exchange(failing_, false)) log::info("store_recovered", "the store writes again");
  return done;
}

Result<> Writer::Worker::run_acts(Span acts) {
  Claims* claims = writer_.options_.claims_in_memory ? &claims_ : nullptr;
  std::vector<Act*> waiting;
  for (const auto& act : acts) waiting.push_back(act.get());
  while (!waiting.empty()) {
    std::erase_if(waiting, [&](Act* act) {
      ActContext context{rows_, claims, random_, serial_, writer_.clock_, act->again, lane_};
      const bool accepted = act->run(context);
      const bool again = rows_.take_wanting();
      const auto kept = accepted && !again ? rows_.keep_act() : Result<>(ok());
      if (!kept) act->fail(kept.error());
      if (!accepted || again || !kept) rows_.undo_act();
      return !again;
    });
    if (const auto& failure = rows_.failure()) return *failure;
    if (!waiting.empty()) {
      TRY(rows_.fetch());
    }
  }
  return ok();
}

}  // namespace kaimen::store

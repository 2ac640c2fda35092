#include "store/writer.h"

#include <signal.h>

#include "base/limits.h"
#include "base/log.h"

namespace kaimen::store {

namespace {
constexpr auto kWaitingTime = std::chrono::seconds(5);  // an act that waited longer is refused: its caller has given up
}

Writer::Writer(std::unique_ptr<Database> database, Options options, const Clock& clock)
    : options_(std::move(options)), database_(std::move(database)), clock_(clock), claims_(clock) {
  // Signals are for the threads that expect them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::push(std::unique_ptr<Act> act) {
  act->pushed_at = options_.steady();
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() < limits::kWaitingActs) {
      queue_.push_back(std::move(act));
      if (queue_.size() == 1) wake_.notify_one();
      return;
    }
  }
  act->fail(make_error(ErrorCode::unavailable, "the store's queue is full"));
  act->finish();
}

void Writer::run() {
  std::vector<std::unique_ptr<Act>> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < limits::kBatchActs) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    run_batch(batch);
    batch.clear();
  }
}

void Writer::run_batch(std::vector<std::unique_ptr<Act>>& batch) {
  const SteadyTime oldest = options_.steady() - kWaitingTime;
  std::erase_if(batch, [&](const std::unique_ptr<Act>& act) {
    if (act->pushed_at >= oldest) return false;
    act->fail(make_error(ErrorCode::unavailable, "waited too long for the store"));
    act->finish();
    return true;
  });
  if (batch.empty()) return;

  Error error;
  switch (attempt(batch, error)) {
    case Outcome::committed:
      break;
    case Outcome::act_failed:
      for (const auto& act : batch) run_alone(act);
      break;
    case Outcome::environment:
      report_failing(error);
      bool readable = true;  // a disk that cannot be written can often still be read
      for (const auto& act : batch) {
        act->fail(error);
        if (!act->writes && readable) readable = run_alone(act);
      }
      break;
  }
  for (const auto& act : batch) act->finish();
}

bool Writer::run_alone(const std::unique_ptr<Act>& act) {
  Error error;
  const Outcome outcome = attempt({&act, 1}, error);
  if (outcome == Outcome::committed) return true;
  log::Line("store_act_failed").field("detail", error.detail).emit(log::Level::error);
  act->fail(error);
  return outcome == Outcome::act_failed;
}

// Once for a whole time of trouble: there may be thousands of batches in it.
void Writer::report_failing(const Error& error) {
  if (!failing_) log::Line("store_failing").field("detail", error.detail).emit(log::Level::error);
  failing_ = true;
}

Writer::Outcome Writer::attempt(Acts acts, Error& error) {
  if ((!database_ || !healthy_) && !reopen(error)) return Outcome::environment;
  Database& db = *database_;
  db.clear_failure();

  bool writes = false;
  for (const auto& act : acts) writes = writes || act->writes;
  // The write lock is taken first: a transaction that reads and then writes could find its snapshot overtaken.
  if (const auto begun = db.run(writes ? "BEGIN IMMEDIATE" : "BEGIN"); !begun) {
    error = begun.error();
    const int code = db.failure()->code & 0xff;
    healthy_ = code == SQLITE_BUSY || code == SQLITE_FULL;
    return Outcome::environment;
  }

  ActContext context{db, claims_, random_, clock_};
  for (const auto& act : acts) {
    const int64_t before = db.total_changes();
    const bool accepted = act->run(context);
    if (const auto& failure = db.failure()) {
      error = failure->error();
      return roll_back(failure->environmental() ? Outcome::environment : Outcome::act_failed);
    }
    if (accepted || db.total_changes() == before) continue;
    // A refusal that had begun to write: alone, it stands and its writes go; among others, all are run again alone.
    error = make_error(ErrorCode::internal, "an act refused after it had written");
    return roll_back(acts.size() == 1 ? Outcome::committed : Outcome::act_failed);
  }

  if (const auto committed = db.run("COMMIT"); !committed) {
    error = committed.error();
    error.code = ErrorCode::unavailable;
    return roll_back(Outcome::environment);
  }
  claims_.commit();
  if (writes && failing_) log::info("store_recovered", "the store writes again");
  if (writes) failing_ = false;
  return Outcome::committed;
}

// The connection is kept after a failed commit: it knows that the frames it wrote do not count. One that recovers from the file would take
// them for committed, although their acts were answered `unavailable`.
Writer::Outcome Writer::roll_back(Outcome outcome) {
  claims_.roll_back();
  database_->clear_failure();
  if (database_->in_transaction()) static_cast<void>(database_->script("ROLLBACK"));
  healthy_ = !database_->in_transaction();
  return outcome;
}

bool Writer::reopen(Error& error) {
  if (database_) database_->close_without_checkpoint();
  database_.reset();  // before the next one is there: never two connections
  auto opened = Database::open(options_.path, options_.checkpoint_pages);
  if (!opened) {
    error = opened.error();
    error.code = ErrorCode::unavailable;
    return false;
  }
  database_ = std::move(opened).value();
  healthy_ = true;
  return true;
}

}  // namespace kaimen::store

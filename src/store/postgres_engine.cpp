// Why COMMIT may travel with the writes. Under REPEATABLE READ a row that another changed since the snapshot fails the statement with
// 40001, and a row that another inserted fails the insert with 23505; the server then skips everything up to the end of the pipeline,
// COMMIT too. What is left is an update or remove that finds less than it names in the snapshot itself: a guard or a row that the act did
// not read in this transaction. So each such statement compares the number of rows it changed with the number it was given, and divides by
// zero where they differ: an error like the others, on every server that speaks this dialect, and nothing after it runs.
//
// The same trick ends a transaction that has grown too old. The nodes that follow revocations count on a stamp being visible within seconds
// of its time; statement_timeout and its like bound the parts, and this the whole, by the server's own clock.
#include "store/postgres_engine.h"

#include <compare>
#include <map>
#include <utility>
#include <vector>

#include "store/postgres_connection.h"
#include "store/probe.h"

namespace kaimen::store {

namespace {

constexpr Millis kAnswer{6000};            // a little more than the server's own statement_timeout
constexpr Millis kRollBack{1000};
constexpr Millis kScript{30 * 60 * 1000};  // an index over 100 million rows takes its time
constexpr std::string_view kDivisionByZero = "22012";

PostgresStatement statement(const char* text) { return {PostgresSql{text, {}}}; }

class PostgresEngine final : public Engine {
 public:
  explicit PostgresEngine(std::string url) : url_(std::move(url)) { commit_.commits = true; }

  bool local() const override { return false; }
  Result<Time> time() override;
  Result<> begin(bool writes) override;
  Result<> read(std::span<const Read> reads) override;
  Result<> scan(const Scan& scan, std::span<const Cell> values, const Sink& sink) override { return scan_each(scan, values, values.size(), sink); }
  Result<> scan_each(const Scan& scan, std::span<const Cell> values, size_t width, const Sink& sink) override;
  Result<> commit(std::span<const Write> writes, bool& unknown) override;
  void roll_back() noexcept override;
  Result<> script(const std::string& sql) override;
  Result<std::vector<Probe>> probe() override;

 private:
  enum class State : uint8_t {
    idle,
    begun,   // BEGIN goes with the first statement
    open,
    failed,  // roll_back or begin may follow
  };
  enum class Form : uint8_t { lookup, scan, insert, update, remove };
  struct Shape {
    const void* of;  // a Lookup, Scan or TableInfo
    Form form;
    bool one_row;
    uint64_t columns;  // of update
    auto operator<=>(const Shape&) const = default;
  };

  Result<> connect();
  Result<> expect_transaction() const;
  PostgresStatement& known(const Shape& shape) { return statements_[shape]; }
  void queue_begin();
  void queue_write(const Write& write);
  Result<> run();
  Result<> fail(const PostgresFailure& failure);
  void end_without_waiting(const PostgresStatement& last, Millis longest);

  const std::string url_;
  std::unique_ptr<PostgresConnection> connection_;
  State state_ = State::idle;
  bool writes_ = false;
  std::map<Shape, PostgresStatement> statements_;
  PostgresValues values_;
  const PostgresStatement begin_to_write_ = statement("BEGIN ISOLATION LEVEL REPEATABLE READ");
  const PostgresStatement begin_to_read_ = statement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const PostgresStatement young_ = statement("SELECT 1 / CASE WHEN clock_timestamp() < now() + INTERVAL '5 seconds' THEN 1 ELSE 0 END");
  PostgresStatement commit_ = statement("COMMIT");
  const PostgresStatement roll_back_ = statement("ROLLBACK");
  const PostgresStatement time_ = statement("SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)");
};

Result<> PostgresEngine::connect() {
  if (connection_ && connection_->alive()) return ok();
  connection_.reset();
  TRY(connection_, PostgresConnection::open(url_));
  return ok();
}

Result<> PostgresEngine::expect_transaction() const {
  if (connection_ && (state_ == State::begun || state_ == State::open)) return ok();
  return make_error(ErrorCode::internal, "no transaction was begun, or it failed");
}

/// Remembers that the transaction failed; lets a connection go that is of no more use.
Result<> PostgresEngine::fail(const PostgresFailure& failure) {
  if (state_ != State::idle) state_ = State::failed;
  if (!connection_->alive()) connection_.reset();
  Error error = failure.error();
  if (failure.sqlstate == kDivisionByZero && failure.statement == &young_) {
    error = make_error(ErrorCode::unavailable, "PostgreSQL: the transaction took more than 5 s");
  } else if (failure.sqlstate == kDivisionByZero) {
    error = make_error(ErrorCode::conflict, "PostgreSQL: a row to be changed is gone, or was changed");
  }
  return error;
}

Result<> PostgresEngine::run() {
  if (const auto failure = connection_->run(deadline_in(kAnswer))) return fail(*failure);
  return ok();
}

Result<Time> PostgresEngine::time() {
  if (state_ == State::idle) {
    TRY(connect());
  }
  if (!connection_) return make_error(ErrorCode::unavailable, "PostgreSQL: no connection");
  Time now{};
  const Sink sink = [&](std::span<const Cell> cells) { read_cell(cells[0], now); };
  values_.clear();
  connection_->queue(time_, values_, &sink);
  TRY(run());
  return now;
}

Result<> PostgresEngine::begin(bool writes) {
  roll_back();
  TRY(connect());
  state_ = State::begun;
  writes_ = writes;
  return ok();
}

void PostgresEngine::queue_begin() {
  if (state_ != State::begun) return;
  values_.clear();
  connection_->queue(writes_ ? begin_to_write_ : begin_to_read_, values_);
  state_ = State::open;
}

Result<> PostgresEngine::read(std::span<const Read> reads) {
  TRY(expect_transaction());
  bool any = false;
  for (const Read& read : reads) {
    if (read.values.empty()) continue;
    queue_begin();
    any = true;
    const bool one_row = read.values.size() == read.lookup->count;
    PostgresStatement& lookup = known({read.lookup, Form::lookup, one_row, 0});
    if (!lookup.table) lookup = {lookup_sql(*read.lookup, one_row), read.lookup->table};
    values_.clear();
    values_.add_rows(read.values, read.lookup->count);
    connection_->queue(lookup, values_, &read.sink);
  }
  return any ? run() : Result<>(ok());
}

Result<> PostgresEngine::scan_each(const Scan& scan, std::span<const Cell> values, size_t width, const Sink& sink) {
  TRY(expect_transaction());
  queue_begin();
  PostgresStatement& rows = known({&scan, Form::scan, false, 0});
  if (!rows.table) rows = {scan_sql(scan, values.first(width)), scan.table, true};
  do {
    values_.clear();
    for (const Cell& value : values.first(width)) values_.add(value);
    connection_->queue(rows, values_, &sink);
    values = values.subspan(width);
  } while (!values.empty());
  return run();
}

void PostgresEngine::queue_write(const Write& write) {
  static constexpr Form kForms[] = {Form::insert, Form::update, Form::remove};
  PostgresStatement& change = known({write.table, kForms[static_cast<size_t>(write.what)], write.rows == 1, write.columns});
  if (change.sql.text.empty()) change.sql = write_sql(write);
  values_.clear();
  values_.add_rows(write.cells, write.width());
  if (counts_rows(write)) values_.add(static_cast<int64_t>(write.rows));
  connection_->queue(change, values_);
}

Result<> PostgresEngine::commit(std::span<const Write> writes, bool& unknown) {
  unknown = false;
  TRY(expect_transaction());
  bool any = false;
  for (const Write& write : writes) {
    if (write.rows == 0) continue;
    if (!writes_) return make_error(ErrorCode::internal, "changes in a transaction that reads");
    queue_begin();
    queue_write(write);
    any = true;
  }
  if (!any) {
    // Nothing depends on it: what was read is as true without the answer.
    if (state_ == State::open) end_without_waiting(commit_, kAnswer);
    state_ = State::idle;
    return ok();
  }
  values_.clear();
  connection_->queue(young_, values_);
  connection_->queue(commit_, values_);
  if (const auto failure = connection_->run(deadline_in(kAnswer))) {
    unknown = failure->uncertain;
    return fail(*failure);
  }
  state_ = State::idle;
  return ok();
}

void PostgresEngine::end_without_waiting(const PostgresStatement& last, Millis longest) {
  values_.clear();
  connection_->queue(last, values_);
  connection_->send(deadline_in(longest));
}

void PostgresEngine::roll_back() noexcept {
  if (connection_ && (state_ == State::open || state_ == State::failed)) end_without_waiting(roll_back_, kRollBack);
  state_ = State::idle;
}

Result<> PostgresEngine::script(const std::string& sql) {
  if (state_ != State::idle) return make_error(ErrorCode::internal, "a script inside of a transaction");
  TRY(connect());
  auto failure = connection_->script("SET statement_timeout = 0", deadline_in(kAnswer));
  if (!failure) failure = connection_->script(sql, deadline_in(kScript));
  // The connection goes with the setting, and with whatever else the script has set or left open.
  connection_.reset();
  if (failure) return failure->error();
  return ok();
}

Result<std::vector<Probe>> PostgresEngine::probe() {
  if (state_ != State::idle) return make_error(ErrorCode::internal, "a probe inside of a transaction");
  if (auto connected = connect(); !connected) {
    // In libpq's words, of a server that was reached.
    if (connected.error().detail.find("session is read-only") != std::string::npos) return std::vector<Probe>{only_reads()};
    return std::move(connected).error();
  }
  auto probes = probe_postgres(*connection_);
  connection_.reset();
  return probes;
}

}  // namespace

Result<std::unique_ptr<Engine>> open_postgres(const std::string& url) {
  TRY(check_postgres_url(url));
  return std::unique_ptr<Engine>(std::make_unique<PostgresEngine>(url));
}

}  // namespace kaimen::store

#include "store/mysql_engine.h"

#include <charconv>
#include <chrono>
#include <functional>
#include <utility>
#include <vector>

#include "store/mysql_connection.h"
#include "store/mysql_sql.h"
#include "store/probe.h"

namespace kaimen::store {

namespace {

using Monotonic = std::chrono::steady_clock;
using Counts = std::vector<uint64_t>;

constexpr std::string_view kBegin = "START TRANSACTION;";
/// What is stamped with a transaction's time must be there for others soon after: older transactions are not committed.
constexpr auto kTransactionTime = std::chrono::seconds(5);
/// A line that is found broken sooner than this was so before: the server is asked again.
constexpr auto kFoundBroken = std::chrono::seconds(1);
constexpr size_t kPacketBytes = 512 * 1024;  // far below any server's max_allowed_packet

int64_t integer_of(std::string_view digits) {
  int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// Turns values as the server wrote them into the cells of a table's row.
class Rows {
 public:
  std::span<const Cell> cells(const TableInfo& table, std::span<const std::string_view> values) {
    cells_.resize(table.columns.size());
    for (size_t i = 0; i < cells_.size(); ++i) {
      Cell& cell = cells_[i] = Cell{table.columns[i].kind, values[i].data() == nullptr};
      if (cell.null) continue;
      if (cell.kind == Kind::integer) cell.integer = integer_of(values[i]);
      else cell.text = values[i];
    }
    return cells_;
  }

 private:
  std::vector<Cell> cells_;
};

class MysqlEngine final : public Engine {
 public:
  explicit MysqlEngine(MysqlUrl url) : url_(std::move(url)) {}
  ~MysqlEngine() override { roll_back(); }

  bool local() const override { return false; }
  bool compares_rows() const override { return false; }
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
    none,
    begun,  ///< START TRANSACTION goes out in front of the first statement, to save a way.
    open,
  };
  Result<std::unique_ptr<MysqlConnection>> connect(MysqlConnection::Use use);
  Result<> connected();
  enum class Does : uint8_t { reads, writes };
  Result<Counts> run(Does what, const std::string& sql, const MysqlConnection::OnRow& on_row = {});
  /// Sends what was gathered for `expected.size()` statements, and holds each to its number of rows.
  Result<> send_writes(std::string& sql, Counts& expected);

  const MysqlUrl url_;
  size_t host_ = 0;  ///< To be tried first.
  std::unique_ptr<MysqlConnection> connection_;
  State state_ = State::none;
  Monotonic::time_point begun_at_{};
};

Result<std::unique_ptr<MysqlConnection>> MysqlEngine::connect(MysqlConnection::Use use) {
  if (url_.hosts.empty()) return MysqlConnection::open(url_, nullptr, use);
  std::string why;
  for (size_t tried = 0; tried < url_.hosts.size(); ++tried) {
    auto connection = MysqlConnection::open(url_, &url_.hosts[host_], use);
    if (connection) return connection;
    if (!why.empty()) why += "; ";
    why += connection.error().detail;
    host_ = (host_ + 1) % url_.hosts.size();
  }
  return make_error(ErrorCode::unavailable, std::move(why));
}

Result<> MysqlEngine::connected() {
  if (connection_) return ok();
  TRY(connection_, connect(MysqlConnection::Use::acts));
  return ok();
}

Result<Counts> MysqlEngine::run(Does what, const std::string& sql, const MysqlConnection::OnRow& on_row) {
  if (!connection_ && state_ == State::open) return make_error(ErrorCode::internal, "mysql: the transaction has ended");
  const bool first = state_ != State::open;
  const size_t before = state_ == State::begun ? 1 : 0;  // statements in front of `sql`
  bool seen = false;
  const auto take = [&](size_t statement, std::span<const std::string_view> row) {
    seen = true;
    if (on_row) on_row(statement - before, row);
  };
  for (bool again = false;; again = true) {
    TRY(connected());
    const auto sent_at = Monotonic::now();
    auto counts = connection_->run(before != 0 ? std::string(kBegin) + sql : sql, take);
    if (before != 0) state_ = State::open;
    if (counts) {
      counts.value().erase(counts.value().begin(), counts.value().begin() + static_cast<ptrdiff_t>(before));
      return counts;
    }
    // A read waits for nobody's rows: the table is being altered, or this Galera node lost the others.
    if (what == Does::reads && connection_->waited_in_vain()) counts.error().code = ErrorCode::unavailable;
    if (counts.error().code != ErrorCode::unavailable) return counts;
    // Whatever it was, this connection is not used again. One that was cut while nobody used it says nothing about its host.
    const bool was_broken = connection_->lost() && Monotonic::now() - sent_at < kFoundBroken;
    connection_.reset();
    if (!was_broken && !url_.hosts.empty()) host_ = (host_ + 1) % url_.hosts.size();
    // Nothing that came before is lost with it, as nothing did; and no COMMIT is ever in a first text.
    if (!first || !was_broken || seen || again) return counts;
    if (before != 0) state_ = State::begun;
  }
}

Result<Time> MysqlEngine::time() {
  int64_t ms = 0;
  // Neither side is a TIMESTAMP, so that no time zone has a say.
  TRY(run(Does::reads, "SELECT TIMESTAMPDIFF(MICROSECOND,'1970-01-01 00:00:00',UTC_TIMESTAMP(3)) DIV 1000;",
          [&](size_t, std::span<const std::string_view> row) { ms = integer_of(row[0]); }));
  return from_epoch_ms(ms);
}

// START TRANSACTION READ ONLY would gain nothing on InnoDB, which gives a number to those that write only, and TiDB may refuse it. The
// snapshot is taken by the first read, which is early enough for reads to agree.
Result<> MysqlEngine::begin(bool) {
  roll_back();
  TRY(connected());
  state_ = State::begun;
  begun_at_ = Monotonic::now();
  return ok();
}

Result<> MysqlEngine::read(std::span<const Read> reads) {
  std::string sql;
  std::vector<const Read*> asked;  // by statement
  Rows rows;
  const auto take = [&](size_t statement, std::span<const std::string_view> values) {
    const Read& read = *asked[statement];
    read.sink(rows.cells(*read.lookup->table, values));
  };
  const auto send = [&]() -> Result<> {
    if (asked.empty()) return ok();
    TRY(run(Does::reads, sql, take));
    sql.clear();
    asked.clear();
    return ok();
  };
  for (const Read& read : reads) {
    for (auto left = read.values; !left.empty();) {
      const size_t taken = mysql::rows_at_once(left, read.lookup->count) * read.lookup->count;
      mysql::append_read(sql, *read.lookup, left.first(taken));
      asked.push_back(&read);
      left = left.subspan(taken);
      if (sql.size() >= kPacketBytes) {
        TRY(send());
      }
    }
  }
  return send();
}

Result<> MysqlEngine::scan_each(const Scan& scan, std::span<const Cell> values, size_t width, const Sink& sink) {
  std::string sql;
  Rows rows;
  do {
    mysql::append_scan(sql, scan, values.first(width));
    values = values.subspan(width);
  } while (!values.empty());
  TRY(run(Does::reads, sql, [&](size_t, std::span<const std::string_view> row) { sink(rows.cells(*scan.table, row)); }));
  return ok();
}

Result<> MysqlEngine::send_writes(std::string& sql, Counts& expected) {
  if (expected.empty()) return ok();
  TRY(const Counts counts, run(Does::writes, sql));
  if (counts != expected) return make_error(ErrorCode::conflict, "mysql: a row is gone or was changed");
  sql.clear();
  expected.clear();
  return ok();
}

Result<> MysqlEngine::commit(std::span<const Write> writes, bool& unknown) {
  unknown = false;
  std::string sql;
  Counts expected;
  for (const Write& write : writes) {
    const size_t width = write.width();
    for (auto left = write.cells; !left.empty();) {
      const size_t rows = mysql::rows_at_once(left, width);
      const auto cells = left.first(rows * width);
      switch (write.what) {
        case Write::What::insert: mysql::append_insert(sql, *write.table, cells); break;
        case Write::What::update: mysql::append_update(sql, *write.table, write.columns, cells); break;
        case Write::What::remove: mysql::append_remove(sql, *write.table, cells); break;
      }
      expected.push_back(rows);
      left = left.subspan(rows * width);
      if (sql.size() >= kPacketBytes) {
        TRY(send_writes(sql, expected));
      }
    }
  }
  TRY(send_writes(sql, expected));

  if (state_ == State::begun) {  // nothing was ever sent
    state_ = State::none;
    return ok();
  }
  if (!writes.empty() && Monotonic::now() - begun_at_ > kTransactionTime) {
    return make_error(ErrorCode::unavailable, "mysql: the transaction took longer than 5 s");
  }
  // A COMMIT that another's change defeats was rolled back. Of any other error the outcome is not known: the line may have broken on the
  // way back, a Galera node may have handed the changes on before it failed.
  auto committed = run(Does::writes, "COMMIT;");
  if (!committed) {
    unknown = !writes.empty() && committed.error().code != ErrorCode::conflict;
    return std::move(committed).error();
  }
  state_ = State::none;
  return ok();
}

void MysqlEngine::roll_back() noexcept {
  if (std::exchange(state_, State::none) != State::open || !connection_) return;
  if (!connection_->run("ROLLBACK;")) connection_.reset();
}

Result<> MysqlEngine::script(const std::string& sql) {
  TRY(auto connection, connect(MysqlConnection::Use::migrations));
  TRY(connection->run(sql));
  return ok();
}

Result<std::vector<Probe>> MysqlEngine::probe() {
  auto connection = connect(MysqlConnection::Use::acts);
  if (connection) return probe_mysql(*connection.value());
  const std::string& why = connection.error().detail;
  if (why.find("the server only reads") != std::string::npos) return std::vector<Probe>{only_reads()};
  // "WSREP has not yet prepared node for application use", or a read that waited in vain for what the others committed.
  if (why.find("mysql 1047:") != std::string::npos || why.find("mysql 1205:") != std::string::npos) {
    return std::vector<Probe>{{Probe::State::bad, "this Galera node is not part of the cluster's majority", "look at wsrep_cluster_status on all nodes"}};
  }
  return std::move(connection).error();
}

}  // namespace

Result<std::unique_ptr<Engine>> open_mysql(const std::string& url) {
  TRY(auto parsed, parse_mysql_url(url));
  return std::unique_ptr<Engine>(std::make_unique<MysqlEngine>(std::move(parsed)));
}

Result<> check_mysql_url(const std::string& url) {
  TRY(parse_mysql_url(url));
  return ok();
}

}  // namespace kaimen::store

// Copies of a SQLite store on real servers: every table, interrupted and gone on with, refused where it would be no copy.
#include "store/copy.h"

#include "store/marks.h"
#include "store/rows.h"
#include "tests/contract/engine_factory.h"
#include "tests/contract/engine_rows.h"
#include "tests/contract/sqlite_factory.h"

namespace kaimen::contract {

namespace {

using store::Cell;

// ---- rows of any table: text beyond ASCII, bytes with zeros, NULLs in every other row ----

template <class T>
void fill(T& value, size_t column, int number) {
  if constexpr (store::IsOptional<T>::value) {
    value.reset();
    if (number % 2 == 1) fill(value.emplace(), column, number);
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = "开门 é 😀 ' \\ " + std::to_string(column) + "/" + std::to_string(number);
  } else if constexpr (std::is_same_v<T, store::Bytes>) {
    value.raw = std::string("\0\xff\x80'", 4) + static_cast<char>(column) + std::to_string(number);
  } else if constexpr (std::is_same_v<T, Id>) {
    value = Id{};
    value.bytes[0] = 0xfe;
    value.bytes[14] = static_cast<uint8_t>(number >> 8);
    value.bytes[15] = static_cast<uint8_t>(number);
  } else if constexpr (std::is_same_v<T, Time>) {
    value = t0 + Millis{number};
  } else if constexpr (std::is_same_v<T, bool> || std::is_enum_v<T>) {
    value = static_cast<T>(number % 2);
  } else {
    value = static_cast<T>(number);
  }
}

template <class Row>
std::vector<Row> some(int count) {
  std::vector<Row> rows(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    store::for_each_column(rows[static_cast<size_t>(i)], [&](size_t column, auto& member) { fill(member, column, i); });
  }
  return rows;
}

template <class Row>
void insert_some(store::Engine& engine, int count) {
  if constexpr (std::is_same_v<Row, store::NodeRow> || std::is_same_v<Row, store::NodeProgramRow>) return;  // SQLite has none
  const auto rows = some<Row>(count);
  const auto done = insert(engine, rows);
  EXPECT_TRUE(done) << done.error().detail;
}
template <class... Row>
void fill_tables(store::Engine& engine, int count, store::TableList<Row...>) {
  (insert_some<Row>(engine, count), ...);
}

/// All rows of a table as text, in the order of the whole row: read by other statements than the copy's own.
template <class Row>
std::vector<std::string> contents(store::Engine& engine) {
  static const store::Scan kEverything{&store::kTable<Row>, "", ""};
  std::vector<std::string> rows;
  EXPECT_TRUE(engine.begin(false));
  const auto done = engine.scan(kEverything, {}, [&](std::span<const Cell> cells) {
    std::string& row = rows.emplace_back();
    for (const Cell& cell : cells) row += (cell.null ? "NULL" : std::to_string(cell.integer) + "=" + std::string(cell.text)) + "|";
  });
  EXPECT_TRUE(done) << done.error().detail;
  engine.roll_back();
  std::sort(rows.begin(), rows.end());
  return rows;
}
template <class Row>
void expect_same_rows(store::Engine& a, store::Engine& b) {
  if constexpr (std::is_same_v<Row, store::NodeRow> || std::is_same_v<Row, store::NodeProgramRow>) return;
  EXPECT_EQ(contents<Row>(a), contents<Row>(b)) << store::Table<Row>::name;
}
template <class... Row>
void expect_same(store::Engine& a, store::Engine& b, store::TableList<Row...>) {
  (expect_same_rows<Row>(a, b), ...);
}

/// An engine whose commits a test meddles with.
class Meddled final : public store::Engine {
 public:
  explicit Meddled(std::unique_ptr<store::Engine> inner) : inner_(std::move(inner)) {}
  bool local() const override { return inner_->local(); }
  bool compares_rows() const override { return inner_->compares_rows(); }
  Result<Time> time() override { return inner_->time(); }
  Result<> begin(bool writes) override { return inner_->begin(writes); }
  Result<> read(std::span<const store::Read> reads) override { return inner_->read(reads); }
  Result<> scan(const store::Scan& scan, std::span<const Cell> values, const store::Sink& sink) override {
    return inner_->scan(scan, values, sink);
  }
  Result<> commit(std::span<const store::Write> writes, bool& unknown) override {
    if (writes.empty()) return inner_->commit(writes, unknown);
    ++commits;
    if (commits == stop_at) return make_error(ErrorCode::invalid_request, "stopped by the test");
    TRY(inner_->commit(writes, unknown));
    if (commits != lose_answer_of) return ok();
    unknown = true;
    return make_error(ErrorCode::unavailable, "the answer was lost");
  }
  void roll_back() noexcept override { inner_->roll_back(); }
  Result<> script(const std::string& sql) override { return inner_->script(sql); }

  int commits = 0, stop_at = 0, lose_answer_of = 0;

 private:
  const std::unique_ptr<store::Engine> inner_;
};

class Copying : public testing::TestWithParam<servers::Engine> {
 protected:
  Copying() : target_database_(GetParam()), target_(store::open_engine(target_database_.url(), clock_).value()) {
    SystemRandom random;
    EXPECT_TRUE(store::migrate(*source_, store::Dialect::sqlite, random));
    EXPECT_TRUE(store::migrate(target_, dialect_, random));
    target_.commits = 0;  // those of the copy are counted
  }

  void fill_source(int rows) { fill_tables(*source_, rows, store::AllTables{}); }
  Result<std::vector<store::CopiedTable>> copy(const store::OnCopyProgress& progress = [](const store::CopyProgress&) {}) {
    return store::copy_store({*source_, store::Dialect::sqlite}, {target_, dialect_}, t0, progress);
  }
  /// Where the copy is to be refused, the error's words.
  std::string refusal(const store::OnCopyProgress& progress = [](const store::CopyProgress&) {}) {
    const auto done = copy(progress);
    EXPECT_FALSE(done);
    return done ? "" : done.error().detail;
  }
  std::string on_target(const std::string& sql) {
    const auto rows = servers::execute(GetParam(), target_database_.url(), sql);
    return rows.empty() ? "" : rows[0][0];
  }
  bool nodes_may_start() { return static_cast<bool>(store::open_store({target_database_.url(), 1}, clock_)); }

  const store::Dialect dialect_ = GetParam() == servers::Engine::postgres ? store::Dialect::postgres : store::Dialect::mysql;
  ManualClock clock_;
  const TemporaryDirectory directory_;
  const std::unique_ptr<store::Engine> source_ = store::open_engine("sqlite://" + (directory_.path / "kaimen.db").string(), clock_).value();
  const servers::Database target_database_;
  Meddled target_;
};

void expect_words(const std::string& text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in: " << text;
}

constexpr const char* kKeyOfSeven = "fe000000000000000000000000000007";

}  // namespace

TEST_P(Copying, TakesEveryRowOfEveryTable) {
  constexpr int kRows = 1203;  // some pages and chunks
  fill_source(kRows);
  uint64_t looked = 0, written = 0, verified = 0, total = 0;
  const auto done = copy([&](const store::CopyProgress& at) {
    if (at.step == store::CopyStep::look) looked = at.done;
    if (at.step == store::CopyStep::write) written = at.done;
    if (at.step == store::CopyStep::verify) verified = at.done;
    total = at.total;
  });
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done.value().size(), store::count_of(store::AllTables{}) - 2) << "all but what nodes write of themselves";
  uint64_t rows = 0;
  for (const store::CopiedTable& table : done.value()) {
    const bool has_default = table.name == "projects";  // on both sides, by the migration
    EXPECT_EQ(table.rows, kRows + (has_default ? 1 : 0)) << table.name;
    EXPECT_EQ(table.written, kRows) << table.name;
    rows += table.rows;
  }
  EXPECT_EQ(std::tuple(looked, written, verified, total), std::tuple(rows, rows - 1, rows, rows));
  expect_same(*source_, target_, store::AllTables{});
  EXPECT_EQ(on_target("SELECT count(*) FROM nodes"), "0");
  EXPECT_TRUE(nodes_may_start());
}

TEST_P(Copying, GoesOnWhereItWasInterrupted) {
  fill_source(700);
  target_.stop_at = 6;  // the mark, two chunks of users, two of apps, and in the middle of the next
  expect_words(refusal(), {"stopped by the test"});
  EXPECT_EQ(on_target("SELECT count(*) FROM users"), "700");
  EXPECT_EQ(on_target("SELECT count(*) FROM events"), "0");
  EXPECT_FALSE(nodes_may_start());

  const auto done = copy();
  ASSERT_TRUE(done) << done.error().detail;
  for (const store::CopiedTable& table : done.value()) {
    if (table.name == "users") { EXPECT_EQ(table.written, 0); }
    if (table.name == "events") { EXPECT_EQ(table.written, 700); }
  }
  expect_same(*source_, target_, store::AllTables{});
  EXPECT_TRUE(nodes_may_start());
}

TEST_P(Copying, AgainChangesNothing) {
  fill_source(3);
  ASSERT_TRUE(copy());
  const auto again = copy();
  ASSERT_TRUE(again) << again.error().detail;
  for (const store::CopiedTable& table : again.value()) EXPECT_EQ(table.written, 0) << table.name;
}

TEST_P(Copying, SurvivesAnAnswerThatIsLost) {
  fill_source(20);
  target_.lose_answer_of = 2;  // of the first users
  const auto done = copy();
  ASSERT_TRUE(done) << done.error().detail;
  expect_same(*source_, target_, store::AllTables{});
}

TEST_P(Copying, RefusesToGoOnOverARowThatDiffers) {
  fill_source(700);
  target_.stop_at = 6;
  refusal();
  on_target("UPDATE users SET nickname = 'another', gender = 77 WHERE version = 7");
  const std::string before = on_target("SELECT count(*) FROM apps");
  expect_words(refusal(), {"users", kKeyOfSeven, "nickname", "gender"});
  EXPECT_EQ(on_target("SELECT count(*) FROM apps"), before) << "something was written";
}

TEST_P(Copying, RefusesADatabaseInUse) {
  fill_source(3);
  on_target("INSERT INTO projects (name, created_at) VALUES ('shop', 5)");
  expect_words(refusal(), {"projects, name='shop'", "in use"});
  EXPECT_EQ(on_target("SELECT count(*) FROM users"), "0");
  EXPECT_EQ(on_target("SELECT count(*) FROM meta"), "0") << "a database in use was marked";
}

TEST_P(Copying, RefusesADatabaseWhereNodesHaveRun) {
  ASSERT_TRUE(insert(target_, some<store::NodeRow>(1)));
  expect_words(refusal(), {"nodes"});
}

TEST_P(Copying, FindsWhatIsNotTheSameAfterwards) {
  fill_source(20);
  const auto once = [&](const std::string& sql) {
    return [&, sql](const store::CopyProgress& at) {
      if (at.step == store::CopyStep::verify && at.done == 0) on_target(sql);
    };
  };
  expect_words(refusal(once("UPDATE sessions SET generation = 99 WHERE generation = 7")), {"sessions", kKeyOfSeven, "generation"});
  EXPECT_FALSE(nodes_may_start());
  on_target("UPDATE sessions SET generation = 7 WHERE generation = 99");
  expect_words(refusal(once("DELETE FROM revocations WHERE generation = 7")), {"revocations", kKeyOfSeven, "not there"});
  expect_words(refusal(once("UPDATE users SET external_id = '' WHERE version = 8")), {"users", "external_id"});  // it was NULL
  EXPECT_FALSE(nodes_may_start());
}

TEST_P(Copying, RefusesATextThatNoServerKeeps) {
  auto users = some<store::UserRow>(9);
  users[7].nickname = std::string("a\0b", 3);
  ASSERT_TRUE(insert(*source_, users));
  expect_words(refusal(), {"users", kKeyOfSeven, "nickname", "zero"});
  users[7].nickname = "\xff";
  ASSERT_TRUE(remove(*source_, users));
  ASSERT_TRUE(insert(*source_, users));
  expect_words(refusal(), {"users", kKeyOfSeven, "nickname", "UTF-8"});
  EXPECT_EQ(on_target("SELECT count(*) FROM users"), "0");
}

TEST_P(Copying, NamesTheRowThatIsTooLong) {
  auto users = some<store::UserRow>(9);
  users[7].nickname = std::string(300, 'x');
  ASSERT_TRUE(insert(*source_, users));
  if (GetParam() == servers::Engine::postgres) {  // its texts have no length
    EXPECT_TRUE(copy());
  } else {
    expect_words(refusal(), {"users", kKeyOfSeven, "nickname"});
    EXPECT_FALSE(nodes_may_start());
  }
}

// It would leave out what it does not know.
TEST_P(Copying, IsMadeByTheVersionOfBothAlone) {
  fill_source(3);
  const std::string later = "INSERT INTO schema_compatibility VALUES ('9999_later', '0001'); INSERT INTO schema_migrations VALUES ('9999_later', 0, ";
  ASSERT_TRUE(source_->script(later + "x'', 0, 1);"));
  expect_words(refusal(), {"here", "9999_later"});
  ASSERT_TRUE(source_->script("DELETE FROM schema_migrations WHERE name = '9999_later';"));
  ASSERT_TRUE(target_.script(later + "'', 0, 1);"));
  expect_words(refusal(), {"there", "9999_later"});
  EXPECT_TRUE(nodes_may_start()) << "a node may work on it";
  ASSERT_TRUE(target_.script("DELETE FROM schema_migrations WHERE name = '9999_later';"));
  EXPECT_TRUE(copy());
}

constexpr auto copy_server = [](const auto&) { return std::string("server"); };
INSTANTIATE_TEST_SUITE_P(Postgres, Copying, testing::Values(servers::Engine::postgres), copy_server);
INSTANTIATE_TEST_SUITE_P(Mysql, Copying, testing::Values(servers::Engine::mysql), copy_server);

TEST(Marks, KeepNodesAway) {
  SqliteFactory factory;
  ASSERT_TRUE(factory.open_sqlite());
  for (const store::Mark mark : {store::Mark::moved, store::Mark::copying}) {
    const auto with = [&](const auto& act) {
      const auto engine = store::open_engine("sqlite://" + factory.file(), factory.clock).value();
      return act(*engine).value();
    };
    with([&](store::Engine& engine) -> Result<bool> {
      TRY(store::set_mark(engine, mark, t0));
      TRY(store::set_mark(engine, mark, t0 + Millis{1}));
      return true;
    });
    const auto opened = factory.open_sqlite();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::invalid_request);
    expect_words(opened.error().detail, {rfc3339(t0), "kaimen migrate"});
    EXPECT_TRUE(with([&](store::Engine& engine) { return store::remove_mark(engine, mark); }));
    EXPECT_FALSE(with([&](store::Engine& engine) { return store::remove_mark(engine, mark); }));
    EXPECT_TRUE(factory.open_sqlite());
  }
}

}  // namespace kaimen::contract

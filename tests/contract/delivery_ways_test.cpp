// How many ways over the network a look for deliveries takes, however many webhooks there are.
#include "store/sql_store.h"
#include "store/sqlite_engine.h"
#include "tests/contract/journal_contract.h"
#include "tests/contract/sqlite_factory.h"

namespace kaimen::contract {

namespace {

/// SQLite as if it were far away: what is asked is counted by ways.
class Distant final : public store::Engine {
 public:
  Distant(std::unique_ptr<store::Engine> inner, std::atomic<int>& ways) : inner_(std::move(inner)), ways_(ways) {}
  bool local() const override { return false; }
  Result<Time> time() override { return inner_->time(); }
  Result<> begin(bool writes) override { return inner_->begin(writes); }
  Result<> read(std::span<const store::Read> reads) override {
    ++ways_;
    return inner_->read(reads);
  }
  Result<> scan(const store::Scan& scan, std::span<const store::Cell> values, const store::Sink& sink) override {
    ++ways_;
    return inner_->scan(scan, values, sink);
  }
  Result<> scan_each(const store::Scan& scan, std::span<const store::Cell> values, size_t width, const store::Sink& sink) override {
    ++ways_;
    return inner_->scan_each(scan, values, width, sink);
  }
  Result<> commit(std::span<const store::Write> writes, bool& unknown) override { return inner_->commit(writes, unknown); }
  void roll_back() noexcept override { inner_->roll_back(); }
  Result<> script(const std::string& sql) override { return inner_->script(sql); }

 private:
  const std::unique_ptr<store::Engine> inner_;
  std::atomic<int>& ways_;
};

class DistantFactory final : public StoreFactory {
 public:
  std::unique_ptr<core::Store> open() override {
    files.open();  // migrates
    auto database = store::Database::open(files.file(), 1000).value();
    auto near = std::make_unique<store::SqliteEngine>(std::move(database), files.file(), 1000, files.clock);
    std::vector<std::unique_ptr<store::Engine>> engines;
    engines.push_back(std::make_unique<Distant>(std::move(near), ways));
    return std::make_unique<store::SqlStore>(std::move(engines), nullptr, store::SqlStore::Options{}, files.clock);
  }
  void pass(Millis duration) override { files.pass(duration); }
  std::vector<std::vector<std::string>> query(const std::string& sql) override { return files.query(sql); }

  SqliteFactory files;
  std::atomic<int> ways{0};
};

class DeliveryWays : public JournalContract {
 protected:
  /// Of one look.
  int ways_of_look(Time now, size_t expected) {
    auto& ways = static_cast<DistantFactory&>(factory()).ways;
    ways = 0;
    EXPECT_EQ(lease(now).size(), expected);
    return ways;
  }
};

// With 300 webhooks each look took 300 ways, and with something due of a hundred of them 15,000: no login of the same batch was answered.
TEST_P(DeliveryWays, a_look_takes_few_however_many_webhooks_there_are) {
  for (int i = 0; i < 60; ++i) add_webhook();
  EXPECT_LE(ways_of_look(t0, 0), 1);
  login("c1", "o1");
  login("c2", "o2");
  EXPECT_LE(ways_of_look(t0 + 1s, 120), 6);
}

INSTANTIATE_TEST_SUITE_P(Distant, DeliveryWays, testing::Values(MakeFactory([] { return std::make_unique<DistantFactory>(); })));

}  // namespace

}  // namespace kaimen::contract

// Coalescer: one run of the work for all who ask at the same time, on whatever threads.
#include "core/coalesce.h"

#include "tests/core/fixture.h"

namespace kaimen::test {
namespace {

using Numbers = core::Coalescer<int>;

struct Work {
  Gate gate;
  std::atomic<int> runs{0};
  std::atomic<bool> throws{false};

  Task<int> run() {
    const int number = ++runs;
    co_await gate.pass();
    if (throws) throw std::runtime_error("broke");
    co_return number;
  }
};

/// What run() yielded: its number, -1 for null (the leader broke), -2 for an exception.
Task<int> asked(Numbers& numbers, std::string key, Work& work) {
  std::function<Task<int>()> start = [&work] { return work.run(); };
  try {
    auto value = co_await numbers.run(key, start);
    co_return value ? *value : -1;
  } catch (const std::exception&) {
    co_return -2;
  }
}

/// 10 askers on each of 4 threads, while the work is held until one of them is at it.
std::vector<int> asked_at_once(Numbers& numbers, Work& work, const std::function<std::string(int)>& key) {
  std::vector<std::vector<int>> values(4);
  std::atomic<int> running{0};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < values.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::function<Task<int>(int)> make = [&](int n) {
        ++running;
        return asked(numbers, key(n), work);
      };
      values[i] = together<int>(10, make);
    });
  }
  while (running < 40) std::this_thread::yield();
  std::this_thread::sleep_for(50ms);  // the last of them joins
  work.gate.open();
  for (auto& thread : threads) thread.join();
  std::vector<int> all;
  for (const auto& some : values) all.insert(all.end(), some.begin(), some.end());
  return all;
}

TEST(CoalescerTest, CallersOfOneKeyShareOneRun) {
  Numbers numbers;
  Work work;
  work.gate.close();
  const auto values = asked_at_once(numbers, work, [](int) { return "key"; });
  EXPECT_EQ(work.runs, 1);
  EXPECT_EQ(std::count(values.begin(), values.end(), 1), 40);
}

TEST(CoalescerTest, EachKeyHasItsOwnRun) {
  Numbers numbers;
  Work work;
  work.gate.close();
  asked_at_once(numbers, work, [](int n) { return std::to_string(n % 5); });
  EXPECT_EQ(work.runs, 5);
}

TEST(CoalescerTest, AKeyIsFreeAgainWhenItsRunIsDone) {
  Numbers numbers;
  Work work;
  EXPECT_EQ(run_here(asked(numbers, "key", work)), 1);
  EXPECT_EQ(run_here(asked(numbers, "key", work)), 2);
}

TEST(CoalescerTest, WhenTheLeaderThrowsTheOthersAreTold) {
  Numbers numbers;
  Work work;
  work.gate.close();
  work.throws = true;
  const auto values = asked_at_once(numbers, work, [](int) { return "key"; });
  EXPECT_EQ(std::count(values.begin(), values.end(), -2), 1) << "the leader";
  EXPECT_EQ(std::count(values.begin(), values.end(), -1), 39);
  work.throws = false;
  EXPECT_EQ(run_here(asked(numbers, "key", work)), 2) << "and the key is free";
}

TEST(CoalescerTest, WorkThatThrowsBeforeItStartsFreesItsKey) {
  Numbers numbers;
  const auto ask = [&](std::function<Task<int>()> start) -> int {
    struct Ask {
      static Task<int> now(Numbers& coalescer, std::function<Task<int>()> work) {
        try {
          auto value = co_await coalescer.run("key", work);
          co_return *value;
        } catch (const std::exception&) {
          co_return -2;
        }
      }
    };
    return run_here(Ask::now(numbers, std::move(start)));
  };
  EXPECT_EQ(ask([]() -> Task<int> { throw std::runtime_error("no task at all"); }), -2);
  Work work;
  EXPECT_EQ(ask([&] { return work.run(); }), 1);
}

}  // namespace
}  // namespace kaimen::test

// Pins the coroutine rules of base/task.h under the sanitizers: what Kaimen's core does with tasks must be right with g++ 12.
#include "base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace kaimen {
namespace {

Task<int> number(int value) { co_return value; }
Task<std::unique_ptr<std::string>> owned(std::string text) { co_return std::make_unique<std::string>(std::move(text)); }
Task<int> sum(int count) {
  int total = 0;
  for (int i = 1; i <= count; ++i) {
    const int value = co_await number(i);
    total += value;
  }
  co_return total;
}
Task<int> throwing() {
  throw std::runtime_error("broken");
  co_return 0;
}
Task<std::string> caught() {
  try {
    co_await throwing();
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "nothing was thrown";
}
// A value that another thread brings, as the store's does.
Task<std::string> from_thread(std::string text) {
  std::thread worker;
  Wait<std::string> wait([&worker, text](Wait<std::string>::Done done) { worker = std::thread([text, done] { done(text + "!"); }); });
  std::string value = co_await wait;
  worker.join();
  co_return value;
}

TEST(Task, gives_its_value) { EXPECT_EQ(run_here(number(7)), 7); }
TEST(Task, gives_values_that_cannot_be_copied) { EXPECT_EQ(*run_here(owned("a string too long for the small buffer")), "a string too long for the small buffer"); }
TEST(Task, a_long_chain_of_ready_tasks_takes_no_stack) { EXPECT_EQ(run_here(sum(20'000)), 200'010'000); }
TEST(Task, an_exception_reaches_who_awaits) { EXPECT_EQ(run_here(caught()), "broken"); }
TEST(Task, does_nothing_before_it_is_awaited) {
  bool ran = false;
  auto make = [](bool* flag) -> Task<> {
    *flag = true;
    co_return;
  };
  {
    const Task<> task = make(&ran);
    EXPECT_FALSE(ran);
  }
  EXPECT_FALSE(ran);
  run_here(make(&ran));
  EXPECT_TRUE(ran);
}
TEST(Task, a_task_that_is_never_started_frees_its_arguments) {
  auto witness = std::make_shared<int>(1);
  auto make = [](std::shared_ptr<int> held) -> Task<int> { co_return *held; };
  {
    const Task<int> task = make(witness);
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
}
TEST(TaskDeathTest, an_exception_that_leaves_a_spawned_task_ends_the_process) {
  EXPECT_DEATH(run_here(throwing()), "");
}

TEST(Wait, resumes_on_the_loop_where_it_suspended) {
  auto task = []() -> Task<bool> {
    const auto before = std::this_thread::get_id();
    const std::string value = co_await from_thread("done");
    co_return value == "done!" && before == std::this_thread::get_id();
  };
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(run_here(task()));
}
TEST(Wait, takes_an_answer_that_comes_at_once) {
  auto task = []() -> Task<int> {
    Wait<int> wait([](Wait<int>::Done done) { done(5); });
    co_return co_await wait;
  };
  EXPECT_EQ(run_here(task()), 5);
}
TEST(Wait, many_tasks_wait_side_by_side) {
  constexpr int kTasks = 100;
  LocalLoop loop;
  std::vector<std::function<void(int)>> waiting;
  int total = 0, ended = 0;
  auto task = [](std::vector<std::function<void(int)>>* list) -> Task<int> {
    Wait<int> wait([list](Wait<int>::Done done) { list->push_back(std::move(done)); });
    const int value = co_await wait;
    co_return value * 2;
  };
  for (int i = 0; i < kTasks; ++i) {
    spawn<int>(task(&waiting), [&](int value) {
      total += value;
      if (++ended == kTasks) loop.stop();
    });
  }
  ASSERT_EQ(waiting.size(), size_t{kTasks});
  std::thread worker([&] {
    for (int i = kTasks - 1; i >= 0; --i) waiting[static_cast<size_t>(i)](i);
  });
  loop.run();
  worker.join();
  EXPECT_EQ(total, kTasks * (kTasks - 1));
}

Task<Result<int>> maybe(bool good) {
  if (!good) co_return make_error(ErrorCode::conflict, "no");
  co_return 3;
}
Task<Result<int>> doubled(bool good) {
  auto result = co_await maybe(good);
  CO_TRY(const int value, std::move(result));
  co_return value * 2;
}
TEST(Task, co_try_hands_the_value_on) { EXPECT_EQ(run_here(doubled(true)).value(), 6); }
TEST(Task, co_try_returns_the_error) { EXPECT_EQ(run_here(doubled(false)).error().code, ErrorCode::conflict); }

// The shape core uses: a lambda that captures is made before, by name, and is no coroutine itself.
TEST(Task, a_named_capturing_lambda_may_make_tasks) {
  auto run = [](std::string prefix) -> Task<std::string> {
    const auto make = [&prefix](std::string text) { return owned(prefix + text); };
    auto first = co_await make("one, long enough to live on the heap");
    auto second = co_await make("two, long enough to live on the heap");
    co_return *first + *second;
  };
  EXPECT_EQ(run_here(run(">")), ">one, long enough to live on the heap>two, long enough to live on the heap");
}

TEST(LocalLoop, runs_work_in_order) {
  LocalLoop loop;
  std::string order;
  for (const char c : {'a', 'b', 'c'}) loop.post([&order, c] { order += c; });
  loop.post([&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(order, "abc");
}
TEST(LocalLoop, is_the_current_loop_while_it_lives) {
  EXPECT_EQ(Loop::current_or_null(), nullptr);
  {
    LocalLoop outer;
    EXPECT_EQ(Loop::current_or_null(), &outer);
    {
      LocalLoop inner;
      EXPECT_EQ(Loop::current_or_null(), &inner);
    }
    EXPECT_EQ(Loop::current_or_null(), &outer);
  }
  EXPECT_EQ(Loop::current_or_null(), nullptr);
}
TEST(LocalLoop, runs_again_after_stop) {
  LocalLoop loop;
  int ran = 0;
  for (int i = 0; i < 2; ++i) {
    loop.post([&] {
      ++ran;
      loop.stop();
    });
    loop.run();
  }
  EXPECT_EQ(ran, 2);
}
TEST(LocalLoop, runs_what_is_due_in_the_order_of_its_time) {
  LocalLoop loop;
  std::string order;
  loop.post_after(std::chrono::milliseconds(30), [&] {
    order += 'c';
    loop.stop();
  });
  loop.post_after(std::chrono::milliseconds(10), [&] { order += 'b'; });
  loop.post_after(std::chrono::hours(1), [&] { order += 'x'; });
  loop.post([&] { order += 'a'; });
  loop.run();
  EXPECT_EQ(order, "abc");
}
TEST(Task, sleeps_while_its_loop_goes_on) {
  auto sleeper = []() -> Task<int> {
    co_await sleep_for(std::chrono::milliseconds(40));
    co_return 1;
  };
  LocalLoop loop;
  const auto start = std::chrono::steady_clock::now();
  int awake = 0, worked = 0;
  for (int i = 0; i < 50; ++i) {
    spawn<int>(sleeper(), [&](int) {
      if (++awake == 50) loop.stop();
    });
  }
  loop.post([&] { ++worked; });
  loop.run();
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(worked, 1);
  EXPECT_GE(took, std::chrono::milliseconds(40));
  EXPECT_LT(took, std::chrono::milliseconds(1500)) << "all at the same time";
}
TEST(LoopDeathTest, a_thread_without_loop_has_no_current_one) { EXPECT_DEATH(Loop::current(), ""); }

}  // namespace
}  // namespace kaimen

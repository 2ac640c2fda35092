// Task<T>: a lazy coroutine, and how it waits for work on another thread.
//
// Kaimen's rules (core) are coroutines that know no event loop library. A task runs on the thread that started it; when it waits for
// the store or for the network it suspends, and is resumed on the Loop it suspended on, never on a foreign thread.
//
// With g++ 12 keep to this: name a value, then await it. A full expression containing co_await has no capturing lambda, no braced
// aggregate that owns and no owning temporary; a capturing lambda is never itself a coroutine (tests/unit/task_test.cpp pins it).
#pragma once

#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

namespace kaimen {

/// An event loop, as far as a task needs one: something that runs functions later, in order, on its own thread.
class Loop {
 public:
  virtual ~Loop() = default;
  /// Runs `work` on the loop's thread. Callable from any thread.
  virtual void post(std::function<void()> work) = 0;
  /// Runs `work` once `delay` is over; never, if the loop ends before. To be called on the loop's thread.
  virtual void post_after(std::chrono::milliseconds delay, std::function<void()> work) = 0;
  /// The loop of this thread. Calling it on a thread that runs none is a programming error and aborts.
  static Loop& current();
  static Loop* current_or_null();

 protected:
  /// For loop implementations: makes this the current loop of the calling thread (null: none).
  static void set_current(Loop* loop);
};

template <class T>
class Task;

namespace detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
    return handle.promise().starting ? std::noop_coroutine() : handle.promise().continuation;
  }
  void await_resume() const noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  bool starting = false;  // still inside the await that started it
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
};

template <class T>
struct Promise : PromiseBase {
  std::variant<std::monostate, T, std::exception_ptr> outcome;
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    outcome.template emplace<1>(std::forward<U>(value));
  }
  void unhandled_exception() { outcome.template emplace<2>(std::current_exception()); }
  T take() {
    if (outcome.index() == 2) std::rethrow_exception(std::get<2>(outcome));
    return std::move(std::get<1>(outcome));
  }
};

template <>
struct Promise<void> : PromiseBase {
  std::exception_ptr error;
  Task<void> get_return_object();
  void return_void() const noexcept {}
  void unhandled_exception() { error = std::current_exception(); }
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

/// A computation that starts when it is awaited (or given to spawn / run_here) and yields one T. Move-only.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> handle;
      bool await_ready() const noexcept { return false; }
      // A task that ends before it ever waits returns here, and the awaiting one goes on in its own frame: with symmetric transfer alone,
      // a loop over such tasks takes stack for each of them wherever the compiler makes no tail calls (g++ under the sanitizers).
      bool await_suspend(std::coroutine_handle<> awaiting) const {
        handle.promise().continuation = awaiting;
        handle.promise().starting = true;
        handle.resume();
        handle.promise().starting = false;
        return !handle.done();
      }
      T await_resume() const { return handle.promise().take(); }
    };
    return Awaiter{handle_};
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>{std::coroutine_handle<Promise<T>>::from_promise(*this)};
}
inline Task<void> Promise<void>::get_return_object() { return Task<void>{std::coroutine_handle<Promise<void>>::from_promise(*this)}; }

// A coroutine nobody awaits; it owns itself.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

template <class T>
Detached drive(Task<T> task, std::function<void(T)> done) {
  T value = co_await std::move(task);
  done(std::move(value));
}
inline Detached drive(Task<void> task, std::function<void()> done) {
  co_await std::move(task);
  if (done) done();
}
}  // namespace detail

/// Starts `task` on this thread; calls `done` with its value, on the loop where it ends. An exception that leaves the task terminates.
template <class T>
void spawn(Task<T> task, std::function<void(T)> done) {
  detail::drive(std::move(task), std::move(done));
}
inline void spawn(Task<void> task, std::function<void()> done = {}) { detail::drive(std::move(task), std::move(done)); }

/// Awaitable: calls `start(done)` and suspends until `done(T)` has been called, exactly once, on any thread. The awaiting task goes on
/// on the loop it suspended on. T must be movable.
template <class T>
class Wait {
 public:
  using Done = std::function<void(T)>;
  explicit Wait(std::function<void(Done)> start) : start_(std::move(start)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    Loop* loop = &Loop::current();
    auto start = std::move(start_);  // `this` may be gone before start returns: done may run at once on another thread
    start([this, loop, awaiting](T value) {
      value_.emplace(std::move(value));
      loop->post([awaiting] { awaiting.resume(); });
    });
  }
  T await_resume() { return std::move(*value_); }

 private:
  std::function<void(Done)> start_;
  std::optional<T> value_;
};

/// Suspends the awaiting task for so long, by the monotonic clock; its loop goes on with other work.
inline Task<void> sleep_for(std::chrono::milliseconds duration) {
  std::function<void(Wait<bool>::Done)> start = [duration](Wait<bool>::Done done) {
    Loop::current().post_after(duration, [done = std::move(done)] { done(true); });
  };
  Wait<bool> wait(std::move(start));
  co_await wait;
}

/// A loop on the calling thread that runs until `task` is done, and returns its value: for tests, command-line verbs and start-up.
template <class T>
T run_here(Task<T> task);

/// The loop behind run_here. Reusable: run() returns when stop() was called.
class LocalLoop final : public Loop {
 public:
  LocalLoop();
  ~LocalLoop() override;
  void post(std::function<void()> work) override;
  void post_after(std::chrono::milliseconds delay, std::function<void()> work) override;
  void run();
  void stop();

 private:
  struct State;
  State* state_;
  Loop* outer_;
};

template <class T>
T run_here(Task<T> task) {
  LocalLoop loop;
  std::optional<T> value;
  spawn<T>(std::move(task), [&](T result) {
    value.emplace(std::move(result));
    loop.stop();
  });
  loop.run();
  return std::move(*value);
}
template <>
inline void run_here(Task<void> task) {
  LocalLoop loop;
  spawn(std::move(task), [&] { loop.stop(); });
  loop.run();
}

}  // namespace kaimen

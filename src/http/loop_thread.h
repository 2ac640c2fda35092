// LoopThread: an event loop with a thread of its own. The server makes one a core; the client makes one when it is called from outside.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/task.h"

namespace kaimen::http {

namespace asio = boost::asio;
// Typed executors: no virtual call and no reference count for each operation.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;  // TCP and unix alike
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

class LoopThread final : public Loop {
 public:
  LoopThread() = default;
  ~LoopThread() override;  ///< stop()
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  void start();
  /// Ends the loop after the handler that runs now, and joins. What was posted and not run is dropped with the loop.
  void stop();

  void post(std::function<void()> work) override;
  void post_after(Millis delay, std::function<void()> work) override;
  asio::io_context& context() { return context_; }
  Executor executor() { return context_.get_executor(); }

  /// Runs `work` every `period` until stop(). On the loop's thread, or before start().
  void every(Millis period, std::function<void()> work);

  /// What belongs to this loop and ends with it, e.g. a client's pool. On the loop's thread.
  std::shared_ptr<void>& attachment(uint64_t key) { return attachments_[key]; }

 private:
  struct Periodic {
    Timer timer;
    Millis period;
    std::function<void()> work;
  };
  void run();
  void arm(Periodic& periodic);

  // One thread; others only post. So the reactor needs no locks.
  asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<Executor> guard_{context_.get_executor()};
  std::vector<std::unique_ptr<Periodic>> periodics_;
  std::unordered_map<uint64_t, std::shared_ptr<void>> attachments_;
  std::thread thread_;
};

}  // namespace kaimen::http

#include "http/loop_thread.h"

#include <boost/asio/post.hpp>
#include <exception>

#include "base/log.h"

namespace kaimen::http {

LoopThread::~LoopThread() { stop(); }

void LoopThread::start() {
  thread_ = std::thread([this] { run(); });
}

void LoopThread::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void LoopThread::post(std::function<void()> work) { asio::post(context_, std::move(work)); }

void LoopThread::post_after(Millis delay, std::function<void()> work) {
  auto timer = std::make_shared<Timer>(context_, delay);
  timer->async_wait([timer, work = std::move(work)](boost::system::error_code error) {
    if (!error) work();
  });
}

void LoopThread::run() {
  set_current(this);
  while (!context_.stopped()) {
    try {
      context_.run();
    } catch (const std::exception& error) {
      // One event's work failed (out of memory, say); the other connections of this loop must not end with it.
      log::error("loop_exception", error.what());
    }
  }
  set_current(nullptr);
}

void LoopThread::every(Millis period, std::function<void()> work) {
  periodics_.push_back(std::make_unique<Periodic>(Periodic{Timer(context_), period, std::move(work)}));
  arm(*periodics_.back());
}

void LoopThread::arm(Periodic& periodic) {
  periodic.timer.expires_after(periodic.period);
  periodic.timer.async_wait([this, &periodic](boost::system::error_code error) {
    if (error) return;
    arm(periodic);
    periodic.work();
  });
}

}  // namespace kaimen::http

#include "app/courier.h"

#include "base/log.h"

namespace kaimen::app {

namespace {
using namespace std::chrono_literals;
constexpr auto kLookEvery = 500ms;
}  // namespace

Courier::Courier(core::Webhooks& webhooks) : webhooks_(webhooks), thread_([this] { run(); }) {}

Courier::~Courier() {
  stopping_ = true;
  thread_.join();
}

void Courier::run() {
  LocalLoop loop;
  tick(loop);
  loop.run();
}

void Courier::tick(LocalLoop& loop) {
  if (stopping_ && !looking_ && under_way_.empty()) return loop.stop();
  if (!stopping_ && !looking_) look();
  loop.post_after(kLookEvery, [this, &loop] { tick(loop); });
}

void Courier::look() {
  looking_ = true;
  std::vector<Id> busy;
  for (const auto& [webhook, count] : under_way_) busy.push_back(webhook);
  spawn<Result<std::vector<core::LeasedDelivery>>>(webhooks_.lease(std::move(busy)), [this](Result<std::vector<core::LeasedDelivery>> leased) {
    looking_ = false;
    if (!leased) {
      // Once for a whole time of trouble.
      if (!std::exchange(failing_, true)) log::Line("webhooks_failing").field("message", leased.error().detail).emit(log::Level::error);
      return;
    }
    failing_ = false;
    for (auto& delivery : leased.value()) send(std::move(delivery));
  });
}

void Courier::send(core::LeasedDelivery leased) {
  const Id webhook = leased.delivery.webhook;
  ++under_way_[webhook];
  spawn<Result<>>(webhooks_.send(std::move(leased)), [this, webhook](const Result<>& done) {
    if (!done) log::Line("webhook_not_settled").field("message", done.error().detail).emit(log::Level::warn);
    if (--under_way_[webhook] > 0) return;
    under_way_.erase(webhook);
    // More may wait behind what has just been told.
    if (done && !stopping_ && !looking_) look();
  });
}

}  // namespace kaimen::app

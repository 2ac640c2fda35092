#include "app/following.h"

#include "base/log.h"

namespace kaimen::app {

namespace {
using namespace std::chrono_literals;
constexpr auto kAnswerTime = 2s;
constexpr int kUnderWay = 2;
constexpr auto kLineEvery = 10s;  // while it fails
}  // namespace

Following::Following(core::Follower& follower, Millis every) : follower_(follower), every_(every), thread_([this] { run(); }) {}

Following::~Following() {
  stopping_ = true;
  thread_.join();
}

void Following::run() {
  LocalLoop loop;
  tick(loop);
  loop.run();
}

void Following::tick(LocalLoop& loop) {
  if (stopping_) {
    if (under_way_ == 0) return leave(loop);
  } else {
    const bool late = under_way_ > 0 && std::chrono::steady_clock::now() - asked_ >= kAnswerTime;
    if (late && !told_late_) failed(ErrorCode::unavailable, "no answer in 2 s");
    told_late_ = late;
    if (under_way_ == 0 || (late && under_way_ < kUnderWay)) poll();
  }
  loop.post_after(every_, [this, &loop] { tick(loop); });
}

void Following::poll() {
  asked_ = std::chrono::steady_clock::now();
  ++under_way_;
  spawn<Result<>>(follower_.poll(), [this](const Result<>& done) {
    --under_way_;
    if (done) succeeded();
    else failed(done.error().code, done.error().detail);
  });
}

void Following::leave(LocalLoop& loop) {
  if (late_) return loop.stop();
  spawn<Result<>>(follower_.leave(), [&loop](const Result<>&) { loop.stop(); });  // where it fails, the others wait as for one that was killed
}

void Following::failed(ErrorCode code, std::string_view message) {
  const Moment now = std::chrono::steady_clock::now();
  if (!failing_since_) failing_since_ = now;
  if (last_line_ && now - *last_line_ < kLineEvery) return;
  last_line_ = now;
  log::Line line("follow_failed");
  line.field("code", name_of(code)).field("message", message);
  if (const auto age = follower_.age()) line.field("last_good_ms", int64_t{age->count()});
  line.emit(log::Level::error);
}

void Following::succeeded() {
  if (!failing_since_) return;
  const auto gap = std::chrono::floor<Millis>(std::chrono::steady_clock::now() - *failing_since_);
  failing_since_.reset();
  last_line_.reset();
  log::Line("follow_resumed").field("after_ms", int64_t{gap.count()}).emit(log::Level::info);
}

}  // namespace kaimen::app

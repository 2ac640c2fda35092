#include "core/follower.h"

#include "base/log.h"

namespace kaimen::core {

namespace {

using namespace std::chrono_literals;
constexpr auto kWindow = 15s;         // before the last good poll
constexpr auto kWholeEvery = 60s;     // the whole live set
constexpr auto kBeatEvery = 2s;       // a beat in the store is never older than this after a poll (the store writes one a second)
constexpr auto kForgotten = 24h;      // after such a silence the node's row may have been cleared away
constexpr auto kStep = 1s;            // a step of the clock that is worth a line

}  // namespace

Follower::Follower(Store& store, Random& random, Live& live, Apps& apps, TicketKeys& ticket_keys, JwtKeys& jwt_keys, AccessKeys& access_keys, FollowOptions options)
    : store_(store), random_(random), clock_(*options.clock), live_(live), apps_(apps), ticket_keys_(ticket_keys), jwt_keys_(jwt_keys), access_keys_(access_keys), options_(std::move(options)) {
  live_.good_until(Time::min());
}

Task<Result<>> Follower::poll() {
  if (went_back_) co_return make_error(ErrorCode::unavailable, "the database has gone back in time");
  if (node_.is_zero()) {
    started_at_ = clock_.now();
    CO_TRY(node_, Id::make(started_at_, random_));
  }
  const uint64_t good_before = good_polls_;
  const Millis asked = clock_.steady();
  const bool whole = whole_next_ || asked - last_whole_ >= kWholeEvery;
  Follow act;
  act.node = node_;
  act.version = options_.version;
  act.newest_migration = options_.newest_migration;
  act.master_keys = options_.master_keys;
  act.started_at = started_at_;
  act.since = whole ? Time{} : last_now_ - kWindow;
  auto answer = co_await store_.follow(std::move(act));
  if (answer.has_error()) {
    whole_next_ = true;
    co_return answer.error();
  }
  const Followed& seen = answer.value();
  live_.revoke(seen.revocations);
  if (good_polls_ != good_before) co_return ok();  // overtaken: another poll has told the rest, from what may be a later state

  CO_TRY(check_beat(seen));
  const bool time_ran = seen.now >= last_now_;
  set_clock(seen.now, asked, clock_.steady());
  if (configuration_ != seen.configuration) {
    auto loaded = co_await reload();
    if (loaded.has_error()) {
      whole_next_ = true;
      co_return loaded.error();
    }
  }
  if (good_polls_ != good_before) co_return ok();
  ++good_polls_;
  configuration_ = seen.configuration;
  last_now_ = seen.now;
  // Another server's clock may be behind the one that stamped what is in the window.
  whole_next_ = !time_ran;
  if (whole) last_whole_ = asked;
  last_good_ms_ = asked.count();
  live_.good_until(seen.now + options_.grace);
  co_return ok();
}

Task<Result<>> Follower::leave() {
  if (node_.is_zero()) co_return ok();
  auto left = co_await store_.leave(node_);
  co_return left;
}

/// Whatever the node last wrote, or found written, is in the store, or the store is not the one it was.
Result<> Follower::check_beat(const Followed& seen) {
  const bool forgotten = seen.last_beat == Time{} && seen.now - last_now_ > kForgotten;
  if (seen.last_beat < beat_at_least_ && !forgotten) {
    went_back_ = true;
    live_.good_until(Time::min());
    log::Line("database_went_back")
        .field("message", "the database has lost a heartbeat of this node: it was restored from a backup, or a replica that was behind took over, and what was revoked "
                          "meanwhile may be good again in it. This node answers 503 until it is started anew; do that when the database is the right one")
        .field("written", rfc3339(beat_at_least_))
        .field("found", rfc3339(seen.last_beat))
        .emit(log::Level::error);
    return make_error(ErrorCode::unavailable, "the database has gone back in time");
  }
  // A beat ahead of the database's time comes from a server whose clock is ahead of this one's; it is never lowered.
  beat_at_least_ = std::max<Time>(seen.last_beat, seen.now - kBeatEvery);
  return ok();
}

void Follower::set_clock(Time told, Millis asked, Millis answered) {
  const Millis step = clock_.set(told, asked, answered);
  if (std::chrono::abs(step) >= kStep) log::Line("clock_stepped").field("step_ms", int64_t{step.count()}).emit(log::Level::warn);
  const Millis ahead = clock_.ahead_of_wall().value_or(Millis{0});
  const bool skewed = NodeClock::is_skewed(ahead);
  if (skewed && !skewed_) {
    log::Line("clock_skew")
        .field("message", "this machine's wall clock and the database's are more than 30 s apart; the database's is used. Keep both by NTP")
        .field("database_ahead_ms", int64_t{ahead.count()})
        .emit(log::Level::warn);
  }
  skewed_ = skewed;
}

Task<Result<>> Follower::reload() {
  auto keys = co_await ticket_keys_.load();
  CO_TRY(std::move(keys));
  auto signing_keys = co_await jwt_keys_.load();
  CO_TRY(std::move(signing_keys));
  auto apps = co_await apps_.load();
  CO_TRY(std::move(apps));
  auto access_keys = co_await access_keys_.load();
  co_return access_keys;
}

std::optional<Millis> Follower::age() const {
  const int64_t last = last_good_ms_;
  if (last < 0) return std::nullopt;
  return clock_.steady() - Millis{last};
}

}  // namespace kaimen::core

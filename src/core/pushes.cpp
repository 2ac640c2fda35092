#include "core/pushes.h"

#include <charconv>

#include "core/revocation_life.h"

namespace kaimen::core {

namespace {

constexpr int kNotedTries = 8;
constexpr Millis kNotedPause{250};
constexpr auto kPushWindow = std::chrono::seconds(300);  // either side

// For the log; whoever sent it learns nothing of the cause.
Error refused(std::string detail) { return make_error(ErrorCode::signature_invalid, std::move(detail)); }

Source source_of(const Trace& trace) {
  Source source = trace.source;
  source.actor = "wechat";
  return source;
}

PushSubject subject_of(const App& app, const PushMessage& message) { return {app.platform, app.app_id, message.openid, message.once}; }

}  // namespace

Result<> Pushes::in_time(const Push& push) const {
  int64_t seconds = 0;
  const char* const end = push.timestamp.data() + push.timestamp.size();
  const auto [stopped, problem] = std::from_chars(push.timestamp.data(), end, seconds);
  if (problem != std::errc() || stopped != end || push.timestamp.size() > 12) return refused("the push has no timestamp");
  const Time said = from_epoch_ms(seconds * 1000), now = live_.clock.now();
  if (said < now - kPushWindow || said > now + kPushWindow) return refused("the push is too old, or from the future");
  return ok();
}

Result<> Pushes::check(const App& app, const Push& push) const {
  const Platform* platform = platforms_.find(app.platform);
  TRY(in_time(push));
  if (!platform || !platform->is_push_check(app, push)) return refused("the check of the push URL is not signed with the app's Token");
  return ok();
}

Task<Result<PushReply>> Pushes::receive(AppPtr app, Push push, Trace* trace) {
  const Platform* platform = platforms_.find(app->platform);
  CO_TRY(in_time(push));
  if (components_.is_component(*app)) {
    auto done = co_await components_.receive(std::move(app), std::move(push), trace);
    CO_TRY(std::move(done));
    co_return PushReply{};
  }
  auto message = platform ? platform->open_push(*app, push) : std::nullopt;
  if (!message) co_return refused(app->push_token.empty() ? "the app has no push keys" : "the push does not open with the app's push keys");
  auto applied = co_await apply(app, std::move(*message), trace);
  CO_TRY(std::move(applied));
  if (!app->settings.push_reply_encrypted) co_return PushReply{};
  co_return platform->seal_push_reply(*app, push, live_.clock.now());
}

Task<Result<>> Pushes::apply(AppPtr app, PushMessage message, Trace* trace) {
  switch (message.kind) {
    case PushMessage::Kind::profile_cleared:
    case PushMessage::Kind::access_revoked: {
      auto done = co_await withdraw(std::move(app), std::move(message), trace);
      co_return done;
    }
    case PushMessage::Kind::account_closed: {
      auto done = co_await close(std::move(app), std::move(message), trace);
      co_return done;
    }
    case PushMessage::Kind::picture_checked: {
      auto done = co_await settle(std::move(app), std::move(message), trace);
      co_return done;
    }
    case PushMessage::Kind::other: break;
  }
  co_return ok();
}

Task<Result<>> Pushes::withdraw(AppPtr app, PushMessage message, Trace* trace) {
  if (message.openid.empty() || !(message.nickname || message.avatar || message.phone)) co_return ok();
  WithdrawProfile act;
  act.subject = subject_of(*app, message);
  act.nickname = message.nickname;
  act.avatar = message.avatar;
  act.phone = message.phone;
  act.default_nickname = app->settings.default_nickname;
  act.now = live_.clock.now();
  act.source = source_of(*trace);
  Stopwatch watch(trace->store);
  auto done = co_await store_.media().withdraw_profile(std::move(act));
  CO_TRY(std::move(done));
  co_return ok();
}

Task<Result<>> Pushes::close(AppPtr app, PushMessage message, Trace* trace) {
  if (message.openid.empty()) co_return ok();
  CloseIdentity act;
  act.subject = subject_of(*app, message);
  act.app = app->number;
  act.default_nickname = app->settings.default_nickname;
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = source_of(*trace);
  Stopwatch watch(trace->store);
  auto done = co_await store_.media().close_identity(std::move(act));
  CO_TRY(const auto closed, std::move(done));
  live_.revoke(closed.revocations);
  co_return ok();
}

// The push may be here before the answer that told us its trace_id has been noted.
Task<Result<>> Pushes::settle(AppPtr app, PushMessage message, Trace* trace) {
  if (message.trace_id.empty()) co_return ok();
  SettleAvatarCheck act;
  act.trace_id = message.trace_id;
  act.once = message.once;
  act.app = app->number;
  if (message.verdict) act.good = *message.verdict != Verdict::risky;
  act.source = source_of(*trace);
  Stopwatch watch(trace->store);
  for (int tries = 0;; ++tries) {
    act.now = live_.clock.now();
    auto done = co_await store_.media().settle_avatar_check(act);
    CO_TRY(const auto effect, std::move(done));
    // What nobody here has asked for was another's question to WeChat.
    if (effect != PushEffect::nobody || tries == kNotedTries) co_return ok();
    co_await sleep_for(kNotedPause);
  }
}

}  // namespace kaimen::core

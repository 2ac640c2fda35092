#include "core/handoffs.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/revocation_life.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

constexpr std::string_view kPrefix = "kmh1.", kPurpose = "handoff";
constexpr size_t kIdBytes = 16, kAppBytes = 4, kTimeBytes = 8, kFixedBytes = kIdBytes + kAppBytes + kTimeBytes;
constexpr size_t kCodeBytesMax = 2048;

void put(std::string& out, uint64_t value, size_t bytes) {
  while (bytes-- > 0) out.push_back(static_cast<char>(value >> (8 * bytes)));
}
uint64_t number(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// What a browser would make of it must be what stands there: no blanks, no backslash, and nothing between the origin and its path.
bool is_allowed(const App& app, std::string_view to) {
  const bool plain = to.size() <= limits::kUrlBytes && std::all_of(to.begin(), to.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
  return plain && std::ranges::any_of(app.settings.web_origins, [&](const std::string& origin) {
    return to.starts_with(origin) && (to.size() == origin.size() || to[origin.size()] == '/' || to[origin.size()] == '?' || to[origin.size()] == '#');
  });
}

std::string_view origin_of(std::string_view url) { return url.substr(0, url.find_first_of("/?#", url.find("://") + 3)); }

}  // namespace

Result<std::string> Handoffs::offer(const App& app, Id session, const std::string& to) const {
  if (!is_allowed(app, to)) return make_error(ErrorCode::invalid_request, "to must be a URL on one of the app's web_origins");
  std::string body(session.raw());
  put(body, app.number, kAppBytes);
  put(body, static_cast<uint64_t>(epoch_ms(live_.clock.now() + kHandoffLife)), kTimeBytes);
  body += to;
  TRY(const auto sealed, vault_.seal(kPurpose, {}, Secret(std::move(body))));
  return std::string(kPrefix) + to_base64url(sealed);
}

Task<Result<Handoffs::Taken>> Handoffs::take(std::string code, Trace* trace) {
  const Error bad = make_error(ErrorCode::code_invalid, "not a hand-over code, or its minute is over");
  if (!code.starts_with(kPrefix) || code.size() > kCodeBytesMax) co_return bad;
  const auto sealed = from_base64url(std::string_view(code).substr(kPrefix.size()));
  if (!sealed) co_return bad;
  auto opened = vault_.open(kPurpose, {}, *sealed);
  if (!opened || opened.value().size() < kFixedBytes) co_return bad;
  const std::string& body = opened.value().reveal();
  const auto parent = Id::from_raw(std::string_view(body).substr(0, kIdBytes));
  const auto app = live_.apps.get()->find(static_cast<uint32_t>(number(std::string_view(body).substr(kIdBytes, kAppBytes))));
  const Time now = live_.clock.now(), until = from_epoch_ms(static_cast<int64_t>(number(std::string_view(body).substr(kIdBytes + kAppBytes, kTimeBytes))));
  if (now >= until) co_return bad;
  if (!app) co_return unauthenticated(Reason::deleted);
  trace->app_id = app->app_id;
  if (app->disabled) co_return unauthenticated(Reason::disabled);
  Taken taken;
  taken.to = body.substr(kFixedBytes);
  if (!is_allowed(*app, taken.to)) co_return make_error(ErrorCode::forbidden, "the app's web_origins hold this address no more");

  HandOver act;
  act.parent = *parent;
  CO_TRY(act.new_session, Id::make(now, random_));
  act.once = crypto::sha256("handoff\n" + *sealed);
  act.entry = origin_of(taken.to);
  act.created_after = app->revoked_before;
  act.now = now;
  act.idle_expires_at = now + app->settings.idle_seconds;
  act.revocations_until = revocations_until(now);
  act.source = trace->source;
  Result<OpenedSession> made = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    made = co_await store_.hand_over(std::move(act));
  }
  CO_TRY(auto session, std::move(made));
  live_.revoke(session.revocations);
  taken.answer.app = app;
  taken.answer.session = std::move(session.session);
  taken.answer.user = std::move(session.user);
  trace->user_id = taken.answer.user.id.hex();
  trace->session_id = taken.answer.session.id.hex();
  CO_TRY(taken.answer.tokens, tickets_.issue(*app, taken.answer.session, taken.answer.user, now));
  co_return taken;
}

}  // namespace kaimen::core

#include "core/exporting.h"

namespace kaimen::core {

namespace {

constexpr Seconds kComeBack{5};

}  // namespace

Result<Exporting::Place> Exporting::begin(uint32_t app, Id user) {
  auto of_user = of_user_.enter(std::string(user.raw()));
  auto of_app = of_user ? of_app_.enter(app) : std::nullopt;
  if (of_app) return Place{std::move(*of_user), std::move(*of_app)};
  Error busy = make_error(ErrorCode::rate_limited, "too many exports are under way");
  busy.retry_after = kComeBack;
  return busy;
}

Task<Result<HeldUser>> Exporting::held_of(Id user) {
  auto held = co_await store_.held_of(user);
  co_return held;
}

Task<Result<std::vector<Session>>> Exporting::sessions(Id user, std::optional<Session> after) {
  auto page = co_await store_.held_sessions(user, std::move(after), kHeldPage);
  co_return page;
}

Task<Result<std::vector<HeldScan>>> Exporting::scans(HeldBehind query) {
  auto page = co_await store_.held_scans(query);
  co_return page;
}

Task<Result<std::vector<HeldEvent>>> Exporting::events(HeldBehind query) {
  auto page = co_await store_.held_events(query);
  co_return page;
}

}  // namespace kaimen::core

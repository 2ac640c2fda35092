#include "core/deletion.h"

#include "core/revocation_life.h"

namespace kaimen::core {

namespace {

constexpr int kAtOnce = 1000;  // deletions a minute

}  // namespace

Task<Result<std::optional<Time>>> Deletion::leave(AppPtr app, Id user, Trace* trace) {
  DeleteUser act;
  act.user = user;
  if (app->settings.deletion_grace_days > 0) act.due_at = live_.clock.now() + std::chrono::days(app->settings.deletion_grace_days);
  act.source = trace->source;
  const std::optional<Time> due_at = act.due_at;
  auto left = co_await carry_out(std::move(act));
  CO_TRY(std::move(left));
  co_return due_at;
}

Task<Result<>> Deletion::remove(Id user, Trace* trace) {
  DeleteUser act;
  act.user = user;
  act.source = trace->source;
  auto removed = co_await carry_out(std::move(act));
  co_return removed;
}

Task<Result<>> Deletion::carry_out(Time now) {
  auto listed = co_await store_.accounts().due_deletions(now, kAtOnce);
  CO_TRY(const auto due, std::move(listed));
  Result<> first_failure = ok();
  for (const Id& user : due) {
    DeleteUser act;
    act.user = user;
    act.only_due = true;
    act.source.actor = "kaimen";
    auto removed = co_await carry_out(std::move(act));
    // Not found: another node was first, or the user came back. One that fails must not hold up the others.
    if (removed.has_error() && removed.error().code != ErrorCode::not_found && first_failure) first_failure = removed;
  }
  co_return first_failure;
}

Task<Result<>> Deletion::carry_out(DeleteUser act) {
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  auto deleted = co_await store_.accounts().delete_user(std::move(act));
  CO_TRY(const auto made, std::move(deleted));
  live_.revoke(made);
  co_return ok();
}

}  // namespace kaimen::core

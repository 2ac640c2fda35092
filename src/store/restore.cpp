// A store that was put back to an earlier state. What was ended since has come back with it, and nobody can tell what that was: so everything that
// was given out until now ends, in one act. The restore time is kept in `meta` (stored; do not change its name).
#include "store/acts.h"
#include "store/records.h"

namespace kaimen::store {

namespace {

constexpr const char* kRestoredAt = "restored_at";
constexpr auto kMayBeAtWork = std::chrono::seconds(15);  // a node that has beaten since may still be there
constexpr Scan kBeating{&kTable<NodeRow>, "beat_at > ?", "id"};
constexpr Scan kNewestEvent{&kTable<EventRow>, "", "id DESC", true};

Result<> expect_nobody_at_work(Rows& rows, Time now) {
  TRY(const auto nodes, rows.scan<NodeRow>(kBeating, Time(now - kMayBeAtWork)));
  if (nodes.empty()) return ok();
  return make_error(ErrorCode::invalid_request, "nodes are at work on it, " + std::to_string(nodes.size()) +
                                                    " by their heartbeats: stop all of them (one that did not stop in good order counts for 15 s more)");
}

/// Later than all that is in the store, sessions and revoked keys, which are told by their times from what the restore ends. Error: invalid_request
/// (the clock is behind).
Result<Time> time_after_all(Rows& rows, Time now) {
  TRY(const auto newest, rows.scan<EventRow>(kNewestEvent, int64_t{1}));
  if (newest.empty() || newest.front().at < now) return now;
  if (newest.front().at == now) return now + Millis{1};
  return make_error(ErrorCode::invalid_request,
                    "the clock says " + rfc3339(now) + ", but something happened in it at " + rfc3339(newest.front().at) + ": set the clock right first");
}

}  // namespace

Result<std::optional<Time>> restore_time(Rows& rows) {
  TRY(const MetaRow* row, rows.find<MetaRow>(kRestoredAt));
  if (!row) return std::nullopt;
  return from_epoch_ms(row->value);
}

Result<core::Restored> note_restore(ActContext& context, const core::Source& source) {
  Rows& rows = context.rows;
  core::Restored restored;
  TRY(const Time now, rows.time());
  TRY(restored.at, time_after_all(rows, now));  // first: by a clock that is behind, nodes that are gone seem to be at work
  TRY(expect_nobody_at_work(rows, now));
  TRY(restored.apps, end_all_sessions(context, restored.at));
  TRY(retire_ticket_keys(context, restored.at, source));
  TRY(restored.keys, put_access_keys_off(context, restored.at));
  TRY(const MetaRow* mark, rows.find<MetaRow>(kRestoredAt));
  if (mark) {
    rows.change(*mark).value = epoch_ms(restored.at);
  } else {
    rows.insert(MetaRow{kRestoredAt, 0, epoch_ms(restored.at)});
  }
  TRY(write_event(context, restored.at, {"store_restored", std::nullopt, std::nullopt, std::nullopt, Reason::none, source}));
  return restored;
}

}  // namespace kaimen::store

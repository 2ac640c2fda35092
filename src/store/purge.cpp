// What nobody needs any more, deleted a slice at a time.
#include <algorithm>

#include "base/limits.h"
#include "store/accounts.h"
#include "store/acts.h"
#include "store/avatars.h"
#include "store/entries.h"
#include "store/records.h"

namespace kaimen::store {

namespace {

constexpr int kSlice = 500;
constexpr auto kOnceKept = std::chrono::days(1);
constexpr auto kDeliveriesKept = std::chrono::days(7);  // once settled; else beside the day in which they are tried
constexpr auto kNodesKept = std::chrono::days(7);
constexpr auto kLinksKept = std::chrono::days(1);
constexpr auto kStatsKept = std::chrono::days(93);
constexpr auto kUnresolvedKept = std::chrono::days(400);  // since their last login

constexpr Scan kOldCodes{&kTable<CodeRow>, "recorded_at <= ?", "", true, true};
constexpr Scan kOldRevocations{&kTable<RevocationRow>, "until <= ?", "", true, true};
constexpr Scan kOldMarks{&kTable<OnceMarkRow>, "marked_at <= ?", "", true, true};
// A whole day at a time, up to a day late: its rows are found by the index alone.
constexpr Scan kOldSessions{&kTable<SessionRow>, "purge_day < ?", "", true, true};
// Ids begin with the time of their row.
constexpr Scan kOldEvents{&kTable<EventRow>, "id < ?", "", true, true};
constexpr Scan kOldDeliveries{&kTable<DeliveryRow>, "settled_at <= ?", "", true, true};
// Those of a webhook that is gone, or stays disabled.
constexpr Scan kForgottenDeliveries{&kTable<DeliveryRow>, "due_at <= ? AND state = 0", "", true, true};
constexpr Scan kOldFailures{&kTable<PasswordFailuresRow>, "failed_at <= ?", "", true, true};
constexpr Scan kOldInvitations{&kTable<InvitationRow>, "until <= ?", "", true, true};
// The row in nodes may have been removed by a program that does not know of this one.
constexpr Scan kOldPrograms{&kTable<NodeProgramRow>, "node_id NOT IN (SELECT id FROM nodes)", "", true, true};
// Named by sessions, whose ids begin with their time.
constexpr Scan kOldScans{&kTable<EntryScanRow>, "session_id < ?", "", true, true};
// Of apps that are gone. Few at a time: a picture may be large.
constexpr Scan kGoneCodes{&kTable<EntryCodeRow>, "app IN (SELECT number FROM apps WHERE removed_at <= ?)", "", true, true};
constexpr int64_t kCodeSlice = 20;
constexpr Scan kOldStats{&kTable<StatsTableRow>, "hour < ?", "", true, true};
constexpr Scan kOldUnresolved{&kTable<UnresolvedRow>, "again_at <= ?", "", true, true};
constexpr Scan kOldLinks{&kTable<ComponentLinkRow>, "created_at <= ?", "", true, true};
constexpr Scan kOldNodes{&kTable<NodeRow>, "beat_at <= ?", "", true, true};

/// Removes what the scan finds, but for rows that this batch has changed. Yields how many were found.
template <class Row, class... Values>
Result<size_t> remove_found(Rows& rows, const Scan& scan, const Values&... values) {
  TRY(const auto found, rows.scan<Row>(scan, values..., kSlice));
  for (const Row& row : found) {
    const Row* now = rows.adopt(row);
    if (now && key_text(detail::cells_of(*now)) == key_text(detail::cells_of(row))) rows.remove(*now);
  }
  return found.size();
}

/// Entry codes with what is counted of them and their pictures. Whether there may be more.
Result<bool> purge_codes(Rows& rows, Time now) {
  TRY(const auto found, rows.scan<EntryCodeRow>(kGoneCodes, now, kCodeSlice));
  for (const EntryCodeRow& code : found) {
    rows.expect(kCountsOfCode, code.code);
    if (code.picture_hash) rows.expect<EntryPictureRow>(*code.picture_hash);
  }
  for (const EntryCodeRow& code : found) {
    if (const EntryCodeRow* row = rows.adopt(code)) {
      TRY(drop_code(rows, *row));
    }
  }
  return found.size() == static_cast<size_t>(kCodeSlice);
}

}  // namespace

Result<std::optional<Time>> last_purge(ActContext& context) {
  TRY(const MetaRow* row, context.rows.find<MetaRow>("last_seen_time"));
  if (!row) return std::nullopt;
  return from_epoch_ms(row->value);
}

Result<> note_purge(ActContext& context, Time now) {
  TRY(const MetaRow* row, context.rows.find<MetaRow>("last_seen_time"));
  if (row) {
    context.rows.change(*row).value = epoch_ms(now);
  } else {
    context.rows.insert(MetaRow{"last_seen_time", 0, epoch_ms(now)});
  }
  return ok();
}

Result<bool> purge_slice(ActContext& context, Time now, Millis events_kept) {
  Rows& rows = context.rows;
  const Time ended_by = now - kSessionsKept;
  TRY(const size_t codes, remove_found<CodeRow>(rows, kOldCodes, now - limits::kReplayWithAttempt));
  TRY(const size_t revocations, remove_found<RevocationRow>(rows, kOldRevocations, now));
  TRY(const size_t marks, remove_found<OnceMarkRow>(rows, kOldMarks, now - kOnceKept));
  TRY(const size_t sessions, remove_found<SessionRow>(rows, kOldSessions, purge_day(ended_by)));
  TRY(const size_t failures, remove_found<PasswordFailuresRow>(rows, kOldFailures, now - kFailuresKept));
  TRY(remove_found<UnresolvedRow>(rows, kOldUnresolved, now - kUnresolvedKept));
  TRY(remove_found<InvitationRow>(rows, kOldInvitations, now));
  TRY(remove_found<ComponentLinkRow>(rows, kOldLinks, now - kLinksKept));
  TRY(remove_found<NodeProgramRow>(rows, kOldPrograms));
  TRY(remove_found<NodeRow>(rows, kOldNodes, now - kNodesKept));
  TRY(const size_t events, remove_found<EventRow>(rows, kOldEvents, first_id_at(now - events_kept)));
  TRY(const size_t scans, remove_found<EntryScanRow>(rows, kOldScans, first_id_at(now - events_kept)));
  TRY(const size_t stats, remove_found<StatsTableRow>(rows, kOldStats, epoch_ms(now - kStatsKept) / 3'600'000));
  TRY(const size_t settled, remove_found<DeliveryRow>(rows, kOldDeliveries, now - kDeliveriesKept));
  TRY(const size_t forgotten, remove_found<DeliveryRow>(rows, kForgottenDeliveries, now - kDeliveriesKept - std::chrono::days(1)));
  TRY(const bool codes_of_gone, purge_codes(rows, now));
  TRY(const bool avatars, purge_avatars(context, now));
  return avatars || codes_of_gone || std::max({codes, revocations, marks, sessions, events, settled, forgotten, failures, scans, stats}) == kSlice;
}

}  // namespace kaimen::store

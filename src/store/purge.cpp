// What nobody needs any more, deleted a slice at a time.
#include <algorithm>

#include "base/limits.h"
#include "store/acts.h"
#include "store/rows.h"

namespace kaimen::store {

namespace {

constexpr int kSlice = 500;
constexpr auto kOnceKept = std::chrono::days(1);

}  // namespace

Result<std::optional<Time>> last_purge(ActContext& context) {
  Statement row(context.db, "SELECT value FROM meta WHERE name = 'last_seen_time'");
  TRY(const bool found, row.step());
  if (!found) return std::nullopt;
  return row.time(0);
}

Result<> note_purge(ActContext& context, Time now) {
  TRY(context.db.run("INSERT INTO meta (name, value) VALUES ('last_seen_time', ?) "
                     "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                     now));
  return ok();
}

Result<bool> purge_slice(ActContext& context, Time now) {
  Database& db = context.db;
  TRY(const int64_t codes,
      db.run("DELETE FROM codes WHERE (app, code_hash) IN (SELECT app, code_hash FROM codes WHERE recorded_at <= ? LIMIT ?)",
             now - limits::kReplayWithAttempt, kSlice));
  TRY(const int64_t revocations,
      db.run("DELETE FROM revocations WHERE session_id IN (SELECT session_id FROM revocations WHERE until <= ? LIMIT ?)", now, kSlice));
  TRY(const int64_t marks, db.run("DELETE FROM once_marks WHERE mark IN (SELECT mark FROM once_marks WHERE marked_at <= ? LIMIT ?)",
                                  now - kOnceKept, kSlice));
  // purge_day finds those of today's whole day; their own times decide.
  const Time ended_by = now - kSessionsKept;
  TRY(const int64_t sessions, db.run("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE purge_day <= ? AND "
                                     "coalesce(ended_at, min(idle_expires_at, absolute_expires_at)) <= ? LIMIT ?)",
                                     purge_day(ended_by), ended_by, kSlice));
  return std::max({codes, revocations, marks, sessions}) == kSlice;
}

}  // namespace kaimen::store

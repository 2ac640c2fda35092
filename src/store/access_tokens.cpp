// Custody of access_tokens: one refresher at a time, and no older answer over a newer one. The lease's number is the fence.
#include "store/acts.h"

namespace kaimen::store {

Result<core::AccessTokenRow> access_token(ActContext& context, const std::string& app_id) {
  Statement row(context.db, "SELECT token_sealed, expires_at, fetched_at, lease FROM access_tokens WHERE app_id = ?");
  TRY(const bool found, row.bind(app_id).step());
  if (!found) return core::AccessTokenRow{};
  return core::AccessTokenRow{row.text(0), row.time(1), row.time(2), static_cast<uint64_t>(row.integer(3))};
}

// The same owner gets a new number as well: of two fetches of its own only the later may be kept.
Result<std::optional<uint64_t>> lease_access_token(ActContext& context, const std::string& app_id, const Id& owner, Time now, Time until) {
  Database& db = context.db;
  TRY(db.run("INSERT INTO access_tokens (app_id, token_sealed, expires_at, fetched_at, lease, lease_owner, lease_until) "
             "VALUES (?, x'', 0, 0, 0, ?, 0) ON CONFLICT DO NOTHING",
             app_id, owner));
  TRY(const int64_t leased, db.run("UPDATE access_tokens SET lease = lease + 1, lease_owner = ?, lease_until = ? "
                                   "WHERE app_id = ? AND (lease_until <= ? OR lease_owner = ?)",
                                   owner, until, app_id, now, owner));
  if (leased == 0) return std::nullopt;
  TRY(const auto row, access_token(context, app_id));
  return row.lease;
}

Result<bool> save_access_token(ActContext& context, const std::string& app_id, uint64_t lease, const std::string& token_sealed,
                               Time expires_at, Time now) {
  TRY(const int64_t saved, context.db.run("UPDATE access_tokens SET token_sealed = ?, expires_at = ?, fetched_at = ?, lease_until = 0 "
                                          "WHERE app_id = ? AND lease = ?",
                                          Blob{token_sealed}, expires_at, now, app_id, static_cast<int64_t>(lease)));
  return saved != 0;
}

Result<> release_access_token(ActContext& context, const std::string& app_id, uint64_t lease) {
  TRY(context.db.run("UPDATE access_tokens SET lease_until = 0 WHERE app_id = ? AND lease = ?", app_id, static_cast<int64_t>(lease)));
  return ok();
}

}  // namespace kaimen::store

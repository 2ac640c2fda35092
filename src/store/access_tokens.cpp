// Custody of access_tokens: one refresher at a time, and no older answer over a newer one. The lease's number is the fence.
#include "store/acts.h"
#include "store/apps.h"
#include "store/records.h"

namespace kaimen::store {

Result<core::AccessTokenRow> access_token(ActContext& context, const std::string& app_id) {
  context.rows.expect(kAppByLiveId, app_id);
  TRY(const AccessTokenTableRow* row, context.rows.find<AccessTokenTableRow>(app_id));
  TRY(const AppTableRow* app, live_app(context.rows, app_id));
  core::AccessTokenRow found;
  if (app) {
    found.app = app->number;
    found.upstream = app->upstream;
  }
  if (!row) return found;
  found.token_sealed = row->token_sealed.raw;
  found.expires_at = row->expires_at;
  found.fetched_at = row->fetched_at;
  found.lease = row->lease;
  return found;
}

// The same owner gets a new number as well: of two fetches of its own only the later may be kept.
Result<std::optional<uint64_t>> lease_access_token(ActContext& context, const std::string& app_id, const Id& owner, Time now, Time until) {
  TRY(const AccessTokenTableRow* before, context.rows.find<AccessTokenTableRow>(app_id));
  if (!before) {
    AccessTokenTableRow row;
    row.app_id = app_id;
    row.lease = 1;
    row.lease_owner = owner;
    row.lease_until = until;
    context.rows.insert(std::move(row));
    return uint64_t{1};
  }
  if (before->lease_until > now && before->lease_owner != owner) return std::nullopt;
  AccessTokenTableRow& row = context.rows.change(*before);
  row.lease += 1;
  row.lease_owner = owner;
  row.lease_until = until;
  return row.lease;
}

Result<bool> save_access_token(ActContext& context, const std::string& app_id, uint64_t lease, const std::string& token_sealed,
                               Time expires_at, Time now) {
  TRY(const AccessTokenTableRow* before, context.rows.find<AccessTokenTableRow>(app_id));
  if (!before || before->lease != lease) return false;
  AccessTokenTableRow& row = context.rows.change(*before);
  row.token_sealed = Bytes{token_sealed};
  row.expires_at = expires_at;
  row.fetched_at = now;
  row.lease_until = Time{};
  return true;
}

Result<> release_access_token(ActContext& context, const std::string& app_id, uint64_t lease) {
  TRY(const AccessTokenTableRow* before, context.rows.find<AccessTokenTableRow>(app_id));
  if (before && before->lease == lease) context.rows.change(*before).lease_until = Time{};
  return ok();
}

Result<> wipe_access_token(ActContext& context, const std::string& app_id) {
  TRY(const AccessTokenTableRow* before, context.rows.find<AccessTokenTableRow>(app_id));
  if (!before) {
    // Here, so that of this act and a first lease beside it one must see the other.
    context.rows.insert(AccessTokenTableRow{app_id, 0, Bytes{}, Time{}, Time{}, 1, Id{}, Time{}});
    return ok();
  }
  // The lease's number stays and counts on: a fetch on its way must not pass for one that began after this.
  AccessTokenTableRow& row = context.rows.change(*before);
  row.token_sealed = Bytes{};
  row.expires_at = Time{};
  row.lease += 1;
  row.lease_until = Time{};
  return ok();
}

}  // namespace kaimen::store

// Ticket keys (sealed) and access keys (hashed).
#include <charconv>

#include "store/acts.h"
#include "store/records.h"

namespace kaimen::store {

using core::AccessKeyRow;
using core::TicketKeyRow;

namespace {

std::vector<std::string> names_of(const std::vector<uint32_t>& numbers) {
  std::vector<std::string> names;
  for (const uint32_t number : numbers) names.push_back(std::to_string(number));
  return names;
}

/// A scope that cannot be read must not become the scope "all".
Result<std::vector<uint32_t>> numbers_of(const std::string& text) {
  std::vector<uint32_t> numbers;
  for (const std::string& name : split(text)) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return make_error(ErrorCode::internal, "a ticket key's scope is damaged");
    numbers.push_back(number);
  }
  return numbers;
}

constexpr Scan kTicketKeys{&kTable<TicketKeyTableRow>, "", "created_at, id"};
constexpr Index<AccessKeyTableRow> kAccessKeyByHash{{&kTable<AccessKeyTableRow>, {2}, 1}};
constexpr Scan kAccessKeys{&kTable<AccessKeyTableRow>, "", "created_at, id"};

// A key that is off since a restore stands as revoked at the restore time: a program of an older version, which knows nothing of restores, refuses
// it, too.
bool is_unconfirmed(const AccessKeyTableRow& row, std::optional<Time> restored_at) { return restored_at && row.revoked_at == restored_at; }

Result<> write_key_event(ActContext& context, Time now, std::string_view kind, const AccessKeyTableRow& row, const core::Source& source) {
  const std::string detail = "{\"key\":\"" + row.id.hex() + "\"}";
  return write_event(context, now, {kind, std::nullopt, std::nullopt, std::nullopt, Reason::none, source, row.project, detail});
}

}  // namespace

Result<std::vector<TicketKeyRow>> list_ticket_keys(ActContext& context) {
  TRY(const auto rows, context.rows.scan<TicketKeyTableRow>(kTicketKeys));
  std::vector<TicketKeyRow> keys;
  for (const TicketKeyTableRow& row : rows) {
    TRY(auto apps, numbers_of(row.apps));
    keys.push_back({row.id, row.kind, row.key_sealed.raw, std::move(apps), row.created_at, row.seals_from, row.retired});
  }
  return keys;
}

Result<> add_ticket_key(ActContext& context, const TicketKeyRow& key) {
  TRY(const TicketKeyTableRow* before, context.rows.find<TicketKeyTableRow>(key.id));
  if (before && context.again && before->key_sealed.raw == key.key_sealed) return ok();
  if (before) return make_error(ErrorCode::conflict, "a ticket key of that id is there already");
  TRY(count_configuration(context.rows));
  context.rows.insert(TicketKeyTableRow{key.id, key.kind, Bytes{key.key_sealed}, join(names_of(key.apps)), key.created_at, key.seals_from,
                                        key.retired});
  return write_event(context, key.created_at, {"ticket_key_added"});
}

Result<> retire_ticket_keys(ActContext& context, Time now, const core::Source& source) {
  Rows& rows = context.rows;
  TRY(const auto keys, rows.scan<TicketKeyTableRow>(kTicketKeys));
  TRY(count_configuration(rows));
  bool any = false;
  for (const TicketKeyTableRow& key : keys) {
    const TicketKeyTableRow* row = rows.adopt(key);
    if (!row || row->kind == core::KeyKind::renew || row->retired) continue;
    rows.change(*row).retired = true;
    any = true;
  }
  if (!any) return ok();
  return write_event(context, now, {"ticket_keys_retired", std::nullopt, std::nullopt, std::nullopt, Reason::none, source});
}

Result<> drop_ticket_keys(ActContext& context, const std::vector<uint32_t>& ids) {
  Rows& rows = context.rows;
  TRY(count_configuration(rows));
  for (const uint32_t id : ids) rows.expect<TicketKeyTableRow>(id);
  for (const uint32_t id : ids) {
    TRY(const TicketKeyTableRow* row, rows.find<TicketKeyTableRow>(id));
    if (row) rows.remove(*row);
  }
  return write_event(context, context.clock.now(), {"ticket_keys_dropped"});
}

Result<std::vector<AccessKeyRow>> list_access_keys(ActContext& context) {
  TRY(const auto restored_at, restore_time(context.rows));
  TRY(const auto rows, context.rows.scan<AccessKeyTableRow>(kAccessKeys));
  std::vector<AccessKeyRow> keys;
  for (const AccessKeyTableRow& row : rows) {
    AccessKeyRow key{row.id, row.name, row.hash.raw, split(row.scopes), row.project, row.created_at, row.last_used_at, row.revoked_at};
    if (is_unconfirmed(row, restored_at)) std::swap(key.revoked_at, key.unconfirmed_since);
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<> add_access_key(ActContext& context, const AccessKeyRow& key) {
  TRY(const AccessKeyTableRow* before, context.rows.find<AccessKeyTableRow>(key.id));
  if (before && context.again && before->hash.raw == key.hash) return ok();
  TRY(const auto same, context.rows.list(kAccessKeyByHash, Bytes{key.hash}));
  if (before || !same.empty()) return make_error(ErrorCode::conflict, "this access key is there already");
  if (!key.project.empty()) {
    TRY(expect_project(context.rows, key.project));
  }
  TRY(count_configuration(context.rows));
  AccessKeyTableRow row{key.id, key.name, Bytes{key.hash}, join(key.scopes), key.project, key.created_at, key.last_used_at, key.revoked_at};
  context.rows.insert(row);
  return write_key_event(context, key.created_at, "access_key_added", row, key.source);
}

Result<> revoke_access_key(ActContext& context, const Id& id, Time now, const core::Source& source) {
  TRY(const auto restored_at, restore_time(context.rows));
  TRY(const AccessKeyTableRow* row, context.rows.find<AccessKeyTableRow>(id));
  if (!row) return make_error(ErrorCode::not_found, "no such access key");
  if (row->revoked_at && !is_unconfirmed(*row, restored_at)) return ok();
  TRY(count_configuration(context.rows));
  // Never the restore time itself, which would say that it can be confirmed.
  context.rows.change(*row).revoked_at = restored_at ? std::max(now, *restored_at + Millis{1}) : now;
  return write_key_event(context, now, "access_key_revoked", *row, source);
}

Result<> confirm_access_key(ActContext& context, const Id& id, Time now, const core::Source& source) {
  TRY(const auto restored_at, restore_time(context.rows));
  TRY(const AccessKeyTableRow* row, context.rows.find<AccessKeyTableRow>(id));
  if (!row) return make_error(ErrorCode::not_found, "no such access key");
  if (!row->revoked_at) return ok();
  if (!is_unconfirmed(*row, restored_at)) return make_error(ErrorCode::conflict, "this key was revoked; make a new one");
  TRY(count_configuration(context.rows));
  context.rows.change(*row).revoked_at.reset();
  return write_key_event(context, now, "access_key_confirmed", *row, source);
}

Result<uint32_t> put_access_keys_off(ActContext& context, Time now) {
  Rows& rows = context.rows;
  TRY(const auto restored_at, restore_time(rows));
  TRY(const auto keys, rows.scan<AccessKeyTableRow>(kAccessKeys));
  TRY(count_configuration(rows));
  uint32_t off = 0;
  for (const AccessKeyTableRow& key : keys) {
    const AccessKeyTableRow* row = rows.adopt(key);
    if (!row || (row->revoked_at && !is_unconfirmed(*row, restored_at))) continue;
    rows.change(*row).revoked_at = now;
    ++off;
  }
  return off;
}

Result<> touch_access_keys(ActContext& context, const std::vector<Id>& used, Time now) {
  Rows& rows = context.rows;
  for (const Id& id : used) rows.expect<AccessKeyTableRow>(id);
  for (const Id& id : used) {
    TRY(const AccessKeyTableRow* row, rows.find<AccessKeyTableRow>(id));
    if (row && row->last_used_at.value_or(Time{}) < now) rows.change(*row).last_used_at = now;
  }
  return ok();
}

}  // namespace kaimen::store

// Ticket keys (sealed) and access keys (hashed).
#include <charconv>

#include "store/acts.h"
#include "store/rows.h"

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

}  // namespace

Result<std::vector<TicketKeyRow>> list_ticket_keys(ActContext& context) {
  Statement row(context.db, "SELECT id, renew, key_sealed, apps, created_at, seals_from, retired FROM ticket_keys ORDER BY created_at, id");
  std::vector<TicketKeyRow> keys;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) return keys;
    TRY(auto apps, numbers_of(row.text(3)));
    keys.push_back({row.number(0), row.flag(1), row.text(2), std::move(apps), row.time(4), row.time(5), row.flag(6)});
  }
}

Result<> add_ticket_key(ActContext& context, const TicketKeyRow& key) {
  TRY(const int64_t added, context.db.run("INSERT INTO ticket_keys (id, renew, key_sealed, apps, created_at, seals_from, retired) "
                                          "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                          key.id, key.renew, Blob{key.key_sealed}, join(names_of(key.apps)), key.created_at, key.seals_from,
                                          key.retired));
  if (added == 0) return make_error(ErrorCode::conflict, "a ticket key of that id is there already");
  return write_event(context, key.created_at, {"ticket_key_added"});
}

Result<> retire_ticket_keys(ActContext& context, Time now) {
  TRY(const int64_t retired, context.db.run("UPDATE ticket_keys SET retired = 1 WHERE renew = 0 AND retired = 0"));
  if (retired == 0) return ok();
  return write_event(context, now, {"ticket_keys_retired"});
}

Result<> drop_ticket_keys(ActContext& context, const std::vector<uint32_t>& ids) {
  for (const uint32_t id : ids) {
    TRY(context.db.run("DELETE FROM ticket_keys WHERE id = ?", id));
  }
  return write_event(context, context.clock.now(), {"ticket_keys_dropped"});
}

Result<std::vector<AccessKeyRow>> list_access_keys(ActContext& context) {
  Statement row(context.db,
                "SELECT id, name, hash, scopes, project, created_at, last_used_at, revoked_at FROM access_keys ORDER BY created_at, id");
  std::vector<AccessKeyRow> keys;
  for (;;) {
    TRY(const bool found, row.step());
    if (!found) return keys;
    keys.push_back({row.id(0), row.text(1), row.text(2), split(row.text(3)), row.text(4), row.time(5), row.optional_time(6),
                    row.optional_time(7)});
  }
}

Result<> add_access_key(ActContext& context, const AccessKeyRow& key) {
  TRY(const int64_t added, context.db.run("INSERT INTO access_keys (id, name, hash, scopes, project, created_at, last_used_at, revoked_at) "
                                          "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                                          key.id, key.name, Blob{key.hash}, join(key.scopes), key.project, key.created_at, key.last_used_at,
                                          key.revoked_at));
  if (added == 0) return make_error(ErrorCode::conflict, "this access key is there already");
  return write_event(context, key.created_at, {"access_key_added"});
}

Result<> revoke_access_key(ActContext& context, const Id& id, Time now) {
  Statement row(context.db, "SELECT revoked_at FROM access_keys WHERE id = ?");
  TRY(const bool found, row.bind(id).step());
  if (!found) return make_error(ErrorCode::not_found, "no such access key");
  if (!row.is_null(0)) return ok();
  TRY(context.db.run("UPDATE access_keys SET revoked_at = ? WHERE id = ?", now, id));
  return write_event(context, now, {"access_key_revoked"});
}

Result<> touch_access_keys(ActContext& context, const std::vector<Id>& used, Time now) {
  for (const Id& id : used) {
    TRY(context.db.run("UPDATE access_keys SET last_used_at = ? WHERE id = ?", now, id));
  }
  return ok();
}

}  // namespace kaimen::store

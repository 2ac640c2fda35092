// Deliveries on their way: of each user and webhook one at a time, in order.
#include <algorithm>
#include <tuple>

#include "store/journal.h"

namespace kaimen::store {

using core::Delivery;
using core::LeasedDelivery;

namespace {

constexpr int kDueSlice = 64;  // of one webhook's that are due
constexpr size_t kErrorBytes = 200;

constexpr Scan kOpenWebhooks{&kTable<WebhookRow>, "disabled = 0", "created_at, id"};
constexpr Scan kDueNow{&kTable<DeliveryRow>, "webhook_id = ? AND state = 0 AND due_at <= ?", "due_at, id", true};
constexpr Scan kOfWebhook{&kTable<DeliveryRow>, "webhook_id = ? AND id > ?", "id", true};
constexpr Index<DeliveryRow> kUnsettledOfUser{{&kTable<DeliveryRow>, {0, 3}, 2, "state = 0"},
                                              [](const DeliveryRow& row) { return row.state == core::DeliveryState::due; }};

Delivery delivery_of(const DeliveryRow& row) {
  return {row.webhook, row.id, row.user.value_or(Id{}), row.kind, row.body, row.state, row.due_at, row.attempts, row.last_status, row.last_error, row.settled_at};
}

Result<const DeliveryRow*> oldest_of(Rows& rows, const DeliveryRow& one) {
  if (!one.user) return &one;
  TRY(const auto all, rows.list(kUnsettledOfUser, one.webhook, *one.user));
  const auto oldest = std::ranges::min_element(all, {}, [](const DeliveryRow* row) { return std::tie(row->place, row->id); });
  return oldest == all.end() ? &one : *oldest;
}

/// Leases `row`, or the one that must go before it; otherwise puts it where it will be looked at again when that one is. Null: not now.
Result<const DeliveryRow*> lease(Rows& rows, const DeliveryRow& row, const core::LeaseDeliveries& act) {
  TRY(const DeliveryRow* oldest, oldest_of(rows, row));
  const Time next = std::max(oldest->due_at, oldest->lease_until);
  if (next > act.now) {
    if (next > row.due_at) rows.change(row).due_at = next;
    return nullptr;
  }
  rows.change(*oldest).lease_until = act.until;
  return oldest;
}

}  // namespace

Result<std::vector<LeasedDelivery>> lease_deliveries(ActContext& context, const core::LeaseDeliveries& act) {
  Rows& rows = context.rows;
  TRY(const auto webhooks, rows.scan<WebhookRow>(kOpenWebhooks));
  std::vector<LeasedDelivery> leased;
  for (const WebhookRow& webhook : webhooks) {
    if (std::ranges::find(act.busy, webhook.id) != act.busy.end()) continue;
    TRY(const auto due, rows.scan<DeliveryRow>(kDueNow, webhook.id, act.now, kDueSlice));
    for (const DeliveryRow& scanned : due) {
      if (scanned.user) rows.expect(kUnsettledOfUser, scanned.webhook, *scanned.user);
    }
    size_t count = 0;
    for (const DeliveryRow& scanned : due) {
      if (count == act.per_webhook) break;
      const DeliveryRow* row = rows.adopt(scanned);
      if (!row || row->state != core::DeliveryState::due) continue;
      TRY(const DeliveryRow* mine, lease(rows, *row, act));
      if (!mine) continue;
      leased.push_back({delivery_of(*mine), webhook.url, webhook.secret_sealed.raw, act.until});
      ++count;
    }
  }
  return leased;
}

Result<> settle_delivery(ActContext& context, const core::SettleDelivery& act) {
  Rows& rows = context.rows;
  TRY(const DeliveryRow* row, rows.find<DeliveryRow>(act.webhook, act.id));
  if (!row || row->state != core::DeliveryState::due || row->lease_until != act.lease_until) return ok();
  if (row->user) {
    TRY(const auto all, rows.list(kUnsettledOfUser, row->webhook, *row->user));
    // Whoever waited behind it is looked at at once.
    for (const DeliveryRow* waiting : all) {
      if (waiting != row && !act.retry_at && waiting->due_at > act.now && waiting->attempts == 0) rows.change(*waiting).due_at = act.now;
    }
  }
  DeliveryRow& delivery = rows.change(*row);
  delivery.attempts += 1;
  delivery.last_status = act.status;
  delivery.last_error = act.error.substr(0, kErrorBytes);
  delivery.lease_until = Time{};
  if (act.delivered || !act.retry_at) {
    delivery.state = act.delivered ? core::DeliveryState::delivered : core::DeliveryState::given_up;
    delivery.settled_at = act.now;
  } else {
    delivery.due_at = *act.retry_at;
  }
  return ok();
}

Result<std::vector<Delivery>> list_deliveries(ActContext& context, const core::ListDeliveries& query) {
  std::vector<Delivery> found;
  Id after = query.after.value_or(Id{});
  while (found.size() < query.limit) {
    TRY(const auto page, context.rows.scan<DeliveryRow>(kOfWebhook, query.webhook, after, 500));
    for (const DeliveryRow& row : page) {
      if (found.size() < query.limit && (!query.state || row.state == *query.state)) found.push_back(delivery_of(row));
    }
    if (page.size() < 500) break;
    after = page.back().id;
  }
  return found;
}

Result<> replay_delivery(ActContext& context, const Id& webhook, const Id& id, Time now, const core::Source& source) {
  TRY(const DeliveryRow* row, context.rows.find<DeliveryRow>(webhook, id));
  if (!row) return make_error(ErrorCode::not_found, "no such delivery");
  TRY(const WebhookRow* of, context.rows.find<WebhookRow>(webhook));
  if (!of) return make_error(ErrorCode::not_found, "no such webhook");
  DeliveryRow& delivery = context.rows.change(*row);
  delivery.state = core::DeliveryState::due;
  delivery.due_at = now;
  delivery.attempts = 0;
  delivery.settled_at.reset();
  const std::string detail = "{\"webhook\":\"" + webhook.hex() + "\",\"delivery\":\"" + id.hex() + "\"}";
  return write_event(context, now, {"delivery_replayed", std::nullopt, row->user, std::nullopt, Reason::none, source, of->project, detail});
}

}  // namespace kaimen::store

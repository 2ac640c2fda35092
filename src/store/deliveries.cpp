// Deliveries on their way: of each user and webhook one at a time, in order.
#include <algorithm>
#include <map>
#include <tuple>

#include "store/journal.h"

namespace kaimen::store {

using core::Delivery;
using core::LeasedDelivery;

namespace {

constexpr int64_t kDueSlice = 64;       // of one webhook's that are due
constexpr int64_t kWebhooksAtOnce = 64;  // those that have waited longest; the others in the next look
constexpr int64_t kListSlice = 500;
constexpr int kListSlices = 10;  // at most, for one page
constexpr size_t kErrorBytes = 200;

// Those that have something due, by when the oldest of it was: a step into deliveries_by_due for each.
constexpr Scan kWaitingWebhooks{
    &kTable<WebhookRow>,
    "disabled = 0 AND (SELECT d.due_at FROM deliveries d WHERE d.webhook_id = webhooks.id AND d.state = 0 ORDER BY d.due_at LIMIT 1) <= ?",
    "(SELECT d.due_at FROM deliveries d WHERE d.webhook_id = webhooks.id AND d.state = 0 ORDER BY d.due_at LIMIT 1), id", true};
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

// However many webhooks there are, a look takes a few ways over the network: which of them wait, what is due of these, what else their users
// have.
Result<std::vector<LeasedDelivery>> lease_deliveries(ActContext& context, const core::LeaseDeliveries& act) {
  Rows& rows = context.rows;
  TRY(auto webhooks, rows.scan<WebhookRow>(kWaitingWebhooks, act.now, kWebhooksAtOnce + static_cast<int64_t>(act.busy.size())));
  std::erase_if(webhooks, [&act](const WebhookRow& webhook) { return std::ranges::find(act.busy, webhook.id) != act.busy.end(); });
  std::map<Id, std::pair<const WebhookRow*, size_t>> taken;  // by webhook: how many of it
  std::vector<Cell> asked;
  for (const WebhookRow& webhook : webhooks) {
    taken[webhook.id] = {&webhook, 0};
    asked.insert(asked.end(), {cell_of(webhook.id), cell_of(act.now), cell_of(kDueSlice)});
  }
  TRY(const auto due, rows.scan_each<DeliveryRow>(kDueNow, asked, 3));
  for (const DeliveryRow& scanned : due) {
    if (scanned.user) rows.expect(kUnsettledOfUser, scanned.webhook, *scanned.user);
  }
  std::vector<LeasedDelivery> leased;
  for (const DeliveryRow& scanned : due) {
    auto& [webhook, count] = taken[scanned.webhook];
    if (count == act.per_webhook) continue;
    const DeliveryRow* row = rows.adopt(scanned);
    if (!row || row->state != core::DeliveryState::due) continue;
    TRY(const DeliveryRow* mine, lease(rows, *row, act));
    if (!mine) continue;
    leased.push_back({delivery_of(*mine), webhook->url, webhook->secret_sealed.raw, act.until});
    ++count;
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

Result<core::DeliveryPage> list_deliveries(ActContext& context, const core::ListDeliveries& query) {
  core::DeliveryPage page;
  Id after = query.after.value_or(Id{});
  for (int i = 0; i < kListSlices; ++i) {
    TRY(const auto found, context.rows.scan<DeliveryRow>(kOfWebhook, query.webhook, after, kListSlice));
    for (const DeliveryRow& row : found) {
      after = row.id;
      if (query.state && row.state != *query.state) continue;
      page.deliveries.push_back(delivery_of(row));
      if (page.deliveries.size() == query.limit) {
        page.next = after;
        return page;
      }
    }
    if (found.size() < static_cast<size_t>(kListSlice)) return page;
  }
  page.next = after;
  return page;
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

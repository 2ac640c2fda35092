// Who is told.
#include "store/journal.h"

namespace kaimen::store {

using core::Webhook;

namespace {

constexpr Scan kWebhooks{&kTable<WebhookRow>, "", "created_at, id"};

Result<> note_change(ActContext& context, Time now, std::string_view kind, const Id& id, std::string_view project, const core::Source& source) {
  const std::string detail = "{\"webhook\":\"" + id.hex() + "\"}";
  return write_event(context, now, {kind, std::nullopt, std::nullopt, std::nullopt, Reason::none, source, project, detail});
}

Webhook webhook_of(const WebhookRow& row) {
  return {row.id, row.project, row.url, row.secret_sealed.raw, split(row.kinds), row.disabled, row.created_at};
}

}  // namespace

Result<std::vector<Webhook>> list_webhooks(ActContext& context) {
  TRY(const auto rows, context.rows.scan<WebhookRow>(kWebhooks));
  std::vector<Webhook> webhooks;
  for (const WebhookRow& row : rows) webhooks.push_back(webhook_of(row));
  return webhooks;
}

Result<> add_webhook(ActContext& context, const Webhook& webhook) {
  TRY(const WebhookRow* before, context.rows.find<WebhookRow>(webhook.id));
  if (before && context.again) return ok();
  if (before) return make_error(ErrorCode::conflict, "this webhook is there already");
  TRY(expect_project(context.rows, webhook.project));
  TRY(count_configuration(context.rows));
  context.rows.insert(WebhookRow{webhook.id, webhook.project, webhook.url, Bytes{webhook.secret_sealed}, join(webhook.kinds), webhook.disabled,
                                 webhook.created_at});
  return note_change(context, webhook.created_at, "webhook_added", webhook.id, webhook.project, webhook.source);
}

Result<Webhook> change_webhook(ActContext& context, const core::ChangeWebhook& act) {
  TRY(const WebhookRow* row, context.rows.find<WebhookRow>(act.id));
  if (!row) return make_error(ErrorCode::not_found, "no such webhook");
  WebhookRow& changed = context.rows.change(*row);
  changed.url = act.url.value_or(changed.url);
  if (act.kinds) changed.kinds = join(*act.kinds);
  changed.disabled = act.disabled.value_or(changed.disabled);
  TRY(note_change(context, context.clock.now(), "webhook_changed", act.id, row->project, act.source));
  return webhook_of(changed);
}

// What was put into its outbox goes with the purge.
Result<> remove_webhook(ActContext& context, const Id& id, Time now, const core::Source& source) {
  TRY(const WebhookRow* row, context.rows.find<WebhookRow>(id));
  if (!row && context.again) return ok();
  if (!row) return make_error(ErrorCode::not_found, "no such webhook");
  const std::string project = row->project;
  context.rows.remove(*row);
  return note_change(context, now, "webhook_removed", id, project, source);
}

}  // namespace kaimen::store

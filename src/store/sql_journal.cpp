#include "store/sql_journal.h"

#include "store/journal.h"

namespace kaimen::store {

Task<Result<core::EventPage>> SqlJournal::list_events(core::ListEvents query) {
  return queue_.read<core::EventPage>([query = std::move(query)](ActContext& context) { return store::list_events(context, query); });
}
Task<Result<>> SqlJournal::note(core::Note note) {
  return queue_.write<void>([note = std::move(note)](ActContext& context) { return write_note(context, note); });
}
Task<Result<std::vector<core::Webhook>>> SqlJournal::list_webhooks() {
  return queue_.read<std::vector<core::Webhook>>([](ActContext& context) { return store::list_webhooks(context); });
}
Task<Result<>> SqlJournal::add_webhook(core::Webhook webhook) {
  return queue_.write<void>([webhook = std::move(webhook)](ActContext& context) { return store::add_webhook(context, webhook); });
}
Task<Result<core::Webhook>> SqlJournal::change_webhook(core::ChangeWebhook act) {
  return queue_.write<core::Webhook>([act = std::move(act)](ActContext& context) { return store::change_webhook(context, act); });
}
Task<Result<>> SqlJournal::remove_webhook(Id id, Time now, core::Source source) {
  return queue_.write<void>([id, now, source = std::move(source)](ActContext& context) { return store::remove_webhook(context, id, now, source); });
}
Task<Result<std::vector<core::LeasedDelivery>>> SqlJournal::lease_deliveries(core::LeaseDeliveries act) {
  return queue_.write<std::vector<core::LeasedDelivery>>([act = std::move(act)](ActContext& context) {
    return store::lease_deliveries(context, act);
  });
}
Task<Result<>> SqlJournal::settle_delivery(core::SettleDelivery act) {
  return queue_.write<void>([act = std::move(act)](ActContext& context) { return store::settle_delivery(context, act); });
}
Task<Result<core::DeliveryPage>> SqlJournal::list_deliveries(core::ListDeliveries query) {
  return queue_.read<core::DeliveryPage>([query = std::move(query)](ActContext& context) { return store::list_deliveries(context, query); });
}
Task<Result<>> SqlJournal::replay_delivery(Id webhook, Id id, Time now, core::Source source) {
  return queue_.write<void>([webhook, id, now, source = std::move(source)](ActContext& context) {
    return store::replay_delivery(context, webhook, id, now, source);
  });
}

}  // namespace kaimen::store

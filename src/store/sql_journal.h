// core/journal_store.h on an SQL database.
#pragma once

#include "core/journal_store.h"
#include "store/act_queue.h"

namespace kaimen::store {

class SqlJournal final : public core::JournalStore {
 public:
  explicit SqlJournal(ActQueue queue) : queue_(queue) {}

  Task<Result<core::EventPage>> list_events(core::ListEvents query) override;
  Task<Result<>> note(core::Note note) override;
  Task<Result<std::vector<core::Webhook>>> list_webhooks() override;
  Task<Result<>> add_webhook(core::Webhook webhook) override;
  Task<Result<core::Webhook>> change_webhook(core::ChangeWebhook act) override;
  Task<Result<>> remove_webhook(Id id, Time now, core::Source source) override;
  Task<Result<std::vector<core::LeasedDelivery>>> lease_deliveries(core::LeaseDeliveries act) override;
  Task<Result<>> settle_delivery(core::SettleDelivery act) override;
  Task<Result<core::DeliveryPage>> list_deliveries(core::ListDeliveries query) override;
  Task<Result<>> replay_delivery(Id webhook, Id id, Time now, core::Source source) override;

 private:
  const ActQueue queue_;
};

}  // namespace kaimen::store

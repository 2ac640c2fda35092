// The contract of core/journal_store.h, which every store passes too.
#pragma once

#include "core/journal_store.h"
#include "core/project_store.h"
#include "tests/contract/store_contract.h"

namespace kaimen::contract {

class JournalContract : public StoreContract {
 protected:
  core::JournalStore& journal() { return store().journal(); }
  Id add_webhook(std::vector<std::string> kinds = {}, const std::string& project = "default") {
    if (project != "default") {
      EXPECT_TRUE(run_here(store().projects().add({project, "", false, t0}, {})));
    }
    core::Webhook webhook;
    webhook.id = new_id();
    webhook.project = project;
    webhook.url = "https://hook.example.com";
    webhook.secret_sealed = "sealed";
    webhook.kinds = std::move(kinds);
    webhook.created_at = t0;
    EXPECT_TRUE(run_here(journal().add_webhook(webhook)));
    return webhook.id;
  }
  std::vector<core::LeasedDelivery> lease(Time now) {
    core::LeaseDeliveries act;
    act.now = now;
    act.until = now + 20s;
    return run_here(journal().lease_deliveries(act)).value();
  }
  void settle(const core::LeasedDelivery& leased, bool delivered, std::optional<Time> retry_at, Time now) {
    core::SettleDelivery act;
    act.webhook = leased.delivery.webhook;
    act.id = leased.delivery.id;
    act.lease_until = leased.lease_until;
    act.delivered = delivered;
    act.retry_at = retry_at;
    act.status = delivered ? 200 : 500;
    act.now = now;
    ASSERT_TRUE(run_here(journal().settle_delivery(act)));
  }
  std::vector<core::Delivery> deliveries(const Id& webhook) {
    core::ListDeliveries query;
    query.webhook = webhook;
    return run_here(journal().list_deliveries(query)).value().deliveries;
  }
  void rename(const Id& user, const std::string& nickname, Time now) {
    core::SaveProfile act;
    act.user = user;
    act.nickname = nickname;
    act.now = now;
    ASSERT_TRUE(run_here(store().save_profile(act)));
  }
  core::EventPage events(core::ListEvents query) { return run_here(journal().list_events(std::move(query))).value(); }
};

}  // namespace kaimen::contract

// Webhooks: who is told what happens, and the telling. What is to be told stands in the outbox (store/outbox.cpp); it is sent at least once,
// under an id that stays, in order for each user, signed.
#pragma once

#include "core/journal_store.h"
#include "core/live.h"
#include "core/outbound.h"
#include "crypto/vault.h"

namespace kaimen::core {

/// Everything a webhook can be told, by name.
const std::vector<std::string>& webhook_kinds();

struct NewWebhook {
  std::string project, url;
  std::vector<std::string> kinds;
  bool disabled = false;
  Source source{};
};
struct MadeWebhook {
  Webhook row;
  Secret secret;  ///< "whsec_…": shown now and never again.
};
/// The signature header: "t=<epoch seconds>,v1=<hex of HMAC-SHA256(secret, t + "." + body)>".
std::string webhook_signature(const Secret& secret, Time now, std::string_view body);
/// How long to wait after that many attempts; nullopt: enough (about a day).
std::optional<Millis> webhook_pause(int64_t attempts);

class Webhooks {
 public:
  Webhooks(Store& store, const crypto::Vault& vault, Random& random, const Live& live, Outbound& outbound)
      : store_(store), vault_(vault), random_(random), live_(live), outbound_(outbound) {}

  Task<Result<std::vector<Webhook>>> list();
  /// Error: not_found.
  Task<Result<Webhook>> find(Id id);
  /// Errors: invalid_request (url, kinds, project, too many).
  Task<Result<MadeWebhook>> add(NewWebhook webhook);
  /// Errors: not_found, invalid_request.
  Task<Result<Webhook>> change(ChangeWebhook change);
  /// Error: not_found.
  Task<Result<>> remove(Id id, Source source);
  Task<Result<DeliveryPage>> deliveries(ListDeliveries query);
  /// Error: not_found.
  Task<Result<>> replay(Id webhook, Id delivery, Source source);

  /// What is due, leased to this node. `busy`: webhooks of which enough are under way.
  Task<Result<std::vector<LeasedDelivery>>> lease(std::vector<Id> busy);
  /// Sends one and writes down what came of it. Error: that of the store.
  Task<Result<>> send(LeasedDelivery leased);

 private:
  Store& store_;
  const crypto::Vault& vault_;
  Random& random_;
  const Live& live_;
  Outbound& outbound_;
};

}  // namespace kaimen::core

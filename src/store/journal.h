// The acts of core/journal_store.h over rows, and what other acts put into the outbox.
#pragma once

#include "core/journal_store.h"
#include "store/act.h"
#include "store/records.h"

namespace kaimen::store {

// events.cpp
Result<core::EventPage> list_events(ActContext& context, const core::ListEvents& query);
Result<> write_note(ActContext& context, const core::Note& note);

// webhooks.cpp
Result<std::vector<core::Webhook>> list_webhooks(ActContext& context);
Result<> add_webhook(ActContext& context, const core::Webhook& webhook);
Result<core::Webhook> change_webhook(ActContext& context, const core::ChangeWebhook& act);
Result<> remove_webhook(ActContext& context, const Id& id, Time now, const core::Source& source);

// deliveries.cpp
Result<std::vector<core::LeasedDelivery>> lease_deliveries(ActContext& context, const core::LeaseDeliveries& act);
Result<> settle_delivery(ActContext& context, const core::SettleDelivery& act);
Result<core::DeliveryPage> list_deliveries(ActContext& context, const core::ListDeliveries& query);
Result<> replay_delivery(ActContext& context, const Id& webhook, const Id& id, Time now, const core::Source& source);

// outbox.cpp
/// Something that webhooks are told of.
struct Told {
  std::string_view kind;  ///< "user.created", …
  std::string_view project;
  Id user;
  std::optional<uint32_t> app{};
  std::optional<Id> session{};
  Reason reason = Reason::none;
  std::string_view detail{};  ///< A JSON object, or empty.
};
/// Adds a member to the JSON object that is being written: "{", or what it has so far.
void append_text(std::string& json, std::string_view name, std::string_view text);
/// Puts it into the outbox of each webhook of the project that wants it, to be sent once this act is durable.
Result<> tell(ActContext& context, Time now, const Told& told);
/// What webhooks are told of an event of this kind; empty: nothing.
std::string_view told_kind(std::string_view event_kind);

}  // namespace kaimen::store

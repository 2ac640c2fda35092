// What happened, and who is told: events, webhooks, deliveries. One of the ports of the store (core/store.h has the rules of all).
#pragma once

#include "core/store.h"

namespace kaimen::core {

/// Something that happened, as it was written with it. Nothing secret, no personal data.
struct EventView {
  Id id;
  Time at{};
  std::string kind;
  std::optional<uint32_t> app;
  std::optional<Id> user, session;
  Reason reason = Reason::none;
  std::string project, actor, ip, request_id;
  std::string detail;  ///< A JSON object as text, or empty.
};

/// Of all conditions that are set.
struct ListEvents {
  std::optional<Id> user, session;
  std::optional<uint32_t> app;
  std::string kind, project, request_id;  ///< Empty: any.
  std::optional<Time> since;
  std::optional<Id> before;               ///< The last one of the page before; newest come first.
  size_t limit = 50;
};
struct EventPage {
  std::vector<EventView> events;
  std::optional<Id> next;  ///< Where to go on; none: that was all. A page may be short, or empty, where few of many events fit.
};

/// Something that no act of the store tells of: a refusal.
struct Note {
  std::string kind;  ///< Stored; do not rename: "login_failed", "renewal_refused", "decrypt_failed".
  std::optional<uint32_t> app;
  std::optional<Id> user, session;
  Reason reason = Reason::none;
  std::string project;
  std::string detail;  ///< A JSON object as text, or empty.
  Time now{};
  Source source;
};

struct Webhook {
  Id id;
  std::string project, url;
  std::string secret_sealed;        ///< Vault purpose "webhook", row = id raw.
  std::vector<std::string> kinds;   ///< Of events ("user.created", …); empty: all.
  bool disabled = false;
  Time created_at{};
  Source source{};                  ///< Of the change: for its event.
};

/// What is to be another; the rest stays as it is.
struct ChangeWebhook {
  Id id;
  std::optional<std::string> url;
  std::optional<std::vector<std::string>> kinds;
  std::optional<bool> disabled;
  Source source{};
};

/// Stored in deliveries.state; do not change.
enum class DeliveryState : uint8_t { due = 0, delivered = 1, given_up = 2 };

struct Delivery {
  Id webhook, id, user;
  std::string kind, body;
  DeliveryState state = DeliveryState::due;
  Time due_at{};
  int64_t attempts = 0;
  int64_t last_status = 0;          ///< HTTP; 0: no answer came.
  std::string last_error;
  std::optional<Time> settled_at;
};

struct LeaseDeliveries {
  Time now{}, until{};
  std::vector<Id> busy;             ///< Webhooks of which this node has enough under way.
  size_t per_webhook = 8;
};
struct LeasedDelivery {
  Delivery delivery;
  std::string url, secret_sealed;
  Time lease_until{};               ///< Names the lease.
};
struct SettleDelivery {
  Id webhook, id;
  Time lease_until{};
  bool delivered = false;
  std::optional<Time> retry_at;     ///< Neither delivered nor this: given up.
  int64_t status = 0;
  std::string error;                ///< At most 200 bytes.
  Time now{};
};
struct ListDeliveries {
  Id webhook;
  std::optional<DeliveryState> state;
  std::optional<Id> after;          ///< The last one of the page before.
  size_t limit = 50;
};
struct DeliveryPage {
  std::vector<Delivery> deliveries;
  std::optional<Id> next;           ///< Where to go on; none: that was all. A page may be short, or empty, where few of many are of the state.
};

class JournalStore {
 public:
  virtual ~JournalStore() = default;

  virtual Task<Result<EventPage>> list_events(ListEvents query) = 0;
  virtual Task<Result<>> note(Note note) = 0;

  virtual Task<Result<std::vector<Webhook>>> list_webhooks() = 0;
  /// Error: invalid_request (the project is gone).
  virtual Task<Result<>> add_webhook(Webhook webhook) = 0;
  /// The webhook as it is then. Error: not_found.
  virtual Task<Result<Webhook>> change_webhook(ChangeWebhook act) = 0;
  /// What was still to be told it is not told any more. Error: not_found.
  virtual Task<Result<>> remove_webhook(Id id, Time now, Source source) = 0;

  /// Of each user the oldest delivery that is not settled, where it is due and nobody's: no other node gets it, nor a later one of that user,
  /// before `until` or before it is settled.
  virtual Task<Result<std::vector<LeasedDelivery>>> lease_deliveries(LeaseDeliveries act) = 0;
  /// What came of a leased one. Does nothing when the lease has gone to somebody else.
  virtual Task<Result<>> settle_delivery(SettleDelivery act) = 0;
  /// By id.
  virtual Task<Result<DeliveryPage>> list_deliveries(ListDeliveries query) = 0;
  /// Settled or not, it is due now, with all its attempts before it. Error: not_found.
  virtual Task<Result<>> replay_delivery(Id webhook, Id id, Time now, Source source) = 0;
};

}  // namespace kaimen::core

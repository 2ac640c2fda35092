// The rows of events, webhooks and what is delivered to them. What the columns mean stands in migrations/*/0001_first.sql.
#pragma once

#include "core/journal_store.h"
#include "store/table.h"

namespace kaimen::store {

struct EventRow {
  Id id;
  Time at{};
  std::string kind;
  std::optional<uint32_t> app;
  std::optional<Id> user, session;
  Reason reason = Reason::none;
  std::string project, actor, ip, detail, request_id;
};
template <>
struct Table<EventRow> {
  static constexpr std::string_view name = "events";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &EventRow::id},
      Column{"at", &EventRow::at},
      Column{"kind", &EventRow::kind},
      Column{"app", &EventRow::app},
      Column{"user_id", &EventRow::user},
      Column{"session_id", &EventRow::session},
      Column{"reason", &EventRow::reason},
      Column{"project", &EventRow::project},
      Column{"actor", &EventRow::actor},
      Column{"ip", &EventRow::ip},
      Column{"detail", &EventRow::detail},
      Column{"request_id", &EventRow::request_id},
  };
};

struct WebhookRow {
  Id id;
  std::string project;
  std::string url;
  Bytes secret_sealed;
  std::string kinds;
  bool disabled = false;
  Time created_at{};
};
template <>
struct Table<WebhookRow> {
  static constexpr std::string_view name = "webhooks";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = false;
  static constexpr std::tuple columns{
      Column{"id", &WebhookRow::id},
      Column{"project", &WebhookRow::project},
      Column{"url", &WebhookRow::url},
      Column{"secret_sealed", &WebhookRow::secret_sealed},
      Column{"kinds", &WebhookRow::kinds},
      Column{"disabled", &WebhookRow::disabled},
      Column{"created_at", &WebhookRow::created_at},
  };
};

struct DeliveryRow {
  Id webhook;
  Id id;
  int64_t version = 0;
  std::optional<Id> user;
  int64_t place = 0;
  std::string kind;
  std::string body;
  core::DeliveryState state = core::DeliveryState::due;
  Time due_at{};
  int64_t attempts = 0;
  int64_t last_status = 0;
  std::string last_error;
  std::optional<Time> settled_at;
  Time lease_until{};
};
template <>
struct Table<DeliveryRow> {
  static constexpr std::string_view name = "deliveries";
  static constexpr size_t keys = 2;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"webhook_id", &DeliveryRow::webhook},
      Column{"id", &DeliveryRow::id},
      Column{"version", &DeliveryRow::version},
      Column{"user_id", &DeliveryRow::user},
      Column{"place", &DeliveryRow::place},
      Column{"kind", &DeliveryRow::kind},
      Column{"body", &DeliveryRow::body},
      Column{"state", &DeliveryRow::state},
      Column{"due_at", &DeliveryRow::due_at},
      Column{"attempts", &DeliveryRow::attempts},
      Column{"last_status", &DeliveryRow::last_status},
      Column{"last_error", &DeliveryRow::last_error},
      Column{"settled_at", &DeliveryRow::settled_at},
      Column{"lease_until", &DeliveryRow::lease_until},
  };
};

}  // namespace kaimen::store

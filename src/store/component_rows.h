// The rows of access tokens and of third-party platforms. What the columns mean stands in
// migrations/*/0007_component.sql; access_tokens: 0001.
#pragma once

#include "store/table.h"

namespace kaimen::store {

struct AccessTokenTableRow {
  std::string app_id;
  int64_t version = 0;
  Bytes token_sealed;
  Time expires_at{}, fetched_at{};
  uint64_t lease = 0;
  Id lease_owner;
  Time lease_until{};
};
template <>
struct Table<AccessTokenTableRow> {
  static constexpr std::string_view name = "access_tokens";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"app_id", &AccessTokenTableRow::app_id},
      Column{"version", &AccessTokenTableRow::version},
      Column{"token_sealed", &AccessTokenTableRow::token_sealed},
      Column{"expires_at", &AccessTokenTableRow::expires_at},
      Column{"fetched_at", &AccessTokenTableRow::fetched_at},
      Column{"lease", &AccessTokenTableRow::lease},
      Column{"lease_owner", &AccessTokenTableRow::lease_owner},
      Column{"lease_until", &AccessTokenTableRow::lease_until},
  };
};

/// The newest component_verify_ticket of a third-party platform.
struct ComponentTicketRow {
  std::string app_id;
  int64_t version = 0;
  Bytes ticket_sealed;
  Time made_at{};
};
template <>
struct Table<ComponentTicketRow> {
  static constexpr std::string_view name = "component_tickets";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"app_id", &ComponentTicketRow::app_id},
      Column{"version", &ComponentTicketRow::version},
      Column{"ticket_sealed", &ComponentTicketRow::ticket_sealed},
      Column{"made_at", &ComponentTicketRow::made_at},
  };
};

/// An app's authorisation of a third-party platform.
struct AuthorizationTableRow {
  std::string app_id;
  int64_t version = 0;
  std::string component;
  Bytes refresh_sealed;
  std::string permissions;
  bool stands = false;
  Time pushed_at{}, authorized_at{};
};
template <>
struct Table<AuthorizationTableRow> {
  static constexpr std::string_view name = "authorizations";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"app_id", &AuthorizationTableRow::app_id},
      Column{"version", &AuthorizationTableRow::version},
      Column{"component", &AuthorizationTableRow::component},
      Column{"refresh_sealed", &AuthorizationTableRow::refresh_sealed},
      Column{"permissions", &AuthorizationTableRow::permissions},
      Column{"stands", &AuthorizationTableRow::stands},
      Column{"pushed_at", &AuthorizationTableRow::pushed_at},
      Column{"authorized_at", &AuthorizationTableRow::authorized_at},
  };
};

/// A link by which an app authorises a third-party platform.
struct ComponentLinkRow {
  Bytes hash;
  int64_t version = 0;
  std::string component, project, return_to, app_id;
  Time created_at{}, expires_at{};
  std::string only_app;
};
template <>
struct Table<ComponentLinkRow> {
  static constexpr std::string_view name = "component_links";
  static constexpr size_t keys = 1;
  static constexpr bool guarded = true;
  static constexpr std::tuple columns{
      Column{"hash", &ComponentLinkRow::hash},
      Column{"version", &ComponentLinkRow::version},
      Column{"component", &ComponentLinkRow::component},
      Column{"project", &ComponentLinkRow::project},
      Column{"return_to", &ComponentLinkRow::return_to},
      Column{"app_id", &ComponentLinkRow::app_id},
      Column{"created_at", &ComponentLinkRow::created_at},
      Column{"expires_at", &ComponentLinkRow::expires_at},
      Column{"only_app", &ComponentLinkRow::only_app},
  };
};

}  // namespace kaimen::store

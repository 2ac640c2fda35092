// The rules, as the api meets them. Made by app/wiring, in this order.
#pragma once

#include "core/access_keys.h"
#include "core/access_tokens.h"
#include "core/apps.h"
#include "core/avatars.h"
#include "core/clock_guard.h"
#include "core/components.h"
#include "core/directory.h"
#include "core/entries.h"
#include "core/follower.h"
#include "core/handoffs.h"
#include "core/jwt_keys.h"
#include "core/jwts.h"
#include "core/journal.h"
#include "core/live.h"
#include "core/login.h"
#include "core/login_rates.h"
#include "core/master_keys.h"
#include "core/merge.h"
#include "core/open_data.h"
#include "core/outbound.h"
#include "core/profile.h"
#include "core/projects.h"
#include "core/proxy.h"
#include "core/pushes.h"
#include "core/resolving.h"
#include "core/sessions.h"
#include "core/stats.h"
#include "core/ticket_keys.h"
#include "core/tickets.h"
#include "core/user_rates.h"
#include "core/webhooks.h"

namespace kaimen::core {

struct AccountServices;  // core/account_services.h: passwords, linked identities, registration, deletion

struct Services {
  /// `clock` is the node's: where the store is shared, follow.clock.
  Services(Store& store_port, const Platforms& platforms, Outbound& outbound_port, Resolver& resolver, const crypto::Vault& vault, Random& random,
           const Clock& clock, AppSettings defaults,
           std::set<std::string> platform_names, std::set<std::string> upstream_names, FollowOptions follow = {},
           ProxyFamilies proxy_families = default_proxy_families());

  ~Services();

  /// Reads keys, apps and revocations; after it, live.ready is true. Where the store is shared, somebody must then poll the follower.
  Task<Result<>> start();
  /// What is due every minute: ticket keys, key use, purges of store and memory. Errors are for the log; the next minute tries again.
  Task<Result<>> every_minute(ClockGuard::Steady steady = std::chrono::steady_clock::now());

  Store& store;
  Outbound& outbound;
  Live live;
  MasterKeys master_keys;
  Journal journal;
  TicketKeys ticket_keys;
  Tickets tickets;
  JwtKeys jwt_keys;
  Jwts jwts;
  Apps apps;
  Projects projects;
  AccessKeys access_keys;
  AccessTokens access_tokens;
  Components components;
  Proxy proxy;
  OpenData open_data;
  UserRates user_rates, saves;  ///< saves: of what a user has written down of themselves.
  Profiles profiles;
  Sessions sessions;
  Handoffs handoffs;
  Resolving resolving;
  LoginRates login_rates;
  Login login;
  Pushes pushes;
  Merging merging;
  Directory directory;
  Webhooks webhooks;
  Avatars avatars;
  Entries entries;
  Stats stats;
  std::unique_ptr<AccountServices> accounts;  ///< Never null.
  ClockGuard clock_guard;
  std::optional<Follower> follower;  ///< Where the store is shared.
};

}  // namespace kaimen::core

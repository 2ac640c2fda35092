#include "core/services.h"

#include "base/log.h"
#include "core/account_services.h"

namespace kaimen::core {

namespace {
// The tokens that are left have four more minutes.
constexpr std::chrono::seconds kTokensLongest{5};
}  // namespace

Services::Services(Store& store_port, const Platforms& platforms, Outbound& outbound_port, Resolver& resolver, const crypto::Vault& vault, Random& random,
                   const Clock& clock, AppSettings defaults,
                   std::set<std::string> platform_names, std::set<std::string> upstream_names, FollowOptions follow,
                   ProxyFamilies proxy_families)
    : store(store_port),
      outbound(outbound_port),
      live(clock),
      master_keys(store, vault),
      journal(store, clock),
      ticket_keys(store, vault, random, live),
      tickets(ticket_keys, random),
      jwt_keys(store, vault, random, live),
      jwts(jwt_keys, random, clock),
      apps(store, vault, random, live, std::move(defaults), std::move(platform_names), std::move(upstream_names)),
      projects(store, live, apps),
      access_keys(store, random, live),
      access_tokens(store, vault, platforms, random, clock),
      components(store, vault, platforms, random, live, apps, access_tokens),
      proxy(access_tokens, platforms, clock, std::move(proxy_families)),
      open_data(store, vault, platforms, access_tokens, clock),
      profiles(store, vault, platforms, open_data, access_tokens, journal, user_rates, clock),
      sessions(store, live, tickets, open_data, journal, user_rates),
      handoffs(store.directory(), vault, random, live, tickets),
      resolving(store.directory(), resolver, live),
      login(store, platforms, vault, random, live, tickets, profiles, resolving, journal, login_rates, components),
      pushes(store, live, platforms, components),
      merging(store, vault, live),
      directory(store.directory(), vault, live),
      webhooks(store, vault, random, live, outbound),
      avatars(store, vault, platforms, access_tokens, user_rates, clock),
      entries(store, platforms, access_tokens, random, clock),
      stats(store, random, clock),
      accounts(std::make_unique<AccountServices>(store, vault, random, live, tickets, sessions, login, profiles, journal, login_rates, user_rates)) {
  follow.master_keys = master_keys.held();
  if (store.shared()) follower.emplace(store, random, live, apps, ticket_keys, jwt_keys, access_keys, std::move(follow));
}

Services::~Services() = default;

Task<Result<>> Services::start() {
  if (follower) {  // first of all: it brings the time
    auto followed = co_await follower->poll();
    CO_TRY(std::move(followed));
  }
  auto entered = co_await master_keys.enter();
  CO_TRY(std::move(entered));
  auto keys = co_await ticket_keys.maintain();
  CO_TRY(std::move(keys));
  auto signing_keys = co_await jwt_keys.maintain();
  CO_TRY(std::move(signing_keys));
  auto loaded_apps = co_await apps.load();
  CO_TRY(std::move(loaded_apps));
  auto loaded_keys = co_await access_keys.load();
  CO_TRY(std::move(loaded_keys));
  auto loaded_revocations = co_await sessions.load_revocations();
  CO_TRY(std::move(loaded_revocations));
  if (follower) {
    auto settled = co_await ticket_keys.settle();
    CO_TRY(std::move(settled));
    auto settled_keys = co_await jwt_keys.load();
    CO_TRY(std::move(settled_keys));
  }
  live.ready.store(true);
  co_return ok();
}

Task<Result<>> Services::every_minute(ClockGuard::Steady steady) {
  const Time now = live.clock.now();
  const bool may_purge = clock_guard.may_purge(now, steady);
  auto keys = co_await ticket_keys.maintain(may_purge);
  auto signing_keys = co_await jwt_keys.maintain(may_purge);
  auto used = co_await access_keys.flush();
  auto counted = co_await stats.flush();
  CO_TRY(std::move(keys));
  CO_TRY(std::move(signing_keys));
  CO_TRY(std::move(used));
  auto all = apps.list();
  auto refreshing = access_tokens.maintain(std::move(all), kTokensLongest);
  co_await std::move(refreshing);
  if (clock_guard.jumped()) {
    log::warn("clock_jumped", "the wall clock ran ahead of the monotonic clock by more than an hour; nothing is purged until it has stood for ten minutes");
  }
  if (!may_purge) co_return counted;
  auto deleted = co_await accounts->deletion.carry_out(now);
  auto purged = co_await store.purge(now);
  live.revocations.purge(static_cast<uint64_t>(epoch_ms(now)));
  CO_TRY(std::move(purged));
  CO_TRY(std::move(deleted));
  co_return counted;
}

}  // namespace kaimen::core

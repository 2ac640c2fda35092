#include "core/access_tokens.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "base/limits.h"
#include "core/account_store.h"
#include "core/authorized.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {
using namespace std::chrono_literals;
// WeChat hands out the next token in the last five minutes of the old one, and both hold then.
constexpr auto kEarly = 5min;
// A token that comes with little time left is not early for all of it.
constexpr int kEarlyShare = 10;
// A refresh before its time that failed is not tried again by every caller.
constexpr auto kEarlyAgain = 5s;
// Longer than a fetch and three writes can take: a holder that still lives keeps it.
constexpr auto kLease = 5s;
// Where the platform does not say when to come again: whoever mends what is wrong does not wait, and a storm of callers is one call a second.
constexpr auto kRefusedFor = 1s;
// For another node's refresh: as long as its call may take.
constexpr auto kWaitForOther = limits::kUpstreamTotal;
// Refreshes before their time that are under way at once.
constexpr size_t kTogether = 16;
constexpr Millis kFirstPause{50}, kLongestPause{400};

/// Whose token it is.
std::string key_of(const App& app) { return app.app_id + ' ' + std::to_string(app.number) + ' ' + app.upstream; }

AccessToken token_of(Secret text, Time expires_at, Time fetched_at) {
  const Millis life = std::max(expires_at - fetched_at, Millis{0});
  return {std::move(text), expires_at, expires_at - std::min<Millis>(kEarly, life / kEarlyShare)};
}

int64_t half_minute(Time now) { return epoch_ms(now) / Millis(AccessTokens::kNotAgainFor).count(); }
Time next_half_minute(Time now) { return from_epoch_ms((half_minute(now) + 1) * Millis(AccessTokens::kNotAgainFor).count()); }
/// What a node that fetches for a refusal marks in the store, for all nodes.
std::string mark_of(const App& app, Time now) { return crypto::sha256("refused token\n" + key_of(app) + "\n" + std::to_string(half_minute(now))); }
}  // namespace

std::optional<AccessToken> AccessTokens::kept(const App& app) {
  std::lock_guard lock(mutex_);
  const auto it = kept_.find(key_of(app));
  if (it == kept_.end()) return std::nullopt;
  it->second.used = true;
  return it->second.token;
}

void AccessTokens::keep(const App& app, const AccessToken& token) {
  std::lock_guard lock(mutex_);
  kept_[key_of(app)] = Kept{token};
}

void AccessTokens::forget(const std::string& app_id) {
  const auto is_its = [&app_id](const auto& entry) { return entry.first.starts_with(app_id + ' '); };
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, is_its);
  std::erase_if(refused_, is_its);
  std::erase_if(not_again_, is_its);
}

bool AccessTokens::due(const App& app, Time now, Time& expires_at) {
  std::lock_guard lock(mutex_);
  const auto it = kept_.find(key_of(app));
  if (it == kept_.end() || !it->second.used) return false;
  expires_at = it->second.token.expires_at;
  return it->second.token.refresh_at <= now && expires_at > now;
}

std::optional<Error> AccessTokens::refused(const App& app, Time now) {
  std::lock_guard lock(mutex_);
  const auto it = refused_.find(key_of(app));
  if (it == refused_.end() || now >= it->second.until || !(it->second.app->secret == app.secret)) return std::nullopt;
  Error error = it->second.error;
  if (error.retry_after) error.retry_after = std::chrono::ceil<Seconds>(it->second.until - now);
  return error;
}

void AccessTokens::note_answer(AppPtr app, const Error* refusal) {
  std::lock_guard lock(mutex_);
  if (!refusal) refused_.erase(key_of(*app));
  else refused_[key_of(*app)] = {app, *refusal, clock_.now() + refusal->retry_after.value_or(kRefusedFor)};
}

Seconds AccessTokens::no_other_for(const App& app) {
  const Time now = clock_.now();
  std::lock_guard lock(mutex_);
  const auto it = not_again_.find(key_of(app));
  const Millis left = it == not_again_.end() ? Millis{0} : it->second - now;
  return left > kNotAgainFor ? Seconds{0} : std::max(std::chrono::ceil<Seconds>(left), Seconds{0});  // longer: the clock was wrong
}

void AccessTokens::note_no_other(const App& app, std::optional<Time> until) {
  std::lock_guard lock(mutex_);
  if (until) not_again_[key_of(app)] = *until;
  else not_again_.erase(key_of(app));
}

Task<Result<AccessToken>> AccessTokens::get(AppPtr app, std::optional<Secret> rejected) {
  CO_TRY(expect_authorized(*app));
  const auto have = kept(*app);
  const Time now = clock_.now();
  if (have && have->refresh_at > now && !(rejected && have->token == *rejected)) co_return *have;
  if (have && !rejected && have->expires_at > now && failed_early(*app, now)) co_return *have;

  std::function<Task<Result<AccessToken>>()> work = [this, app, rejected] { return refresh(app, rejected); };
  auto refreshed = co_await refreshing_.run(key_of(*app), work);
  // The run may have been that of a caller who knew nothing of the refusal.
  const bool unaware = rejected && refreshed && refreshed->has_value() && refreshed->value().token == *rejected && no_other_for(*app) == Seconds{0};
  if (unaware) refreshed = co_await refreshing_.run(key_of(*app), work);
  if (!refreshed) co_return make_error(ErrorCode::internal, "the token refresh broke");
  if (refreshed->has_value()) co_return refreshed->value();
  // In its last minutes the old token still serves where a new one cannot be had.
  if (have && have->expires_at > now && !rejected) {
    note_failed_early(*app, now + kEarlyAgain);
    co_return *have;
  }
  co_return refreshed->error();
}

bool AccessTokens::failed_early(const App& app, Time now) {
  std::lock_guard lock(mutex_);
  const auto it = kept_.find(key_of(app));
  return it != kept_.end() && now < it->second.not_early_before;
}

void AccessTokens::note_failed_early(const App& app, Time until) {
  std::lock_guard lock(mutex_);
  if (const auto it = kept_.find(key_of(app)); it != kept_.end()) it->second.not_early_before = until;
}

void AccessTokens::forget_others(const std::vector<AppPtr>& apps) {
  std::set<std::string> keys;
  for (const AppPtr& app : apps) keys.insert(key_of(*app));
  const auto is_other = [&keys](const auto& entry) { return !keys.contains(entry.first); };
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, is_other);
  std::erase_if(refused_, is_other);
  std::erase_if(not_again_, is_other);
}

Task<void> AccessTokens::maintain(std::vector<AppPtr> apps, Millis longest) {
  const Deadline deadline = deadline_in(longest);
  const Time now = clock_.now();
  forget_others(apps);
  std::vector<std::pair<Time, AppPtr>> urgent;
  for (auto& app : apps) {
    Time expires_at{};
    if (!app->disabled && expect_authorized(*app) && due(*app, now, expires_at)) urgent.emplace_back(expires_at, std::move(app));
  }
  std::ranges::sort(urgent, {}, [](const auto& one) { return std::pair(one.first, std::string_view(one.second->app_id)); });
  for (size_t begin = 0; begin < urgent.size() && deadline_in(Millis{0}) < deadline; begin += kTogether) {
    std::vector<AppPtr> some;
    for (size_t i = begin; i < std::min(begin + kTogether, urgent.size()); ++i) some.push_back(urgent[i].second);
    std::function<void(Wait<bool>::Done)> start = [this, &some](Wait<bool>::Done done) {
      auto left = std::make_shared<std::atomic<size_t>>(some.size());
      for (const AppPtr& app : some) {
        spawn(refresh_early(app), [left, done] {
          if (--*left == 0) done(true);
        });
      }
    };
    Wait<bool> all(std::move(start));
    co_await all;
  }
}

Task<void> AccessTokens::refresh_early(AppPtr app) {
  std::function<Task<Result<AccessToken>>()> work = [this, app] { return refresh(app, std::nullopt); };
  auto refreshed = co_await refreshing_.run(key_of(*app), work);
  static_cast<void>(refreshed);  // whoever needs the token tries again, and is told
}

Task<Result<AccessToken>> AccessTokens::refresh(AppPtr app, std::optional<Secret> rejected) {
  if (app->authorization) {
    // One that is stored needs no token of the component, which may have no good ticket.
    auto read = co_await store_.access_token(app->app_id);
    CO_TRY(const auto row, std::move(read));
    CO_TRY(auto stored, usable(*app, row, rejected, clock_.now()));
    if (stored) co_return std::move(*stored);
    // The component's token first: while the lease runs there is one call to be made.
    auto component = co_await get(app->authorization->component);
    CO_TRY(std::move(component));
  }
  const Deadline deadline = deadline_in(kWaitForOther);
  for (Millis pause = kFirstPause;; pause *= 2) {
    auto refreshed = co_await refresh_unless_leased(app, rejected);
    CO_TRY(auto token, std::move(refreshed));
    if (token) co_return std::move(*token);
    if (!store_.shared() || deadline_in(pause) > deadline) break;
    co_await sleep_for(std::min(pause, kLongestPause));
  }
  Error busy = make_error(ErrorCode::unavailable, "another node is refreshing the access_token");
  busy.retry_after = Seconds{1};
  co_return busy;
}

Result<std::optional<AccessToken>> AccessTokens::usable(const App& app, const AccessTokenRow& row, const std::optional<Secret>& rejected,
                                                        Time now) {
  // This node has not heard of it yet.
  if (row.app != app.number || row.upstream != app.upstream) return make_error(ErrorCode::not_found, "the app was removed, or changed its upstream");
  if (row.token_sealed.empty() || row.expires_at <= now) return std::nullopt;
  TRY(auto token, vault_.open("access_token", app.app_id, row.token_sealed));
  AccessToken found = token_of(std::move(token), row.expires_at, row.fetched_at);
  if (found.refresh_at <= now || (rejected && found.token == *rejected && no_other_for(app) == Seconds{0})) return std::nullopt;
  keep(app, found);
  return std::optional(std::move(found));
}

Task<Result<std::optional<AccessToken>>> AccessTokens::refresh_unless_leased(AppPtr app, std::optional<Secret> rejected) {
  const Time now = clock_.now();
  auto read = co_await store_.access_token(app->app_id);
  CO_TRY(auto row, std::move(read));
  CO_TRY(const auto found, usable(*app, row, rejected, now));
  if (found) co_return found;  // another node has refreshed it
  if (const auto standing = refused(*app, now)) co_return *standing;
  CO_TRY(auto owner, Id::make(now, random_));
  auto leased = co_await store_.lease_access_token(app->app_id, owner, now, now + kLease);
  CO_TRY(auto lease, std::move(leased));
  if (!lease) {
    if (row.token_sealed.empty() || row.expires_at <= now) co_return std::nullopt;
    CO_TRY(auto token, vault_.open("access_token", app->app_id, row.token_sealed));  // the old one's last minutes
    if (rejected && token == *rejected) co_return std::nullopt;
    co_return std::optional(token_of(std::move(token), row.expires_at, row.fetched_at));
  }
  // Another node may have refreshed it between the look and the lease.
  auto read_again = co_await store_.access_token(app->app_id);
  CO_TRY(const auto leased_row, std::move(read_again));
  CO_TRY(const auto meanwhile, usable(*app, leased_row, rejected, now));
  if (meanwhile) {
    auto released = co_await store_.release_access_token(app->app_id, *lease);
    CO_TRY(std::move(released));
    co_return meanwhile;
  }
  CO_TRY(const auto refused_one, usable(*app, leased_row, std::nullopt, now));
  if (refused_one) {
    auto claimed = co_await claim_replacement(*app, now);
    if (claimed.has_error() || !claimed.value()) {
      auto released = co_await store_.release_access_token(app->app_id, *lease);
      static_cast<void>(released);
      CO_TRY(std::move(claimed));
      co_return refused_one;
    }
  }
  bool kept = false;
  auto fetched = co_await fetch(app, *lease, &kept);
  if (refused_one && !kept) co_await unclaim_replacement(*app, now);
  if (fetched.has_error()) {
    auto released = co_await store_.release_access_token(app->app_id, *lease);
    static_cast<void>(released);  // the lease runs out by itself
    co_return fetched.error();
  }
  co_return std::optional(std::move(fetched.value()));
}

Task<Result<bool>> AccessTokens::claim_replacement(const App& app, Time now) {
  auto claimed = co_await store_.accounts().claim_mark(mark_of(app, now), now);
  if (claimed.has_error() && claimed.error().code != ErrorCode::code_used) co_return claimed.error();
  note_no_other(app, claimed.has_error() ? next_half_minute(now) : now + kNotAgainFor);
  co_return claimed.has_value();
}

Task<void> AccessTokens::unclaim_replacement(const App& app, Time now) {
  note_no_other(app, std::nullopt);
  auto released = co_await store_.accounts().release_mark(mark_of(app, now));
  static_cast<void>(released);  // then it is half a minute
}

Task<Result<AccessToken>> AccessTokens::fetch(AppPtr app, uint64_t lease, bool* kept) {
  auto asked = co_await ask_platform(app);
  if (asked.has_value() || is_lasting(asked.error())) note_answer(app, asked.has_error() ? &asked.error() : nullptr);
  CO_TRY(const auto fetched, std::move(asked));
  const Time now = clock_.now();
  const AccessToken fresh = token_of(fetched.token.token, now + fetched.token.expires_in, now);
  auto saved = co_await save(app, lease, fetched, fresh.expires_at, now);
  CO_TRY(auto written, std::move(saved));
  // A lease lost to another node: its token is the newer one, and ours (normal mode) is the same or still good; use it, keep nothing.
  *kept = written;
  if (written) keep(*app, fresh);
  co_return fresh;
}

}  // namespace kaimen::core

// The keeper of access_tokens: one refresh at a time per app, on this node by coalescing, among nodes by a lease whose number fences off a
// late writer. Tokens are sealed in the store. A token that is in use is refreshed in its last minutes, before anybody has to wait for it.
// Never forces a refresh at WeChat. A component's token and those of the apps that have authorised it are kept in the same way; only what is
// asked differs (token_asking.cpp).
//
// A token that WeChat refuses is replaced, but once in kNotAgainFor: a WeChat that refused every token would be asked by every call, and the calls
// a day have a limit. A mark in the store makes this hold for all nodes together (decision 0030).
//
// A token is that of one app at one upstream. An app_id can be removed and added again by somebody else, who must not get it: here by its
// number, in the store because a removal takes the token along and ends the lease of whoever is fetching.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/coalesce.h"
#include "core/component_platform.h"
#include "core/store.h"
#include "core/trace.h"
#include "crypto/vault.h"

namespace kaimen::core {

struct AccessToken {
  Secret token;
  Time expires_at{};
  Time refresh_at{};  ///< From here on another is fetched; this one serves until it is there.
};

class AccessTokens {
 public:
  AccessTokens(Store& store, const crypto::Vault& vault, const Platforms& platforms, Random& random, const Clock& clock)
      : store_(store), vault_(vault), platforms_(platforms), random_(random), clock_(clock) {}

  /// What passes after another token was fetched because WeChat refused one, before that is done again.
  static constexpr Seconds kNotAgainFor{30};

  /// A token that is good at this moment. `rejected`: one that WeChat refused; another is fetched if it is still the kept one, and none was for that
  /// reason in the last kNotAgainFor. The refused one itself is what comes then, or where WeChat gives it again: there is no other.
  /// Errors: those of Platform::fetch_access_token and of the store; unavailable when another node refreshes for too long. What the platform says,
  /// and that it says nothing of use, is answered, on this node, to who asks before the time it names, else within a second, while the secret is
  /// the same.
  Task<Result<AccessToken>> get(AppPtr app, std::optional<Secret> rejected = std::nullopt);
  /// How long, as far as this node knows, a refused token is not replaced yet.
  Seconds no_other_for(const App& app);
  /// Makes a call that needs a token; where the platform says the token is no longer good, once more with another if there is one. The errors
  /// of get() and of the call.
  template <class T>
  Task<Result<T>> call(AppPtr app, std::function<Task<CallResult<T>>(Secret token)> make, Trace* trace);
  /// Asks the platform for a token now, to learn whether appid and secret are right; keeps nothing. Where asking makes a new token every time
  /// (of components, and of apps that have authorised one), one that is kept will do.
  Task<Result<>> ask(AppPtr app);
  /// Forgets what this node holds of the app's token: the store has another.
  void forget(const std::string& app_id);
  /// Refreshes those tokens of `apps`, which are all there are, that were used here and are in their last minutes, the most urgent first, for at
  /// most so long: due every minute. What fails is tried again by whoever needs it, or in a minute. Tokens of other apps are forgotten.
  Task<void> maintain(std::vector<AppPtr> apps, Millis longest);

 private:
  Task<Result<AccessToken>> refresh(AppPtr app, std::optional<Secret> rejected);
  Task<void> refresh_early(AppPtr app);
  /// One call for a token of this app, whatever kind of app it is. Errors: those of the call; app_misconfigured when the account has taken its
  /// authorisation back, or WeChat has pushed no ticket yet.
  Task<Result<RefreshedToken>> ask_platform(AppPtr app);
  /// Whether who asks again at once hears the same: not of what our own side had, nor of a ticket that may come any moment.
  static bool is_lasting(const Error& error);
  Task<Result<RefreshedToken>> ask_as_component(AppPtr component, ComponentPlatform* platform);
  Task<Result<RefreshedToken>> ask_by_component(AppPtr app);
  Task<Result<bool>> save(AppPtr app, uint64_t lease, const RefreshedToken& fetched, Time expires_at, Time now);
  /// The stored token, if it will do: not about to end, nor the rejected one unless there is no other yet. Keeps it.
  /// Error: not_found when the row is that of another app, or of another upstream.
  Result<std::optional<AccessToken>> usable(const App& app, const AccessTokenRow& row, const std::optional<Secret>& rejected, Time now);
  /// nullopt: another node has the lease.
  Task<Result<std::optional<AccessToken>>> refresh_unless_leased(AppPtr app, std::optional<Secret> rejected);
  /// `kept`: whether it is in the store now.
  Task<Result<AccessToken>> fetch(AppPtr app, uint64_t lease, bool* kept);
  /// False: some node has fetched another for a refusal in this half minute, by the store's clock.
  Task<Result<bool>> claim_replacement(const App& app, Time now);
  Task<void> unclaim_replacement(const App& app, Time now);
  void note_no_other(const App& app, std::optional<Time> until);
  /// The token in memory, used from now on.
  std::optional<AccessToken> kept(const App& app);
  void keep(const App& app, const AccessToken& token);
  bool failed_early(const App& app, Time now);
  void note_failed_early(const App& app, Time until);
  /// What came of the last question, while that counts.
  std::optional<Error> refused(const App& app, Time now);
  void note_answer(AppPtr app, const Error* refusal);
  /// Whether it is used and in its last minutes; then when it ends.
  bool due(const App& app, Time now, Time& expires_at);
  /// Forgets the tokens of all but these.
  void forget_others(const std::vector<AppPtr>& apps);

  Store& store_;
  const crypto::Vault& vault_;
  const Platforms& platforms_;
  Random& random_;
  const Clock& clock_;
  Coalescer<Result<AccessToken>> refreshing_;
  std::mutex mutex_;
  struct Kept {
    AccessToken token;
    bool used = false;        // since it was fetched
    Time not_early_before{};  // after a refresh before its time that failed
  };
  struct Refused {
    AppPtr app;  // with the secret that was refused
    Error error;
    Time until{};
  };
  std::map<std::string, Kept> kept_;  // these by key_of
  std::map<std::string, Refused> refused_;
  std::map<std::string, Time> not_again_;
};

template <class T>
Task<Result<T>> AccessTokens::call(AppPtr app, std::function<Task<CallResult<T>>(Secret token)> make, Trace* trace) {
  Stopwatch watch(trace->upstream);
  std::optional<Secret> rejected;
  std::optional<Error> refusal;
  for (;;) {
    auto got = co_await get(app, rejected);
    CO_TRY(auto token, std::move(got));
    if (refusal && token.token == *rejected) co_return std::move(*refusal);
    Task<CallResult<T>> task = make(token.token);
    auto answer = co_await std::move(task);
    if (answer.has_value()) co_return std::move(answer.value());
    const CallFailure& failure = answer.error();
    if (failure.error.upstream) {
      trace->upstream_errcode = failure.error.upstream->errcode;
      trace->upstream_rid = failure.error.upstream->rid;
    }
    if (!failure.token_rejected || refusal) co_return failure.error;
    refusal = failure.error;
    rejected = token.token;
  }
}

}  // namespace kaimen::core

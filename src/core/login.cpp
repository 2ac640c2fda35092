#include "core/login.h"

#include <algorithm>

#include "base/limits.h"
#include "core/app_disabled.h"
#include "core/merge.h"
#include "core/new_login.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

// Between two looks at a code that another node is at.
constexpr Millis kFirstPause{50}, kLongestPause{500};

bool printable(const std::string& code) {
  return !code.empty() && code.size() <= limits::kCodeBytes && std::all_of(code.begin(), code.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// What to answer when a code is brought again that WeChat has judged, or that was lost on the way there.
ErrorCode remembered(const CallFailure& failure) {
  return failure.error.code == ErrorCode::upstream_error ? ErrorCode::code_used : failure.error.code;
}

/// The device of all sessions that pre-fetch made: of each user's one lives.
constexpr const char* kPrefetchDevice = "prefetch";

}  // namespace

std::string unionid_family(const std::string& platform) { return platform == "wechat_oauth" ? "wechat" : platform; }

bool has_session_keys(const std::string& platform) { return platform != "wechat_oauth"; }

Result<> Login::admit(const App& app, const Secret& code) {
  if (!printable(code.reveal())) return make_error(ErrorCode::invalid_request, "code must be 1 to 512 printable ASCII characters");
  if (app.disabled) return app_disabled();
  return ok();
}

Task<Result<LoginAnswer>> Login::run(LoginRequest request, Trace* trace) {
  trace->logs_in = true;
  const Time now = live_.clock.now();
  if (request.attempt.size() > limits::kAttemptBytes) co_return make_error(ErrorCode::invalid_request, "attempt must be at most 64 bytes");
  CO_TRY(admit(*request.app, request.code));
  CO_TRY(request.prefetched ? rates_.admit_prefetched(*request.app, now) : rates_.admit(*request.app, request.from_client ? trace->source.ip : std::string(), now));

  const std::string key = request.app->app_id + '\n' + crypto::sha256(request.code.reveal());
  std::function<Task<Result<LoginAnswer>>()> work = [this, &request, trace] { return lead(request, trace); };
  auto shared = co_await in_flight_.run(key, work);
  if (!shared) co_return make_error(ErrorCode::internal, "the login that this one waited for broke");
  if (shared->has_value()) {
    trace->user_id = shared->value().user.id.hex();
    trace->session_id = shared->value().session.id.hex();
  }
  co_return *shared;
}

Task<Result<LoginAnswer>> Login::lead(LoginRequest request, Trace* trace) {
  // 1. Claim the code: of all requests on all nodes exactly one goes on to WeChat with it.
  const std::string code_hash = crypto::sha256(request.code.reveal());
  CO_TRY(const Id owner, Id::make(live_.clock.now(), random_));
  auto claimed = co_await claim(request.app->number, code_hash, owner);
  CO_TRY(auto standing, std::move(claimed));
  switch (standing.kind) {
    case CodeClaim::Kind::claimed: break;
    case CodeClaim::Kind::pending: co_return make_error(ErrorCode::code_used, "another request has taken this code");
    case CodeClaim::Kind::failed: co_return make_error(standing.error, "this code was brought before");
    case CodeClaim::Kind::done: {
      auto again = co_await answer_again(request, std::move(*standing.login), trace);
      co_return again;
    }
  }

  // 2. Exchange it with the platform: one call.
  auto exchanged = co_await exchange(request.app, request.code, trace);
  if (exchanged.has_error()) {
    const CallFailure& failure = exchanged.error();
    const std::optional<ErrorCode> outcome = leaves_unspent(failure) ? std::nullopt : std::optional(remembered(failure));
    auto settled = co_await store_.settle_code(request.app->number, code_hash, owner, outcome);
    static_cast<void>(settled);  // a claim that stays is answered with code_used, which is right too
    co_await note_failure(request.app, failure, trace);
    co_return failure.error;
  }

  // 3. Record user and session, durably. Nothing is answered before this.
  auto recorded = co_await record(request, code_hash, owner, std::move(exchanged.value()), trace);
  if (recorded.has_error()) {
    auto settled = co_await store_.settle_code(request.app->number, code_hash, owner, ErrorCode::code_used);
    static_cast<void>(settled);
    if (recorded.error().code == ErrorCode::forbidden) co_await journal_.login_failed(request.app, recorded.error(), trace->source);
    co_return recorded.error();
  }
  LoginRecord record = std::move(recorded.value());

  // 4. What this login replaced ends here before anybody hears of the login.
  live_.revoke(record.revocations);

  auto finished = co_await finish(request, std::move(record), trace);
  if (finished.has_value()) trace->came = finished.value().is_new_user ? Trace::Came::fresh : Trace::Came::known;
  co_return finished;
}

Task<Result<LoginAnswer>> Login::finish(const LoginRequest& request, LoginRecord record, Trace* trace) {
  LoginAnswer answer;
  answer.app = request.app;
  std::optional<Entrance> entrance = std::move(record.entrance);
  answer.session = std::move(record.session);
  answer.user = std::move(record.user);
  answer.is_new_user = record.is_new_user;
  // 5. Optional parts: what fails here is a warning.
  co_await optional_parts(request, answer, trace);
  if (record.asks_backend) co_await resolve(answer, trace);
  co_await entrances_.enter(request.came_by, std::move(entrance), answer);
  // 6. Seal the ticket: a phone number may just have said who this is.
  CO_TRY(answer.tokens, tickets_.issue(*request.app, answer.session, answer.user, live_.clock.now()));
  co_return answer;
}

Task<Result<CodeExchange>> Login::spend(AppPtr app, Secret code, Trace* trace) {
  CO_TRY(admit(*app, code));
  CO_TRY(rates_.admit(*app, trace->source.ip, live_.clock.now()));
  const std::string code_hash = crypto::sha256(code.reveal());
  CO_TRY(const Id owner, Id::make(live_.clock.now(), random_));
  auto claimed = co_await claim(app->number, code_hash, owner);
  CO_TRY(const auto standing, std::move(claimed));
  if (standing.kind == CodeClaim::Kind::failed) co_return make_error(standing.error, "this code was brought before");
  if (standing.kind != CodeClaim::Kind::claimed) co_return make_error(ErrorCode::code_used, "this code was brought before");
  auto exchanged = co_await exchange(app, std::move(code), trace);
  std::optional<ErrorCode> outcome = ErrorCode::code_used;
  if (exchanged.has_error()) outcome = leaves_unspent(exchanged.error()) ? std::nullopt : std::optional(remembered(exchanged.error()));
  auto settled = co_await store_.settle_code(app->number, code_hash, owner, outcome);
  static_cast<void>(settled);  // a claim that stays is answered with code_used, which is right too
  if (exchanged.has_error()) {
    co_await note_failure(app, exchanged.error(), trace);
    co_return exchanged.error().error;
  }
  co_return std::move(exchanged.value());
}

Task<void> Login::note_failure(AppPtr app, CallFailure failure, Trace* trace) {
  const bool reached = failure.error.upstream || !failure.code_unspent;
  if (reached) co_await journal_.login_failed(app, failure.error, trace->source);
}

// Who is at the code on this node has been waited for (run). Another node may be at it too: what it makes of the code is this one's answer,
// and where it died, nobody takes the code over, for WeChat may have seen it.
Task<Result<CodeClaim>> Login::claim(uint32_t app, std::string code_hash, Id owner) {
  const Deadline deadline = deadline_in(limits::kClaimWait);
  for (Millis pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    ClaimCode act;
    act.app = app;
    act.code_hash = code_hash;
    act.owner = owner;
    act.now = live_.clock.now();
    auto claimed = co_await store_.claim_code(std::move(act));
    CO_TRY(auto standing, std::move(claimed));
    const bool may_change = standing.kind == CodeClaim::Kind::pending && store_.shared();
    if (!may_change || deadline_in(pause) > deadline) co_return standing;
    co_await sleep_for(pause);
  }
}

Task<CallResult<CodeExchange>> Login::exchange(AppPtr app, Secret code, Trace* trace) {
  Platform* platform = platforms_.find(app->platform);
  if (!platform) {
    CallFailure gone;
    gone.error = make_error(ErrorCode::app_misconfigured, "the app's platform is gone");
    gone.code_unspent = true;
    co_return gone;
  }
  const auto place = exchanging_.enter(app->number);
  if (!place) {
    CallFailure busy;
    busy.error = make_error(ErrorCode::unavailable, "too many logins of this app wait for the platform");
    busy.error.retry_after = Seconds{1};
    busy.code_unspent = true;
    co_return busy;
  }
  trace->upstream_path = app->platform == "wechat_oauth" ? "/sns/oauth2/access_token" : "/sns/jscode2session";
  Stopwatch watch(trace->upstream);
  const Deadline deadline = deadline_in(limits::kUpstreamTotal);
  Task<CallResult<CodeExchange>> exchanging = app->authorization ? components_.exchange_code(app, std::move(code), deadline, trace)
                                                                 : platform->exchange_code(app, std::move(code), deadline);
  auto exchanged = co_await std::move(exchanging);
  if (exchanged.has_error() && exchanged.error().error.upstream) {
    trace->upstream_errcode = exchanged.error().error.upstream->errcode;
    trace->upstream_rid = exchanged.error().error.upstream->rid;
  }
  co_return exchanged;
}

Task<Result<LoginRecord>> Login::record(const LoginRequest& request, std::string code_hash, Id owner, CodeExchange identity, Trace* trace) {
  const App& app = *request.app;
  const Time now = live_.clock.now();
  CO_TRY(auto act, new_login(request, random_, now, *trace));
  act.provider = app.platform;
  act.family = unionid_family(app.platform);
  act.code_hash = std::move(code_hash);
  act.owner = owner;
  act.attempt = request.attempt;
  if (!identity.session_key.empty()) {
    const std::string row = app.app_id + '\0' + identity.openid;
    CO_TRY(act.session_key_sealed, vault_.seal("session_key", row, identity.session_key));
    act.session_key_index = vault_.index("session_key", identity.session_key.reveal());
    act.older_key_indexes = vault_.older_indexes("session_key", identity.session_key.reveal());
  }
  if (Resolving::wanted(app)) act.resolve_mark = Resolving::mark_of(app, identity.openid);
  act.openid = std::move(identity.openid);
  act.unionid = std::move(identity.unionid);
  if (request.prefetched) {
    act.device.id = act.device.platform = kPrefetchDevice;
    act.max_per_user = 0;
  }
  if (!request.renews) {
    act.idle_expires_at = now + app.settings.ticket_seconds;
    act.spared_since = now - limits::kLoginsAtOnce;
  }
  act.move_phone = phone_mover(vault_);

  Stopwatch watch(trace->store);
  auto recorded = co_await store_.record_login(std::move(act));
  co_return recorded;
}

// The same code again gets the same session, for a short while and while nothing has happened to it: the first answer was lost on its way.
Task<Result<LoginAnswer>> Login::answer_again(const LoginRequest& request, LoginRecord record, Trace* trace) {
  const Time now = live_.clock.now();
  const bool same_attempt = !request.attempt.empty() && request.attempt == record.attempt;
  const Millis window = same_attempt ? Millis(limits::kReplayWithAttempt) : Millis(limits::kReplaySeconds);
  // The sessions of an app are ended by time, in no row of theirs: a ticket sealed now would not be among those that end.
  const bool revoked = record.session.created_at <= request.app->revoked_before;
  const bool untouched = !record.session.ended && !revoked && record.session.renew_generation == 0 && now < record.session.idle_expires_at && !record.user.disabled;
  if (!untouched || now - record.recorded_at > window) co_return make_error(ErrorCode::code_used, "this code was used; call wx.login again");

  // A phone code and a phone's ciphertext are good once: what the first run bound must not end in a warning here.
  LoginRequest again = request;
  if (!record.user.phone_sealed.empty()) again.phone.reset();
  if (!request.came_by.code.empty()) {
    auto entered = co_await entrances_.ask(request.app, request.came_by, record.session.id, record.session.created_at);
    CO_TRY(record.entrance, std::move(entered));
  }
  auto finished = co_await finish(again, std::move(record), trace);
  co_return finished;
}

Task<void> Login::optional_parts(const LoginRequest& request, LoginAnswer& answer, Trace* trace) {
  const Subject subject{request.app, answer.user.id, answer.session.openid};
  auto warn = [&](std::string part, const Error& error) { answer.warnings.push_back({std::move(part), error.code, error.upstream}); };
  if (request.profile) {
    auto updated = co_await profiles_.update_from_wechat(subject, *request.profile, trace->source);
    if (updated.has_value()) answer.user = std::move(updated.value());
    else warn("profile", updated.error());
  }
  if (request.phone) {
    auto bound = co_await bind_phone(request, answer, trace);
    if (bound.has_error()) warn("phone", bound.error());
  }
}

// Last of the parts: who was put onto another user by a number is asked for as that one.
Task<void> Login::resolve(LoginAnswer& answer, Trace* trace) {
  WhoIs who;
  who.app = answer.app;
  who.openid = answer.session.openid;
  who.unionid = answer.session.unionid;
  who.user = answer.user.id;
  who.is_new_user = answer.is_new_user;
  who.request_id = trace->source.request_id;
  auto resolved = co_await resolving_.run(std::move(who), &answer.session, &answer.user, trace);
  if (resolved.has_error()) answer.warnings.push_back({"resolve", resolved.error().code, resolved.error().upstream});
}

Task<Result<>> Login::bind_phone(const LoginRequest& request, LoginAnswer& answer, Trace* trace) {
  const Subject subject{request.app, answer.user.id, answer.session.openid};
  auto proven = co_await profiles_.prove_phone(subject, *request.phone, trace);
  CO_TRY(const auto phone, std::move(proven));
  if (request.app->settings.phone_attach && answer.is_new_user) {
    auto attached = co_await profiles_.attach_by_phone(subject, answer.session.id, crypto::sha256(request.code.reveal()), phone, trace);
    CO_TRY(auto found, std::move(attached));
    if (found) {
      live_.revoke(found->revocations);
      answer.session = std::move(found->session);
      answer.user = std::move(found->user);
      answer.is_new_user = false;
      co_return ok();
    }
  }
  auto kept = co_await profiles_.keep_phone(subject, phone, trace);
  CO_TRY(answer.user, std::move(kept));
  co_return ok();
}

}  // namespace kaimen::core

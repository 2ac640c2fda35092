#include "core/passwords.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "core/account_name.h"
#include "core/app_disabled.h"
#include "core/new_login.h"
#include "core/revocation_life.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

Result<> check_app(const App& app) {
  if (!app.settings.passwords) return make_error(ErrorCode::not_found, "there is no such route here");
  if (app.disabled) return app_disabled();
  return ok();
}

// Whatever is not a name or not a password belongs to nobody.
Error nobody() { return make_error(ErrorCode::unauthenticated, "no such name, or not its password"); }

Result<std::string> name_from(const std::string& typed) {
  auto name = canonical_name(typed);
  if (!name) return make_error(ErrorCode::invalid_request, "username must be 1 to 64 characters without control characters");
  return std::move(*name);
}
Result<Secret> new_password_from(const Secret& typed) {
  auto password = canonical_password(typed);
  if (!password) return make_error(ErrorCode::invalid_request, "a password must be 8 to 128 characters");
  return std::move(*password);
}

std::string name_hash(const App& app, const std::string& name) { return crypto::sha256("password\n" + app.project + "\n" + name); }

/// As it was typed, but short enough to keep.
std::string shown(const std::string& typed, const std::string& name) { return is_plain_text(typed, 64) ? typed : name; }

}  // namespace

Result<PasswordThread::Place> Passwords::admit(const App& app, const Trace& trace) {
  TRY(check_app(app));
  TRY(auto place, thread_.enter(app.number));
  TRY(rates_.admit(app, trace.source.ip, live_.clock.now()));
  return place;
}

Task<Result<LoginAnswer>> Passwords::register_user(PasswordRequest request, Trace* trace) {
  CO_TRY(auto place, admit(*request.app, *trace));
  CO_TRY(const std::string name, name_from(request.username));
  CO_TRY(const Secret password, new_password_from(request.password));
  if (!is_plain_text(request.nickname, limits::kNicknameCodePoints)) {
    co_return make_error(ErrorCode::invalid_request, "nickname must be at most 64 characters without control characters");
  }
  const Subject nobody_yet{request.app, Id{}, {}};
  auto checked = co_await profiles_.check_name(nobody_yet, request.nickname, trace);
  CO_TRY(std::move(checked));
  RegisterPassword act;
  act.name = name;
  act.shown_name = shown(request.username, name);
  auto hashed = co_await thread_.hash(place, password);
  CO_TRY(act.hash, std::move(hashed));
  place.end();
  CO_TRY(act.login, new_login(request, random_, live_.clock.now(), *trace));
  if (!request.nickname.empty()) act.login.default_nickname = request.nickname;
  Result<LoginRecord> recorded = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    recorded = co_await store_.accounts().register_password(std::move(act));
  }
  CO_TRY(auto record, std::move(recorded));
  auto answered = co_await answer(std::move(request), std::move(record), trace);
  co_return answered;
}

Task<Result<LoginAnswer>> Passwords::login(PasswordRequest request, Trace* trace) {
  CO_TRY(auto place, admit(*request.app, *trace));
  const auto name = canonical_name(request.username);
  if (!name) co_return nobody();
  LoginByPassword act;
  auto compared = co_await is_password(place, *request.app, *name, request.password, &act.hash);
  CO_TRY(const bool same, std::move(compared));
  place.end();
  if (!same) {
    const Error refusal = nobody();
    co_await journal_.login_failed(request.app, refusal, trace->source);
    co_return refusal;
  }

  act.name = *name;
  act.name_hash = name_hash(*request.app, *name);
  CO_TRY(act.login, new_login(request, random_, live_.clock.now(), *trace));
  Result<LoginRecord> recorded = make_error(ErrorCode::internal);
  {
    Stopwatch watch(trace->store);
    recorded = co_await store_.accounts().login_by_password(std::move(act));
  }
  if (recorded.has_error() && recorded.error().code == ErrorCode::forbidden) co_await journal_.login_failed(request.app, recorded.error(), trace->source);
  CO_TRY(auto record, std::move(recorded));
  auto answered = co_await answer(std::move(request), std::move(record), trace);
  co_return answered;
}

Task<Result<>> Passwords::change(PasswordChange change, Trace* trace) {
  CO_TRY(check_app(*change.app));
  CO_TRY(const Secret password, new_password_from(change.new_password));
  CO_TRY(auto place, thread_.enter(change.app->number));
  CO_TRY(user_rates_.admit(change.user, live_.clock.now()));
  SetPassword act;
  auto found = co_await store_.accounts().password_of(change.user);
  CO_TRY(const auto standing, std::move(found));
  if (standing) {
    act.name = standing->name;
    act.shown_name = standing->shown_name;
    if (change.username && canonical_name(*change.username) != standing->name) {
      co_return make_error(ErrorCode::conflict, "the user has another username");
    }
    if (!change.old_password) co_return make_error(ErrorCode::invalid_request, "old_password is required: a password is set");
    auto compared = co_await is_password(place, *change.app, act.name, *change.old_password, &act.old_hash);
    CO_TRY(const bool same, std::move(compared));
    if (!same) co_return make_error(ErrorCode::forbidden, "not the old password");
  } else {
    if (!change.username) co_return make_error(ErrorCode::invalid_request, "username is required: the user has none yet");
    CO_TRY(act.name, name_from(*change.username));
    act.shown_name = shown(*change.username, act.name);
  }
  act.name_hash = name_hash(*change.app, act.name);
  auto hashed = co_await thread_.hash(place, password);
  CO_TRY(act.hash, std::move(hashed));
  place.end();
  act.user = change.user;
  act.session = change.session;
  act.now = live_.clock.now();
  act.revocations_until = revocations_until(act.now);
  act.source = trace->source;
  Stopwatch watch(trace->store);
  auto set = co_await store_.accounts().set_password(std::move(act));
  CO_TRY(const auto made, std::move(set));
  live_.revoke(made);
  co_return ok();
}

// Both ways in: the failure is counted, then the password compared, with something where there is nothing to compare with.
Task<Result<bool>> Passwords::is_password(const PasswordThread::Place& place, const App& app, std::string name, Secret password, std::string* hash) {
  PasswordAttempt act;
  act.project = app.project;
  act.name_hash = name_hash(app, name);
  act.name = std::move(name);
  act.now = live_.clock.now();
  auto begun = co_await store_.accounts().begin_password(std::move(act));
  CO_TRY(auto chance, std::move(begun));
  *hash = std::move(chance.hash);
  auto typed = canonical_password(password);
  std::string against;
  Secret given;
  if (typed) {
    against = *hash;
    given = std::move(*typed);
  }
  auto compared = co_await thread_.is(place, std::move(against), std::move(given));
  co_return compared;
}

Task<Result<LoginAnswer>> Passwords::answer(PasswordRequest request, LoginRecord record, Trace* trace) {
  live_.revoke(record.revocations);
  LoginAnswer answer;
  answer.app = request.app;
  answer.session = std::move(record.session);
  answer.user = std::move(record.user);
  answer.is_new_user = record.is_new_user;
  trace->user_id = answer.user.id.hex();
  trace->session_id = answer.session.id.hex();
  trace->came = answer.is_new_user ? Trace::Came::fresh : Trace::Came::known;
  co_await entrances_.enter(std::move(request.came_by), std::move(record.entrance), answer);
  CO_TRY(answer.tokens, tickets_.issue(*answer.app, answer.session, answer.user, live_.clock.now()));
  co_return answer;
}

}  // namespace kaimen::core

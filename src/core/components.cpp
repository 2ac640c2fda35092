#include "core/components.h"

#include <cstring>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/app_disabled.h"
#include "core/authorized.h"
#include "crypto/hash.h"

namespace kaimen::core {

namespace {

constexpr size_t kNameCodePoints = 64, kReturnBytes = 1024;
constexpr int kPushTries = 8;
constexpr Millis kPushPause{250};
// The code that WeChat gives in a link's last moment lives so long.
constexpr auto kAuthCodeLife = std::chrono::minutes(10);

/// Whether it authorises this component, as far as this node knows.
bool authorizes(const AppPtr& app, const App& component) { return app && app->authorization && app->authorization->component_id == component.app_id; }

bool is_spent(const Error& error) { return error.code == ErrorCode::code_invalid || error.code == ErrorCode::code_used; }

Source by_wechat(const Trace& trace) {
  Source source = trace.source;
  source.actor = "wechat";
  return source;
}

}  // namespace

ComponentPlatform* Components::platform_of(const App& app) const {
  Platform* platform = platforms_.find(app.platform);
  return platform ? platform->component() : nullptr;
}

Result<ComponentPlatform*> Components::serving(const App& component) const {
  ComponentPlatform* platform = platform_of(component);
  if (!platform) return make_error(ErrorCode::invalid_request, "the app is no third-party platform");
  if (component.disabled) return app_disabled();
  return platform;
}

Task<CallResult<CodeExchange>> Components::exchange_code(AppPtr app, Secret code, Deadline deadline, Trace* trace) {
  const AppPtr component = app->authorization->component;
  ComponentPlatform* platform = platform_of(*component);
  CallFailure refused;
  refused.code_unspent = true;
  if (const auto authorized = expect_authorized(*app); !authorized) {
    refused.error = authorized.error();
    co_return refused;
  }
  if (!platform) {
    refused.error = make_error(ErrorCode::app_misconfigured, "the app's platform is gone");
    co_return refused;
  }
  trace->upstream_path = "/sns/component/jscode2session";
  std::optional<Secret> rejected;
  for (;;) {
    auto got = co_await access_tokens_.get(component, rejected);
    if (!got) {
      refused.error = got.error();
      co_return refused;
    }
    const Secret token = got.value().token;
    if (rejected && token == *rejected) co_return refused;
    auto answer = co_await platform->exchange_code_for(component, token, app, code, deadline);
    if (answer || !answer.error().token_rejected) co_return answer;
    refused.error = answer.error().error;
    if (rejected) co_return refused;
    rejected = token;
  }
}

// ---- links ----

Task<Result<MadeLink>> Components::make_link(AppPtr component, LinkRequest request, Trace* trace) {
  CO_TRY(ComponentPlatform* const platform, serving(*component));
  if (!live_.apps.get()->project(request.project)) co_return make_error(ErrorCode::invalid_request, "there is no such project");
  if (request.return_to.size() > kReturnBytes || request.callback.size() > kReturnBytes) {
    co_return make_error(ErrorCode::invalid_request, "return_to and redirect_uri are at most 1024 bytes");
  }
  std::function<Task<CallResult<PreAuthCode>>(Secret)> ask = [&](Secret token) {
    return platform->make_pre_auth_code(component, std::move(token), deadline_in(limits::kUpstreamTotal));
  };
  auto asked = co_await access_tokens_.call<PreAuthCode>(component, ask, trace);
  CO_TRY(const auto made, std::move(asked));

  AuthorizationLink link;
  link.hash = crypto::sha256(made.code.reveal());
  link.component = component->app_id;
  link.project = std::move(request.project);
  link.return_to = std::move(request.return_to);
  link.created_at = live_.clock.now();
  link.expires_at = link.created_at + made.expires_in;
  link.only_app = request.app_id;
  MadeLink answer;
  answer.link = to_hex(link.hash);
  answer.expires_in = made.expires_in;
  AuthorizationPage page;
  page.pre_auth_code = made.code;
  page.redirect_uri = request.callback + (request.callback.find('?') == std::string::npos ? "?" : "&") + "link=" + answer.link;
  page.app_id = request.app_id;
  answer.url = platform->authorization_url(*component, page);
  page.mobile = true;
  answer.mobile_url = platform->authorization_url(*component, page);
  auto kept = co_await store_.components().keep_link(std::move(link));
  CO_TRY(std::move(kept));
  co_return answer;
}

Task<Result<AuthorizationLink>> Components::find_link(const App& component, std::string link) {
  const auto hash = from_hex(link);
  if (!hash || hash->size() != 32) co_return make_error(ErrorCode::not_found, "there is no such link");
  const std::string app_id = component.app_id;
  auto found = co_await store_.components().find_link(*hash);
  CO_TRY(auto row, std::move(found));
  if (row.component != app_id) co_return make_error(ErrorCode::not_found, "there is no such link");
  co_return row;
}

Task<Result<AppPtr>> Components::take_code(AppPtr component, AuthorizationLink link, Secret code, Trace* trace) {
  if (!link.app_id.empty()) co_return app_of(link);
  if (live_.clock.now() >= link.expires_at + kAuthCodeLife) co_return make_error(ErrorCode::code_invalid, "the link has expired");
  CO_TRY(expect_project(link.project));
  auto granted = co_await grant_of_code(component, std::move(code), trace);
  if (granted.has_error() && is_spent(granted.error())) {
    auto waited = co_await wait_for_push(link.hash);
    CO_TRY(const auto app, std::move(waited));
    if (app) co_return app;
  }
  CO_TRY(auto grant, std::move(granted));
  SaveAuthorization act;
  act.link = link.hash;
  auto saved = co_await place(component, std::move(grant), link.project, link.only_app, std::move(act), trace);
  co_return saved;
}

Task<Result<AppPtr>> Components::take_code(AppPtr component, std::string project, Secret code, Trace* trace) {
  CO_TRY(expect_project(project));
  auto granted = co_await grant_of_code(component, std::move(code), trace);
  CO_TRY(auto grant, std::move(granted));
  SaveAuthorization act;
  std::string any;
  auto saved = co_await place(component, std::move(grant), std::move(project), std::move(any), std::move(act), trace);
  co_return saved;
}

Task<Result<AppPtr>> Components::adopt(AppPtr component, std::string project, std::string app_id, Trace* trace) {
  CO_TRY(check_app_id(app_id));
  auto granted = co_await grant_of_app(component, std::move(app_id), trace);
  CO_TRY(auto grant, std::move(granted));
  if (grant.refresh_token.empty()) co_return make_error(ErrorCode::app_misconfigured, "WeChat gives no refresh token for it: its administrator has to authorise again");
  SaveAuthorization act;
  auto saved = co_await save(component, std::move(grant), std::move(project), std::move(act), trace);
  co_return saved;
}

Task<Result<AppPtr>> Components::wait_for_push(std::string link) {
  for (int tries = 0;; ++tries) {
    auto found = co_await store_.components().find_link(link);
    CO_TRY(const auto row, std::move(found));
    if (!row.app_id.empty()) {
      if (apps_.find(row.app_id)) co_return app_of(row);
      auto loaded = co_await apps_.load();  // another node has just put it there
      CO_TRY(std::move(loaded));
      co_return app_of(row);
    }
    if (tries == kPushTries) co_return AppPtr();
    co_await sleep_for(kPushPause);
  }
}

Result<AppPtr> Components::app_of(const AuthorizationLink& link) const {
  auto app = apps_.find(link.app_id);
  if (!app || app->project != link.project) return make_error(ErrorCode::not_found, "the app that authorised by this link is gone");
  return app;
}

// ---- grants ----

Result<> Components::expect_project(const std::string& project) const {
  if (!live_.apps.get()->project(project)) return make_error(ErrorCode::invalid_request, "there is no such project");
  return ok();
}

Task<Result<AuthorizationGrant>> Components::grant_of_code(AppPtr component, Secret code, Trace* trace) {
  CO_TRY(ComponentPlatform* const platform, serving(*component));
  std::function<Task<CallResult<AuthorizationGrant>>(Secret)> ask = [&](Secret token) {
    return platform->grant_of_code(component, std::move(token), code, deadline_in(limits::kUpstreamTotal));
  };
  auto granted = co_await access_tokens_.call<AuthorizationGrant>(component, ask, trace);
  co_return granted;
}

Task<Result<AuthorizationGrant>> Components::grant_of_app(AppPtr component, std::string app_id, Trace* trace) {
  CO_TRY(ComponentPlatform* const platform, serving(*component));
  std::function<Task<CallResult<AuthorizationGrant>>(Secret)> ask = [&](Secret token) {
    return platform->grant_of_app(component, std::move(token), app_id, deadline_in(limits::kUpstreamTotal));
  };
  auto granted = co_await access_tokens_.call<AuthorizationGrant>(component, ask, trace);
  CO_TRY(auto grant, std::move(granted));
  if (grant.app_id != app_id) co_return make_error(ErrorCode::upstream_error, "WeChat answers about another app");
  co_return grant;
}

Result<AppRow> Components::row_for(const AuthorizationGrant& grant, std::string project) const {
  AppRow row;
  row.app_id = grant.app_id;
  TRY(const auto number, random_.bytes<4>());
  std::memcpy(&row.number, number.data(), sizeof row.number);
  row.project = std::move(project);
  row.platform = "wechat";
  if (is_plain_text(grant.name, kNameCodePoints)) row.name = grant.name;
  TRY(row.secret_sealed, vault_.seal("app_secret", row.app_id, Secret()));
  row.created_at = live_.clock.now();
  return row;
}

Task<Result<AppPtr>> Components::place(AppPtr component, AuthorizationGrant grant, std::string project, std::string only_app, SaveAuthorization act,
                                       Trace* trace) {
  Result<AppPtr> placed = make_error(ErrorCode::conflict, "the link is for another app");
  if (only_app.empty() || only_app == grant.app_id) {
    placed = co_await save(component, grant, std::move(project), act, trace);
    if (placed.has_value() || placed.error().code != ErrorCode::conflict) co_return placed;
    auto loaded = co_await apps_.load();  // another node may have put it where it is
    CO_TRY(std::move(loaded));
  }
  if (!authorizes(apps_.find(grant.app_id), *component)) co_return placed;
  act.link.clear();
  std::string where_it_is;
  auto kept = co_await save(component, std::move(grant), std::move(where_it_is), std::move(act), trace);
  CO_TRY(std::move(kept));
  co_return placed;
}

Task<Result<AppPtr>> Components::save(AppPtr component, AuthorizationGrant grant, std::string project, SaveAuthorization act, Trace* trace) {
  CO_TRY(check_app_id(grant.app_id));
  if (!project.empty()) {
    CO_TRY(expect_project(project));
    CO_TRY(act.new_app, row_for(grant, std::move(project)));
  }
  act.component = component->app_id;
  act.app_id = grant.app_id;
  act.permissions = std::move(grant.permissions);
  act.now = live_.clock.now();
  if (!grant.refresh_token.empty()) {
    CO_TRY(act.refresh_sealed, vault_.seal("refresh_token", act.app_id, grant.refresh_token));
  }
  if (!grant.token.token.empty()) {
    CO_TRY(act.token_sealed, vault_.seal("access_token", act.app_id, grant.token.token));
    act.token_expires_at = act.now + grant.token.expires_in;
  }
  act.source = act.once.empty() ? trace->source : by_wechat(*trace);
  Stopwatch watch(trace->store);
  const std::string app_id = act.app_id;
  auto saved = co_await store_.components().save_authorization(std::move(act));
  CO_TRY(std::move(saved));
  auto loaded = co_await apps_.load();
  CO_TRY(std::move(loaded));
  access_tokens_.forget(app_id);
  co_return apps_.find(app_id);
}

// ---- pushes ----

Task<Result<>> Components::receive(AppPtr component, Push push, Trace* trace) {
  ComponentPlatform* platform = platform_of(*component);
  auto message = platform ? platform->open_component_push(*component, push) : std::nullopt;
  if (!message) co_return make_error(ErrorCode::signature_invalid, "the push does not open with the component's push keys");
  switch (message->kind) {
    case ComponentPush::Kind::ticket: {
      auto done = co_await keep_ticket(component, std::move(*message), trace);
      co_return done;
    }
    case ComponentPush::Kind::authorized: {
      auto done = co_await authorize(component, std::move(*message), trace);
      co_return done;
    }
    case ComponentPush::Kind::unauthorized: {
      auto done = co_await unauthorize(component, std::move(*message), trace);
      co_return done;
    }
    case ComponentPush::Kind::other: break;
  }
  co_return ok();
}

Task<Result<>> Components::keep_ticket(AppPtr component, ComponentPush push, Trace* trace) {
  KeepTicket act;
  act.component = component->app_id;
  act.made_at = push.made_at;
  CO_TRY(act.ticket_sealed, vault_.seal("component_ticket", component->app_id, push.ticket));
  Stopwatch watch(trace->store);
  auto kept = co_await store_.components().keep_ticket(std::move(act));
  CO_TRY(std::move(kept));
  co_return ok();
}

bool Components::is_good(const AuthorizationLink& link, const App& component, const ComponentPush& push) const {
  if (link.component != component.app_id || push.made_at >= link.expires_at + kAuthCodeLife) return false;
  return (link.only_app.empty() || link.only_app == push.app_id) && live_.apps.get()->project(link.project);
}

// An authorisation that nobody here has asked for is not taken up by itself: it may be anybody's, and an app that is added opens a project
// to its users. The admin API can (adopt).
Task<Result<>> Components::authorize(AppPtr component, ComponentPush push, Trace* trace) {
  SaveAuthorization act;
  act.once = push.once;
  act.pushed_at = push.made_at;
  std::string project;
  if (!push.pre_auth_code.empty()) {
    std::string hash = crypto::sha256(push.pre_auth_code.reveal());
    auto found = co_await store_.components().find_link(std::move(hash));
    if (found.has_error() && found.error().code != ErrorCode::not_found) co_return found.error();
    if (found.has_value() && is_good(found.value(), *component, push)) {
      project = found.value().project;
      act.link = found.value().hash;
    }
  }
  if (project.empty() && !authorizes(apps_.find(push.app_id), *component)) co_return ok();
  auto granted = co_await grant_of_code(component, push.auth_code, trace);
  // The browser was faster, or this push has come before: what stands can be asked for at any time.
  if (granted.has_error() && is_spent(granted.error())) granted = co_await grant_of_app(component, push.app_id, trace);
  CO_TRY(auto grant, std::move(granted));
  if (grant.app_id != push.app_id) co_return make_error(ErrorCode::upstream_error, "WeChat answers about another app");
  std::string any;
  auto saved = co_await place(component, std::move(grant), std::move(project), std::move(any), std::move(act), trace);
  // To come again would not change where the app is.
  if (saved.has_error() && saved.error().code == ErrorCode::conflict) co_return ok();
  CO_TRY(std::move(saved));
  co_return ok();
}

Task<Result<>> Components::unauthorize(AppPtr component, ComponentPush push, Trace* trace) {
  EndAuthorization act;
  act.component = component->app_id;
  act.app_id = push.app_id;
  act.once = push.once;
  act.pushed_at = push.made_at;
  act.now = live_.clock.now();
  act.source = by_wechat(*trace);
  Stopwatch watch(trace->store);
  auto ended = co_await store_.components().end_authorization(std::move(act));
  CO_TRY(std::move(ended));
  auto loaded = co_await apps_.load();
  co_return loaded;
}

}  // namespace kaimen::core

// From a request to its route and back: who may call, reading the body, the error table, the log line.
#include "api/api.h"

#include <unistd.h>

#include "api/avatar.h"
#include "api/errors.h"
#include "api/metrics.h"
#include "http/address.h"
#include "api/presented.h"
#include "api/proxy.h"
#include "api/root_files.h"
#include "api/routes.h"
#include "api/same_origin.h"
#include "api/verify.h"
#include "api/wire.h"
#include "base/limits.h"
#include "base/log.h"

namespace kaimen::api {

namespace {

constexpr size_t kIgnoredBytes = 512;  // of the X-Kaimen-Ignored header

std::vector<std::string> route_names() {
  std::vector<std::string> names;
  for (const auto& route : routes()) names.push_back(std::string(route.method) + " " + std::string(route.pattern));
  names.push_back("none");
  return names;
}

bool is_verify(const http::Request& request, Surface surface) { return surface != Surface::public_ && request.path == "/verify"; }

bool is_operation(const Route& route) {
  return route.pattern == "/healthz" || route.pattern == "/readyz" || route.pattern == "/metrics" || route.pattern == "/openapi.json";
}

// Of routes that do something else as well, the rules say whether a request was a login (core::Trace).
bool is_login(const Route& route) {
  return route.pattern.ends_with("/login") || route.pattern == "/v1/password/register" || route.pattern == "/v1/me/restore";
}

// Error: unauthenticated with the reason.
Result<Visitor> visitor_of(Call& call) {
  const Presented presented = call.presented();
  if (presented.kind == Presented::Kind::none) return unauthenticated(Reason::missing);
  if (presented.kind == Presented::Kind::conflict) return unauthenticated(Reason::malformed);
  auto& checker = core::Checker::of(call.services.live);
  const auto verdict = checker.check(presented.ticket);
  if (!verdict) return make_error(ErrorCode::unavailable, "not ready");
  if (verdict->reason != check::Reason::none) return unauthenticated(static_cast<Reason>(verdict->reason));
  const check::Claims& claims = checker.opened().claims;
  Visitor visitor{Id{claims.session}, Id{claims.user}, checker.apps().find(claims.app), std::string(claims.openid)};
  if (!visitor.app) return unauthenticated(Reason::deleted);
  if (!may_be_of(presented, visitor.app.get())) return unauthenticated(Reason::malformed);
  const bool only_reads = call.http.method == "GET" || call.http.method == "HEAD";
  // Who looks on in a user's place looks on: what is the user's own is changed by the user.
  if (!claims.actor.empty() && !only_reads) return make_error(ErrorCode::forbidden, "a support view changes nothing here");
  if (presented.by_cookie && !only_reads) {
    TRY(not_of_another_site(call, *visitor.app));
  }
  call.trace.app_id = visitor.app->app_id;
  call.trace.user_id = visitor.user.hex();
  call.trace.session_id = visitor.session.hex();
  call.trace.env = core::name_of(claims.env());
  return visitor;
}

/// Error: unauthenticated (anybody but the user who runs this, over the admin socket).
Result<core::Caller> caller_on_machine(const Call& call) {
  if (call.surface != Surface::admin || !call.http.peer->is_unix || call.http.peer->uid != ::getuid()) return unauthenticated(Reason::missing);
  core::Caller caller;
  caller.name = "admin socket";
  caller.scopes = {core::Scope::admin};
  return caller;
}

Result<core::Caller> caller_of(Call& call, core::Scope scope) {
  if (auto caller = caller_on_machine(call)) return caller;
  const bool local = call.http.peer->loopback || call.http.peer->is_unix;
  if (!local && !call.http.peer->tls && !http::address_in(call.http.peer->address, call.options.plaintext_from)) {
    return make_error(ErrorCode::forbidden, "the admin API wants TLS from here, or private.plaintext_from");
  }
  const std::string_view key = bearer(call.http);
  if (key.empty()) return unauthenticated(Reason::missing);
  const auto found = call.services.access_keys.find(key);
  if (!found) return unauthenticated(Reason::malformed);
  if (!found->may(scope)) return make_error(ErrorCode::forbidden, "the key lacks the scope " + std::string(core::name_of(scope)));
  return *found;
}

Result<> read_body(Call& call) {
  if (call.http.body.empty()) return ok();
  TRY(auto parsed, http::parse_json(call.http.body, limits::kJsonDepth));
  if (!parsed.is_object()) return make_error(ErrorCode::invalid_request, "the body must be a JSON object");
  call.body = std::move(parsed.get_object());
  return ok();
}

}  // namespace

http::Response json_response(int status, const http::json::value& body, bool no_store) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json");
  if (no_store) response.set("Cache-Control", "no-store");
  response.body = http::to_text(body);
  return response;
}

Result<Id> id_in_path(const Call& call, size_t index) {
  const auto id = Id::parse(call.path[index]);
  if (!id) return make_error(ErrorCode::not_found, "there is nothing with this id");
  return *id;
}

struct Api::Impl {
  Impl(core::Services& service_set, ApiOptions api_options) : services(service_set), options(std::move(api_options)), metrics(route_names()) {}

  Surface surface_of(const http::Request& request) const { return options.surfaces[static_cast<size_t>(request.listener)]; }
  Task<Result<http::Response>> dispatch(Call& call, const Route& route);
  http::Response metrics_response() const;
  void count(const Call& call, const Match& found, const Error* error) const;
  void write_log(const http::Request& request, const Call& call, std::string_view route, int status, const Error* error, Millis total) const;

  core::Services& services;
  const ApiOptions options;
  Metrics metrics;
};

Task<Result<http::Response>> Api::Impl::dispatch(Call& call, const Route& route) {
  if (ticket_in_query(call.http.query)) co_return make_error(ErrorCode::invalid_request, "a ticket does not belong in a URL");
  if (!http::parse_parameters(call.http.query, call.query)) co_return make_error(ErrorCode::invalid_request, "the query is not well encoded");
  if (route.pattern == "/metrics") {
    std::string project;
    if (!may_check(call.http, services, options, project)) co_return make_error(ErrorCode::forbidden, "metrics want a key of scope verify here");
    if (!project.empty()) co_return make_error(ErrorCode::forbidden, "metrics are of all projects, and the key is bound to one");
    co_return metrics_response();
  }
  // Before keys, apps and revocations are read, and when they are too old, nobody is known here; a client must not take that for "you are
  // nobody".
  if (!is_operation(route) && !services.live.moment()) co_return make_error(ErrorCode::unavailable, "not ready");
  // Who may call comes first: nobody else learns what is wrong with a body.
  if (const auto* open = std::get_if<Open>(&route.access)) {
    if (route.body == Body::json) {
      CO_TRY(read_body(call));
    }
    auto answer = co_await open->handler(call);
    co_return answer;
  }
  if (const auto* ticketed = std::get_if<Ticketed>(&route.access)) {
    CO_TRY(const Visitor visitor, visitor_of(call));
    if (ticketed->saves) {
      CO_TRY(services.saves.admit(visitor.user, services.live.clock.now()));
    }
    if (route.body == Body::json) {
      CO_TRY(read_body(call));
    }
    auto answer = co_await ticketed->handler(call, visitor);
    co_return answer;
  }
  const auto* keyed = std::get_if<Keyed>(&route.access);
  CO_TRY(const core::Caller caller, keyed ? caller_of(call, keyed->scope) : caller_on_machine(call));
  call.trace.source.actor = "key " + caller.name;
  if (route.body == Body::json) {
    CO_TRY(read_body(call));
  }
  auto answer = co_await (keyed ? keyed->handler : std::get<OnMachine>(route.access).handler)(call, caller);
  co_return answer;
}

http::Response Api::Impl::metrics_response() const {
  http::Response response;
  response.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = metrics.text(services.stats);
  auto gauge = [&](std::string_view name, std::string_view help, std::string_view type, auto value) {
    response.body += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " + std::string(type) + "\n" + std::string(name) + " " + std::to_string(value) + "\n";
  };
  gauge("kaimen_revocations", "Revocations held in memory.", "gauge", services.live.revocations.size());
  gauge("kaimen_apps", "Mini programs known.", "gauge", services.live.apps.get()->by_id.size());
  gauge("kaimen_ready", "1 when tickets can be checked.", "gauge", services.live.moment() ? 1 : 0);
  if (services.follower) {
    const auto in_seconds = [](Millis duration) { return static_cast<double>(duration.count()) / 1000.0; };
    gauge("kaimen_poll_age_seconds", "Since the database last told what other nodes changed; -1: never.", "gauge", in_seconds(services.follower->age().value_or(Millis{-1000})));
    gauge("kaimen_clock_skew_seconds", "How far the database's time is ahead of this machine's.", "gauge", in_seconds(services.follower->clock().ahead_of_wall().value_or(Millis{0})));
  }
  gauge("kaimen_log_lines_dropped_total", "Log lines dropped because the log could not keep up.", "counter", log::dropped());
  add_proxy_counts(services.proxy, response.body);
  if (options.check_file) {
    const check::StateFill fill = options.check_file();
    gauge("kaimen_check_file_revocations", "Revocations in the state file.", "gauge", fill.held);
    gauge("kaimen_check_file_room", "Revocations it holds before it must grow.", "gauge", fill.room);
    gauge("kaimen_check_file_grown_total", "How often it has grown.", "counter", fill.grown);
    gauge("kaimen_check_file_stuck", "1 when it should grow and cannot.", "gauge", fill.failure.empty() ? 0 : 1);
    gauge("kaimen_check_file_overflows", "1 when something does not fit, and its readers answer 503.", "gauge", fill.overflows ? 1 : 0);
  }
  if (options.server_counters) {
    const auto counters = options.server_counters();
    gauge("kaimen_connections_open", "Open connections.", "gauge", counters.connections_open);
    gauge("kaimen_connections_accepted_total", "Connections accepted.", "counter", counters.connections_accepted);
    gauge("kaimen_requests_total", "Requests read, checks included.", "counter", counters.requests);
    gauge("kaimen_requests_refused_total", "Requests that could not be read.", "counter", counters.refused);
  }
  return response;
}

void Api::Impl::count(const Call& call, const Match& found, const Error* error) const {
  if (!found.route) return;
  const core::AppPtr app = call.trace.app_id.empty() ? nullptr : services.live.apps.get()->find(call.trace.app_id);
  services.stats.count(app ? app->number : 0, call.trace, is_login(*found.route) || call.trace.logs_in, error);
}

void Api::Impl::write_log(const http::Request& request, const Call& call, std::string_view route, int status, const Error* error, Millis total) const {
  const log::Level level = status >= 500 ? log::Level::warn : log::Level::info;
  if (!options.log_requests || !log::enabled(level)) return;
  log::Line line("request");
  line.field("request_id", request.request_id).field("app_id", call.trace.app_id).field("env", call.trace.env).field("route", route).field("status", status);
  line.field("code", error ? name_of(error->code) : "").field("reason", error ? name_of(error->reason) : "");
  if (error && !error->detail.empty()) line.field("detail", error->detail);
  line.field("user_id", call.trace.user_id).field("session_id", call.trace.session_id).field("ip", request.client_ip);
  line.field("upstream_path", call.trace.upstream_path).field("upstream_errcode", call.trace.upstream_errcode).field("upstream_rid", call.trace.upstream_rid);
  line.field("upstream_ms", call.trace.upstream.count()).field("store_ms", call.trace.store.count()).field("total_ms", total.count());
  line.emit(level);
}

Api::Api(core::Services& services, ApiOptions options) : impl_(std::make_unique<Impl>(services, std::move(options))) {}
Api::~Api() = default;

std::optional<size_t> Api::body_limit(const http::Request& head, size_t default_limit) const {
  if (is_verify(head, impl_->surface_of(head))) return std::nullopt;
  if (may_call_wechat(head, impl_->services, impl_->surface_of(head))) return limits::kProxyBodyBytes;
  return head.path == "/v1/me/avatar" && head.method == "POST" ? kAvatarBytes + kAvatarEnvelopeBytes : default_limit;
}

bool Api::answer_now(const http::Request& request, bool keep_alive, std::string& out) {
  const Surface surface = impl_->surface_of(request);
  if (!is_verify(request, surface)) return false;
  return verify(request, impl_->services, impl_->options, keep_alive, out);
}

Task<http::Response> Api::handle(const http::Request& request) {
  if (is_verify(request, impl_->surface_of(request))) {
    auto checked = co_await verify_with_jwt(request, impl_->services, impl_->options);
    co_return checked;
  }
  const auto start = std::chrono::steady_clock::now();
  Call call{request, impl_->services, impl_->options, impl_->surface_of(request), {}, {}, {}, {}, {}};
  call.trace.source = {request.request_id, std::string(request.client_ip), {}};
  Match found = match(request.method, request.path, call.surface);
  call.path = std::move(found.path);

  http::Response response;
  std::optional<Error> error;
  if (found.route) {
    Result<http::Response> answer = make_error(ErrorCode::internal);
    try {
      answer = co_await impl_->dispatch(call, *found.route);
    } catch (const std::exception& thrown) {
      log::error("handler_threw", thrown.what());
      answer = make_error(ErrorCode::internal, "exception");
    }
    if (answer.has_value()) response = std::move(answer.value());
    else error = std::move(answer.error());
  } else if (call.surface == Surface::public_ && is_root_file(request.path) && (request.method == "GET" || request.method == "HEAD")) {
    auto file = root_file(impl_->options.root_files, request.path);
    if (file) response = std::move(file.value());
    else error = std::move(file.error());
  } else {
    error = found.allowed.empty() ? make_error(ErrorCode::not_found, "there is no such route here")
                                  : make_error(ErrorCode::method_not_allowed, "this route takes " + found.allowed);
  }
  if (error) {
    const Refusal refusal = found.route ? found.route->refusal : Refusal{};
    response = refusal.write ? refusal.write(call, *error) : problem(*error, request.request_id);
    if (error->code == ErrorCode::method_not_allowed) response.set("Allow", found.allowed);
  }
  if (impl_->options.dev && !call.ignored.empty()) {
    std::string names;
    for (const auto& name : call.ignored) names += (names.empty() ? "" : ", ") + name;
    // The names are the client's: only what a header may hold, and no more than proxies pass on.
    names.resize(std::min(names.size(), kIgnoredBytes));
    for (char& c : names) c = c < ' ' || c > '~' ? '?' : c;
    response.set("X-Kaimen-Ignored", std::move(names));
  }

  const auto total = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
  impl_->metrics.count(found.route ? found.index : routes().size(), response.status, total.count());
  impl_->count(call, found, error ? &*error : nullptr);
  impl_->write_log(request, call, found.route ? found.route->pattern : "none", response.status, error ? &*error : nullptr, total);
  co_return response;
}

http::Response Api::refuse(int status, std::string_view why, std::string_view request_id) {
  ErrorCode code = ErrorCode::invalid_request;
  if (status == 413) code = ErrorCode::payload_too_large;
  if (status == 503) code = ErrorCode::unavailable;
  if (status == 500) code = ErrorCode::internal;
  return problem(make_error(code, std::string(why)), request_id, status);
}

}  // namespace kaimen::api

#include "playground/playground.h"

#include "base/encoding.h"
#include "check/ticket.h"
#include "core/live.h"
#include "http/json.h"
#include "playground/pages.h"

namespace kaimen::playground {

namespace json = http::json;

namespace {

constexpr std::string_view kRoot = "/playground";
constexpr Millis kWireDeadline{20'000};

http::Response answer(json::object body, int status = 200) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json").set("Cache-Control", "no-store");
  response.body = http::to_text(body);
  return response;
}
http::Response refused(int status, std::string_view why) { return answer({{"error", why}}, status); }

/// "127.0.0.1", "localhost" or "[::1]", with or without a port.
bool is_loopback_host(std::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) host = host.substr(0, colon);
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]";
}

std::string_view name_of(http::ClientError::Kind kind) {
  switch (kind) {
    case http::ClientError::Kind::timed_out: return "timeout";
    case http::ClientError::Kind::not_sent: return "not sent";
    default: return "cut";
  }
}

std::string hex(const std::array<uint8_t, 16>& bytes) { return Id{bytes}.hex(); }

json::object ticket_json(std::string_view text, const check::Claims& claims, check::Reason reason) {
  uint32_t key = 0;
  check::ticket_key_id(text, key);
  const auto at = [](uint64_t ms) { return rfc3339(Time(Millis(static_cast<int64_t>(ms)))); };
  return {{"key_id", key},
          {"session", hex(claims.session)},
          {"user", hex(claims.user)},
          {"app_number", claims.app},
          {"issued_at", at(claims.issued_ms)},
          {"expires_at", at(claims.expires_ms())},
          {"generation", claims.generation},
          {"env", core::name_of(claims.env())},
          {"registered", claims.registered()},
          {"openid", claims.openid},
          {"unionid", claims.unionid},
          {"external_id", claims.external_id},
          {"roles", claims.roles},
          {"refused", reason == check::Reason::none ? json::value(nullptr) : json::value(kaimen::name_of(static_cast<Reason>(reason)))}};
}

json::object user_json(const core::User& user, const std::string& phone) {
  return {{"id", user.id.hex()},     {"nickname", user.nickname},          {"phone", phone},
          {"registered", user.registered}, {"created_at", rfc3339(user.created_at)}, {"disabled", user.disabled}};
}

json::object session_json(const core::Session& session) {
  return {{"id", session.id.hex()},
          {"device", session.device.model},
          {"env", core::name_of(session.env)},
          {"generation", session.generation},
          {"renew_generation", session.renew_generation},
          {"created_at", rfc3339(session.created_at)},
          {"idle_expires_at", rfc3339(session.idle_expires_at)}};
}

std::optional<json::object> object_in(std::string_view body) {
  auto parsed = http::parse_json(body);
  if (!parsed || !parsed.value().is_object()) return std::nullopt;
  return std::move(parsed.value().get_object());
}

}  // namespace

Playground::Playground(http::Handler& api, core::Services& services, PlaygroundOptions options)
    : api_(api), services_(services), options_(std::move(options)) {}

bool Playground::is_mine(const http::Request& request) const {
  if (request.listener != options_.listener || !request.peer->loopback) return false;
  if (request.path != kRoot && !(request.path.starts_with(kRoot) && request.path[kRoot.size()] == '/')) return false;
  const auto* host = request.header("host");
  return host && is_loopback_host(*host);
}

bool Playground::answer_now(const http::Request& request, bool keep_alive, std::string& out) {
  return !is_mine(request) && api_.answer_now(request, keep_alive, out);
}

Task<http::Response> Playground::handle(const http::Request& request) {
  if (!is_mine(request)) {
    auto handed_on = co_await api_.handle(request);
    co_return handed_on;
  }
  std::string_view name = request.path.substr(kRoot.size());
  if (!name.empty()) name.remove_prefix(1);
  if (request.method == "GET" || request.method == "HEAD") co_return page(name);
  const auto* origin = request.header("origin");
  if (request.method != "POST" || !origin || *origin != "http://" + std::string(*request.header("host"))) co_return refused(403, "not from the playground's own page");
  if (name == "facts") co_return answer({{"app_id", options_.app_id}, {"public", options_.public_url()}, {"sandbox", options_.sandbox_url}});
  if (name == "wire") {
    auto carried = co_await wire(request);
    co_return carried;
  }
  if (name == "look") {
    auto looked = co_await look(request);
    co_return looked;
  }
  if (name == "limit") {
    auto set = co_await limit(request);
    co_return set;
  }
  co_return refused(404, "there is no such thing in the playground");
}

Task<http::Response> Playground::wire(const http::Request& request) {
  const auto order = object_in(request.body);
  if (!order) co_return refused(400, "a JSON object is wanted");
  http::Reader reader(*order);
  const std::string to = reader.require_string({"to"});
  http::ClientRequest out;
  out.method = reader.require_string({"method"});
  out.target = reader.require_string({"path"});
  out.body = reader.string({"body"}).value_or("");
  if (const auto* headers = reader.object({"headers"})) {
    for (const auto& [name, value] : *headers) {
      if (const auto* text = value.if_string()) out.headers.emplace_back(std::string(name), std::string(*text));
    }
  }
  if (to != "public" && to != "sandbox") reader.fail("to must be public or sandbox");
  if (!out.target.starts_with('/')) reader.fail("path must begin with /");
  // What would end a line of the request is nobody's header.
  const auto breaks = [](const std::string& text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; };
  bool broken = breaks(out.method) || out.method.find(' ') != std::string::npos || breaks(out.target) || out.target.find(' ') != std::string::npos;
  for (const auto& [name, value] : out.headers) broken = broken || breaks(name) || breaks(value);
  if (broken) reader.fail("line breaks and blanks do not belong there");
  if (const auto wrong = reader.check(); !wrong) co_return refused(400, wrong.error().detail);

  const auto url = http::BaseUrl::parse(to == "public" ? options_.public_url() : options_.sandbox_url);
  if (!url) co_return refused(503, "not running yet");
  out.url = *url;
  out.deadline = deadline_in(kWireDeadline);
  auto sending = client_.send(std::move(out));
  const auto came_back = co_await std::move(sending);
  if (!came_back) co_return answer({{"failure", name_of(came_back.error().kind)}});
  json::object headers;
  for (const auto& [name, value] : came_back.value().headers) headers[name] = value;
  co_return answer({{"status", came_back.value().status},
                    {"headers", std::move(headers)},
                    {"body", is_utf8(came_back.value().body) ? came_back.value().body : std::string()},
                    {"elapsed_ms", came_back.value().elapsed.count()}});
}

Task<http::Response> Playground::look(const http::Request& request) {
  const auto order = object_in(request.body);
  if (!order) co_return refused(400, "a JSON object is wanted");
  http::Reader reader(*order);
  const std::string ticket = reader.require_string({"ticket"});
  if (const auto wrong = reader.check(); !wrong) co_return refused(400, wrong.error().detail);
  auto& checker = core::Checker::of(services_.live);
  const auto verdict = checker.check(ticket);
  if (!verdict || verdict->reason == check::Reason::malformed) co_return refused(404, "not a ticket of this server");
  const check::Claims& claims = checker.opened().claims;
  const Id user{claims.user};
  const core::AppPtr app = checker.apps().find(claims.app);
  const std::string openid(claims.openid);
  json::object seen{{"ticket", ticket_json(ticket, claims, verdict->reason)}, {"user", nullptr}, {"identities", json::array{}}, {"sessions", json::array{}}, {"session_keys", json::array{}}};

  auto finding = services_.directory.find(user);
  const auto found = co_await std::move(finding);
  if (found) {
    const auto phone = services_.profiles.phone_of(found.value().user);
    seen["user"] = user_json(found.value().user, phone ? phone.value() : std::string());
    for (const auto& one : found.value().identities) {
      seen["identities"].get_array().push_back(json::object{{"provider", one.provider}, {"app_id", one.app_id}, {"openid", one.subject}, {"unionid", one.unionid}, {"created_at", rfc3339(one.created_at)}});
    }
  }
  auto listing = services_.sessions.list(user);
  const auto sessions = co_await std::move(listing);
  if (sessions) {
    for (const auto& one : sessions.value()) seen["sessions"].get_array().push_back(session_json(one));
  }
  if (app) {
    auto naming = services_.open_data.key_fingerprints(app, openid);
    const auto names = co_await std::move(naming);
    if (names) {
      for (const auto& one : names.value()) seen["session_keys"].get_array().emplace_back(one);
    }
  }
  co_return answer(std::move(seen));
}

Task<http::Response> Playground::limit(const http::Request& request) {
  const auto order = object_in(request.body);
  const auto* wanted = order ? order->if_contains("max_per_user") : nullptr;
  if (!wanted || !(wanted->is_null() || wanted->is_int64())) co_return refused(400, "max_per_user must be a whole number or null");
  const core::AppPtr app = services_.apps.find(options_.app_id);
  if (!app) co_return refused(404, "the app is gone");
  json::value was = nullptr;
  if (const auto set = app->setting_values.find("max_per_user"); set != app->setting_values.end()) was = app->settings.max_per_user;
  core::AppChange change;
  change.settings = {{"max_per_user", wanted->is_null() ? std::string() : std::to_string(wanted->get_int64())}};
  change.source.actor = "playground";
  auto changing = services_.apps.change(options_.app_id, std::move(change));
  const auto changed = co_await std::move(changing);
  if (!changed) co_return refused(400, changed.error().detail);
  co_return answer({{"max_per_user", changed.value()->settings.max_per_user}, {"was", was}});
}

}  // namespace kaimen::playground

#include "api/verify.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http/address.h"
#include "api/presented.h"
#include "base/encoding.h"

namespace kaimen::api {

namespace {

struct Wanted {
  std::string app_id, project, role;
  std::optional<core::Env> env;
  bool registered = false, optional = false;
};

// False: unknown, doubled or ill-valued option. A misspelt one must not pass as "no condition".
bool read_options(std::string_view query, Wanted& wanted) {
  http::Parameters options;
  if (!http::parse_parameters(query, options)) return false;
  for (const auto& [name, value] : options.items) {
    if (options.doubled(name) || value.empty()) return false;
    if (name == "app_id") {
      wanted.app_id = value;
    } else if (name == "project") {
      wanted.project = value;
    } else if (name == "role") {
      wanted.role = value;
    } else if (name == "env") {
      wanted.env = core::parse_env(value);
      if (!wanted.env) return false;
    } else if (name == "registered" && value == "true") {
      wanted.registered = true;
    } else if (name == "optional" && value == "true") {
      wanted.optional = true;
    } else {
      return false;
    }
  }
  return true;
}

void append_number(std::string& out, uint64_t value) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

void append_hex(std::string& out, const std::array<uint8_t, 16>& bytes) {
  char text[32];
  for (size_t i = 0; i < bytes.size(); ++i) std::memcpy(text + 2 * i, kHexPairs[bytes[i]].data(), 2);
  out.append(text, sizeof text);
}

bool has_role(std::string_view roles, std::string_view wanted) {
  while (!roles.empty()) {
    const size_t comma = roles.find(',');
    if (roles.substr(0, comma) == wanted) return true;
    if (comma == roles.npos) break;
    roles.remove_prefix(comma + 1);
  }
  return false;
}

// The head of every answer; the caller adds headers of its own and the empty line.
void begin(std::string& out, std::string_view status_line, const http::Request& request, bool keep_alive) {
  out += status_line;
  out += "Cache-Control: no-store\r\nX-Request-Id: ";
  out += request.request_id;
  out += keep_alive ? "\r\n" : "\r\nConnection: close\r\n";
}

void refuse(std::string& out, std::string_view status_line, const http::Request& request, bool keep_alive) {
  begin(out, status_line, request, keep_alive);
  out += "Content-Length: 0\r\n\r\n";
}

void answer_unauthenticated(std::string& out, Reason reason, const http::Request& request, bool keep_alive) {
  begin(out, "HTTP/1.1 401 Unauthorized\r\n", request, keep_alive);
  out += "X-Kaimen-Reason: ";
  out += name_of(reason);
  out += "\r\nWWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"";
  out += name_of(reason);
  out += "\"\r\nContent-Length: 0\r\n\r\n";
}

void answer_good(std::string& out, const check::Claims& claims, const check::AppState& app, const http::Request& request, bool keep_alive) {
  begin(out, "HTTP/1.1 204 No Content\r\n", request, keep_alive);
  auto header = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += name;
    out += value;
    out += "\r\n";
  };
  out += "X-Kaimen-User: ";
  append_hex(out, claims.user);
  out += "\r\nX-Kaimen-Session: ";
  append_hex(out, claims.session);
  out += "\r\n";
  header("X-Kaimen-App: ", app.app_id);
  header("X-Kaimen-Openid: ", claims.openid);
  header("X-Kaimen-Unionid: ", claims.unionid);
  header("X-Kaimen-External-Id: ", claims.external_id);
  header("X-Kaimen-Roles: ", claims.roles);
  header("X-Kaimen-Env: ", core::name_of(claims.env()));
  out += claims.registered() ? "X-Kaimen-Registered: true\r\nX-Kaimen-Expires: " : "X-Kaimen-Registered: false\r\nX-Kaimen-Expires: ";
  append_number(out, claims.expires_ms() / 1000);
  out += "\r\n\r\n";
}

constexpr std::string_view kForbidden = "HTTP/1.1 403 Forbidden\r\n";
constexpr std::string_view kUnavailable = "HTTP/1.1 503 Service Unavailable\r\n";

}  // namespace

bool may_check(const http::Request& request, core::Services& services, const ApiOptions& options, std::string& project) {
  const bool local = request.peer->loopback || request.peer->is_unix;
  const std::string_view* key = request.header("x-kaimen-key");
  if (!key) return local;
  if (request.count("x-kaimen-key") != 1) return false;
  const auto caller = services.access_keys.find(*key);
  if (!caller || !caller->may(core::Scope::verify)) return false;
  project = caller->project;
  return local || request.peer->tls || http::address_in(request.peer->address, options.plaintext_from);
}

void verify(const http::Request& request, core::Services& services, const ApiOptions& options, Metrics& metrics, bool keep_alive, std::string& out) {
  CheckCounters& counters = metrics.checks();
  const auto moment = services.live.moment();
  if (!moment) {
    counters.add(CheckCounters::kUnavailable);
    return refuse(out, kUnavailable, request, keep_alive);
  }
  core::Checker& checker = core::Checker::of(services.live);
  std::string key_project;
  Wanted wanted;
  const bool allowed = may_check(request, services, options, key_project) && (request.query.empty() || read_options(request.query, wanted));
  const bool named = !wanted.app_id.empty() || !wanted.project.empty() || !key_project.empty() || checker.apps().projects.size() <= 1;
  if (!allowed || !named) {
    counters.add(CheckCounters::kForbidden);
    return refuse(out, kForbidden, request, keep_alive);
  }

  const Presented presented = presented_ticket(request, options.ticket_headers);
  if (presented.kind == Presented::Kind::none && wanted.optional) {
    counters.add(CheckCounters::kAnonymous);
    begin(out, "HTTP/1.1 204 No Content\r\n", request, keep_alive);
    out += "\r\n";
    return;
  }
  check::Verdict verdict;
  if (presented.kind == Presented::Kind::none) verdict.reason = check::Reason::missing;
  if (presented.kind == Presented::Kind::one) verdict = checker.check(presented.ticket, *moment);
  if (verdict.reason != check::Reason::none) {
    counters.add(static_cast<size_t>(verdict.reason));
    return answer_unauthenticated(out, static_cast<Reason>(verdict.reason), request, keep_alive);
  }

  const check::Claims& claims = checker.opened().claims;
  const check::AppState& app = *verdict.app;
  const bool fits = (wanted.app_id.empty() || app.app_id == wanted.app_id) && (wanted.project.empty() || app.project == wanted.project) &&
                    (key_project.empty() || app.project == key_project) && (!wanted.env || claims.env() == *wanted.env) &&
                    (!wanted.registered || claims.registered()) && (wanted.role.empty() || has_role(claims.roles, wanted.role));
  if (!fits) {
    counters.add(CheckCounters::kForbidden);
    return refuse(out, kForbidden, request, keep_alive);
  }
  counters.add(static_cast<size_t>(check::Reason::none));
  answer_good(out, claims, app, request, keep_alive);
}

}  // namespace kaimen::api

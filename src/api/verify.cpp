#include "api/verify.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include "api/presented.h"
#include "base/encoding.h"
#include "check/wanted.h"
#include "http/address.h"

namespace kaimen::api {

namespace {

struct Wanted {
  std::string app_id, project, role, jwt;
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
    } else if (name == "jwt" && core::Jwts::is_audience(value)) {
      wanted.jwt = value;
    } else {
      return false;
    }
  }
  return true;
}

// Both take header names with the colon and blank that follow them: the raw form must not append those one by one.

// The answer as bytes of the connection, written into room made for all of it at once. `others`: how much the values of unbounded size may take.
class RawAnswer {
 public:
  RawAnswer(std::string& out, const http::Request& request, bool keep_alive, size_t others) : out_(out), request_(request), keep_alive_(keep_alive) {
    const size_t begin = out.size();
    out.resize(begin + kRoom + request.request_id.size() + others);
    at_ = out.data() + begin;
  }
  void begin(int status) {
    add(status == 204   ? std::string_view("HTTP/1.1 204 No Content\r\n")
        : status == 401 ? std::string_view("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n")
        : status == 403 ? std::string_view("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n")
                        : std::string_view("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"));
    add("Cache-Control: no-store\r\nX-Request-Id: ");
    add(request_.request_id);
    add(keep_alive_ ? std::string_view("\r\n") : std::string_view("\r\nConnection: close\r\n"));
  }
  // Inlined, a name is a few moves of a size that is known.
  [[gnu::always_inline]] void header(std::string_view name, std::string_view value) {
    add(name);
    add(value);
    add("\r\n");
  }
  void end() {
    add("\r\n");
    const auto size = static_cast<size_t>(at_ - out_.data());
    assert(size <= out_.size());
    out_.resize(size);
  }

 private:
  static constexpr size_t kRoom = 1024;  // for the names, and the values whose size is known: no more than 600 bytes

  [[gnu::always_inline]] void add(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

  std::string& out_;
  const http::Request& request_;
  const bool keep_alive_;
  char* at_;
};

// The answer as the server writes those that took their time.
class LateAnswer {
 public:
  void begin(int status) {
    response_.status = status;
    response_.set("Cache-Control", "no-store");
  }
  void header(std::string_view name, std::string_view value) { response_.set(std::string(name.substr(0, name.size() - 2)), std::string(value)); }
  void end() {}
  http::Response take() { return std::move(response_); }

 private:
  http::Response response_;
};

struct HexText {
  explicit HexText(const std::array<uint8_t, 16>& bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) std::memcpy(text + 2 * i, kHexPairs[bytes[i]].data(), 2);
  }
  operator std::string_view() const { return {text, sizeof text}; }
  char text[32];
};

struct DecimalText {
  explicit DecimalText(uint64_t value) : end(std::to_chars(text, text + sizeof text, value).ptr) {}
  operator std::string_view() const { return {text, static_cast<size_t>(end - text)}; }
  char text[20];
  const char* end;
};

template <class Answer>
void identify(Answer& answer, const check::Claims& claims, const check::AppState& app, std::string_view jwt) {
  auto known = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) answer.header(name, value);
  };
  answer.header("X-Kaimen-User: ", HexText(claims.user));
  answer.header("X-Kaimen-Session: ", HexText(claims.session));
  known("X-Kaimen-App: ", app.app_id);
  known("X-Kaimen-Openid: ", claims.openid);
  known("X-Kaimen-Unionid: ", claims.unionid);
  known("X-Kaimen-External-Id: ", claims.external_id);
  answer.header("X-Kaimen-Roles: ", claims.roles);  // none is an answer, too
  known("X-Kaimen-Actor: ", claims.actor);
  known("X-Kaimen-Env: ", core::name_of(claims.env()));
  answer.header("X-Kaimen-Registered: ", claims.registered() ? "true" : "false");
  answer.header("X-Kaimen-Expires: ", DecimalText(claims.expires_ms() / 1000));
  known("X-Kaimen-Jwt: ", jwt);
}

// What a check comes to: an outcome of core::CheckCounts. `app_number`: whose ticket it was, where it is one of ours. `claims` and `app` are set where it passed.
struct Judgement {
  size_t outcome = core::CheckCounts::kUnavailable;
  const check::Claims* claims = nullptr;
  const check::AppState* app = nullptr;
  std::string_view ticket{};
  uint32_t app_number = 0;
};

Judgement judge(const http::Request& request, core::Services& services, const ApiOptions& options, Wanted& wanted) {
  const auto moment = services.live.moment();
  if (!moment) return {core::CheckCounts::kUnavailable};
  core::Checker& checker = core::Checker::of(services.live);
  std::string key_project;
  const bool allowed = may_check(request, services, options, key_project) && (request.query.empty() || read_options(request.query, wanted));
  const bool named = !wanted.app_id.empty() || !wanted.project.empty() || !key_project.empty() || checker.apps().projects.size() <= 1;
  if (!allowed || !named) return {core::CheckCounts::kForbidden};

  const Presented presented = presented_ticket(request, options.ticket_headers, checker.apps().wafer);
  if (presented.kind == Presented::Kind::none && wanted.optional) return {core::CheckCounts::kAnonymous};
  check::Verdict verdict;
  if (presented.kind == Presented::Kind::none) verdict.reason = check::Reason::missing;
  if (presented.kind == Presented::Kind::one) verdict = checker.check(presented.ticket, *moment);
  // verdict.app is of the table that the checker holds; to ask it for its apps now could bring another, and that one would be gone.
  if (verdict.reason == check::Reason::none && presented.by_skey && !verdict.app->wafer) verdict.reason = check::Reason::malformed;
  const check::Claims& claims = checker.opened().claims;
  const bool is_ours = presented.kind == Presented::Kind::one && verdict.reason != check::Reason::malformed;
  const uint32_t number = is_ours ? claims.app : 0;
  if (verdict.reason != check::Reason::none) return {static_cast<size_t>(verdict.reason), nullptr, nullptr, {}, number};

  const check::AppState& app = *verdict.app;
  const check::Wanted demanded{wanted.app_id, wanted.project, wanted.role, wanted.env, wanted.registered};
  const bool fits = check::fits(claims, app.app_id, app.project, demanded) && (key_project.empty() || app.project == key_project);
  if (!fits) return {core::CheckCounts::kForbidden, nullptr, nullptr, {}, number};
  // Without an issuer there is no JWT, and without the JWT a backend would not know whom it is to believe.
  if (!wanted.jwt.empty() && options.issuer().empty()) return {core::CheckCounts::kUnavailable};
  return {core::CheckCounts::kPassed, &claims, &app, presented.ticket, number};
}

// How much the values whose size nothing in identify() says take of the answer.
size_t unbounded(const Judgement& judgement) {
  if (!judgement.claims) return 0;
  const check::Claims& claims = *judgement.claims;
  return judgement.app->app_id.size() + claims.openid.size() + claims.unionid.size() + claims.external_id.size() + claims.roles.size() + claims.actor.size();
}

template <class Answer>
void write_answer(Answer& answer, const Judgement& judgement, std::string_view jwt, core::CheckCounts& counts) {
  counts.add(judgement.app_number, judgement.outcome);
  switch (judgement.outcome) {
    case core::CheckCounts::kPassed:
      answer.begin(204);
      identify(answer, *judgement.claims, *judgement.app, jwt);
      break;
    case core::CheckCounts::kAnonymous: answer.begin(204); break;
    case core::CheckCounts::kForbidden: answer.begin(403); break;
    case core::CheckCounts::kUnavailable: answer.begin(503); break;
    default: {
      const std::string_view reason = name_of(static_cast<Reason>(judgement.outcome));
      std::string challenge = "Bearer error=\"invalid_token\", error_description=\"";
      challenge.append(reason).append("\"");
      answer.begin(401);
      answer.header("X-Kaimen-Reason: ", reason);
      answer.header("WWW-Authenticate: ", challenge);
    }
  }
  answer.end();
}

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

bool verify(const http::Request& request, core::Services& services, const ApiOptions& options, bool keep_alive, std::string& out) {
  Wanted wanted;
  const Judgement judgement = judge(request, services, options, wanted);
  std::shared_ptr<const core::Jwt> jwt;
  if (judgement.claims && !wanted.jwt.empty()) {
    jwt = services.jwts.kept(judgement.ticket, wanted.jwt, options.issuer());
    if (!jwt) return false;
  }
  const std::string_view jwt_text = jwt ? std::string_view(jwt->text) : std::string_view();
  RawAnswer answer(out, request, keep_alive, unbounded(judgement) + jwt_text.size());
  write_answer(answer, judgement, jwt_text, services.stats.checks);
  return true;
}

Task<http::Response> verify_with_jwt(const http::Request& request, core::Services& services, const ApiOptions& options) {
  Wanted wanted;
  Judgement judgement = judge(request, services, options, wanted);
  std::string jwt;
  if (judgement.claims) {
    auto subject = jwt_subject(*judgement.claims, judgement.app->app_id);
    auto making = services.jwts.make(std::string(judgement.ticket), wanted.jwt, options.issuer(), std::move(subject));
    auto made = co_await std::move(making);
    // Other checks ran on this thread meanwhile, and the ticket may have ended.
    Wanted again;
    judgement = judge(request, services, options, again);
    if (made.has_error()) judgement = {core::CheckCounts::kUnavailable};
    else jwt = std::move(made.value().text);
  }
  LateAnswer answer;
  write_answer(answer, judgement, jwt, services.stats.checks);
  co_return answer.take();
}

core::JwtSubject jwt_subject(const check::Claims& claims, const std::string& app_id) {
  core::JwtSubject subject;
  subject.session = Id{claims.session};
  subject.user = Id{claims.user};
  subject.app_id = app_id;
  subject.openid = claims.openid;
  subject.unionid = claims.unionid;
  subject.external_id = claims.external_id;
  subject.actor = claims.actor;
  for (std::string_view roles = claims.roles; !roles.empty();) {
    const size_t comma = std::min(roles.find(','), roles.size());
    subject.roles.emplace_back(roles.substr(0, comma));
    roles.remove_prefix(std::min(comma + 1, roles.size()));
  }
  subject.registered = claims.registered();
  subject.ticket_end = from_epoch_ms(static_cast<int64_t>(claims.expires_ms()));
  return subject;
}

}  // namespace kaimen::api

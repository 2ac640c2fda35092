// The HTTP contract over the real rules, without sockets: requests are made up, answers are read as a client would.
#pragma once

#include <unistd.h>

#include "api/api.h"
#include "api/routes.h"
#include "http/json.h"
#include "tests/core/fixture.h"

namespace kaimen::test {

namespace json = http::json;

inline http::Peer local_peer() {
  http::Peer peer;
  peer.address = "127.0.0.1";
  peer.loopback = true;
  return peer;
}
inline http::Peer remote_peer(bool tls, const std::string& address = "203.0.113.9") {
  http::Peer peer;
  peer.address = address;
  peer.tls = tls;
  return peer;
}
inline http::Peer unix_peer(uint32_t uid) {
  http::Peer peer;
  peer.is_unix = true;
  peer.uid = uid;
  return peer;
}

enum Listener : int { kPublic = 0, kPrivate = 1, kAdminSocket = 2 };

struct Ask {
  std::string method = "GET", target;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  Listener listener = kPublic;
  http::Peer peer = local_peer();
  bool https = false;

  Ask& with(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Ask& bearer(const std::string& token) { return with("Authorization", "Bearer " + token); }
  Ask& from(http::Peer where) {
    peer = std::move(where);
    return *this;
  }
};

struct Reply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The first with that name; empty: none.
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (http::name_is(key, name)) return value;
    }
    return {};
  }
  json::object object() const {
    auto parsed = http::parse_json(body);
    return parsed && parsed.value().is_object() ? parsed.value().get_object() : json::object{};
  }
  std::string text(std::string_view member) const {
    const auto members = object();
    const auto* value = members.if_contains(member);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  }
  std::string code() const { return text("code"); }
};

class ApiTest : public CoreTest {
 protected:
  ApiTest() { remake_api({}); }

  void remake_api(api::ApiOptions options) {
    options.surfaces = {api::Surface::public_, api::Surface::private_, api::Surface::admin};
    options.log_requests = false;
    options.version = "0.0.0-test";
    api_ = std::make_unique<api::Api>(services(), std::move(options));
  }
  api::Api& api() { return *api_; }

  Reply send(const Ask& ask) {
    http::Request request;
    request.method = ask.method;
    request.target = ask.target;
    const size_t mark = ask.target.find('?');
    request.path = std::string_view(ask.target).substr(0, mark);
    if (mark != std::string::npos) request.query = std::string_view(ask.target).substr(mark + 1);
    for (const auto& [name, value] : ask.headers) request.headers.push_back({name, value});
    request.body = ask.body;
    request.peer = &ask.peer;
    request.listener = ask.listener;
    request.request_id = "request-1";
    request.https = ask.https;
    std::string out;
    if (api_->answer_now(request, true, out)) return read(out);
    const auto response = run_here(api_->handle(request));
    return {response.status, response.headers, response.body};
  }
  Reply get(const std::string& target, const std::string& token = "") { return send(client("GET", target, token)); }
  Reply post(const std::string& target, const std::string& body, const std::string& token = "") {
    Ask ask = client("POST", target, token);
    ask.body = body;
    return send(ask);
  }
  static Ask client(const std::string& method, const std::string& target, const std::string& token = "") {
    Ask ask{method, target};
    if (!token.empty()) ask.bearer(token);
    return ask;
  }
  static Ask verify(const std::string& token, const std::string& query = "") {
    Ask ask{"GET", "/verify" + (query.empty() ? "" : "?" + query)};
    ask.listener = kPrivate;
    if (!token.empty()) ask.bearer(token);
    return ask;
  }
  /// A call of the admin API with that key.
  static Ask admin(const std::string& method, const std::string& target, const std::string& key, const std::string& body = "") {
    Ask ask = client(method, target, key);
    ask.listener = kPrivate;
    ask.body = body;
    return ask;
  }
  core::MadeAccessKey make_key(std::vector<std::string> scopes, const std::string& project = "") {
    core::NewAccessKey key;
    key.name = "test";
    key.scopes = std::move(scopes);
    key.project = project;
    return run_here(services().access_keys.create(std::move(key))).value();
  }
  std::string key_text(std::vector<std::string> scopes, const std::string& project = "") { return make_key(std::move(scopes), project).text.reveal(); }

 private:
  static Reply read(const std::string& out) {
    Reply reply;
    size_t at = out.find("\r\n");
    reply.status = std::stoi(out.substr(9, 3));
    for (at += 2; out.compare(at, 2, "\r\n") != 0;) {
      const size_t colon = out.find(": ", at), end = out.find("\r\n", at);
      reply.headers.emplace_back(out.substr(at, colon - at), out.substr(colon + 2, end - colon - 2));
      at = end + 2;
    }
    reply.body = out.substr(at + 2);
    return reply;
  }

  std::unique_ptr<api::Api> api_;
};

}  // namespace kaimen::test

// The sandbox on a real listener, driven on the one side by the real Wechat class and on the other as a phone would be.
#pragma once

#include "base/encoding.h"
#include "crypto/cbc.h"
#include "crypto/hash.h"
#include "http/json.h"
#include "http/message.h"
#include "sandbox/sandbox.h"
#include "tests/platform/wechat_fixture.h"

namespace kaimen::tests {

namespace json = http::json;

struct SandboxWechat {
  explicit SandboxWechat(sandbox::SandboxOptions options = {}) : sandbox(clock, random, options) {
    http::ServerOptions listening;
    listening.listeners.push_back({"sandbox", "127.0.0.1:0", "", 0660, std::nullopt});
    server.emplace(std::move(listening), sandbox.handler(), random);
    if (!server->start()) std::abort();
    url = http::BaseUrl::parse("http://" + server->bound_address(0)).value();
    wechat.emplace(client, std::map<std::string, platform::Upstream>{{"wechat", {url, ""}}}, clock, random);
    sandbox.add_app(kAppid, Secret("s3cret"));
  }
  ~SandboxWechat() { sandbox.stop(); }

  http::ClientResult send(const std::string& method, const std::string& target, std::string body = {}, Millis within = Millis(3000)) {
    http::ClientRequest request;
    request.url = url;
    request.method = method;
    request.target = target;
    request.body = std::move(body);
    request.deadline = deadline_in(within);
    return run_here(client.send(std::move(request)));
  }
  /// A call that must be answered with this status and JSON.
  json::object ask(const std::string& method, const std::string& target, const std::string& body = {}, int status = 200) {
    const auto answer = send(method, target, body);
    EXPECT_TRUE(answer.has_value()) << target;
    if (!answer) return {};
    EXPECT_EQ(answer.value().status, status) << answer.value().body;
    auto parsed = http::parse_json(answer.value().body);
    EXPECT_TRUE(parsed.has_value()) << answer.value().body;
    return parsed && parsed.value().is_object() ? parsed.value().as_object() : json::object();
  }
  json::object control(const std::string& path, const std::string& body, int status = 200) {
    return ask("POST", "/sandbox/" + path, body, status);
  }
  void fault(const std::string& fields) { ask("PUT", "/sandbox/faults", fields); }

  std::string login(const std::string& user = "ann", const std::string& more = "", const std::string& appid = kAppid) {
    return text(control("login", R"({"appid":")" + appid + R"(","user":")" + user + '"' + more + "}"), "code");
  }
  static std::string text(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value && value->is_string() ? value->as_string().c_str() : "";
  }

  auto exchange(const std::string& code, core::AppPtr app = make_app()) {
    return run_here(wechat->exchange_code(std::move(app), Secret(code), deadline_in(Millis(3000))));
  }
  core::CodeExchange session(const std::string& user = "ann", const std::string& more = "") {
    auto result = exchange(login(user, more));
    EXPECT_TRUE(result.has_value());
    return result ? std::move(result).value() : core::CodeExchange();
  }
  std::string token() {
    auto result = run_here(wechat->fetch_access_token(make_app(), deadline_in(Millis(3000))));
    EXPECT_TRUE(result.has_value());
    return result ? result.value().token.reveal() : "";
  }
  auto phone(const std::string& code, const std::string& openid, core::AppPtr app = make_app()) {
    return run_here(wechat->phone_by_code(std::move(app), Secret(token()), code, openid, deadline_in(Millis(3000))));
  }
  auto key_stands(const std::string& openid, const Secret& key) {
    return run_here(wechat->check_session_key(make_app(), Secret(token()), openid, key, deadline_in(Millis(3000))));
  }
  std::optional<std::string> decrypt(const json::object& encrypted, const Secret& key) const {
    return crypto::aes_cbc_decrypt(from_base64(key.reveal()).value(), from_base64(text(encrypted, "iv")).value(),
                                   from_base64(text(encrypted, "encryptedData")).value());
  }

  ManualClock clock;
  SystemRandom random;
  sandbox::Sandbox sandbox;
  std::optional<http::Server> server;
  http::BaseUrl url;
  http::Client client;
  std::optional<platform::Wechat> wechat;
};

/// The errcode of a failed call; 0 for a success.
template <class T>
int64_t errcode_of(const core::CallResult<T>& result) {
  return result ? 0 : result.error().error.upstream ? result.error().error.upstream->errcode : -999;
}

}  // namespace kaimen::tests

// Who may call what: every route that wants a key, against every set of scopes and every kind of caller. It is made from the route table, so
// a new route is in it before anybody thinks of it.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

constexpr const char* kScopeNames[] = {"verify", "read", "write", "wechat", "admin"};

class ScopesTest : public ApiTest {
 protected:
  static std::vector<const api::Route*> keyed_routes() {
    std::vector<const api::Route*> keyed;
    for (const auto& route : api::routes()) {
      if (std::holds_alternative<api::Keyed>(route.access)) keyed.push_back(&route);
    }
    return keyed;
  }
  /// The route with something in the place of each {name}.
  static std::string target(const api::Route& route, const std::string& app_id, const std::string& id) {
    std::string path(route.pattern);
    // wx1 is of the project default.
    const std::string project = app_id == "wx1" ? "default" : app_id;
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"{app_id}", app_id}, {"{id}", id}, {"{name}", project}, {"{delivery}", id}}) {
      if (const size_t at = path.find(name); at != path.npos) path.replace(at, name.size(), value);
    }
    return path;
  }
  Reply call(const api::Route& route, const std::string& key, http::Peer peer = local_peer()) {
    // Names nothing that is there, so that a caller who may cannot break anything.
    return send(admin(std::string(route.method), target(route, "nowhere", std::string(32, 'f')), key).from(std::move(peer)));
  }
  static std::string of(const api::Route& route) { return std::string(route.method) + " " + std::string(route.pattern); }
};

TEST_F(ScopesTest, EverySetOfScopesAgainstEveryRoute) {
  ASSERT_GT(keyed_routes().size(), 15U);
  for (int set = 1; set < 32; ++set) {
    std::vector<std::string> scopes;
    for (int i = 0; i < 5; ++i) {
      if (set & 1 << i) scopes.emplace_back(kScopeNames[i]);
    }
    const std::string key = key_text(scopes);
    for (const auto* route : keyed_routes()) {
      const std::string wanted(core::name_of(std::get<api::Keyed>(route->access).scope));
      const bool may = std::ranges::count(scopes, wanted) != 0 || std::ranges::count(scopes, "admin") != 0;
      const int status = call(*route, key).status;
      const bool let_in = status != 401 && status != 403 && status < 500;
      EXPECT_TRUE(may ? let_in : status == 403) << of(*route) << " with set " << set << ": " << status;
    }
  }
}

TEST_F(ScopesTest, WhoIsNotKnownMayNothing) {
  const auto revoked = make_key({"admin"});
  ASSERT_TRUE(run_here(services().access_keys.revoke(revoked.row.id)));
  const std::string good = key_text({"admin"}), ticket = log_in("o1").tokens.token;
  std::string changed = good;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  for (const auto* route : keyed_routes()) {
    for (const std::string& key : {std::string(), std::string("kmk_"), std::string("kmk_garbage"), revoked.text.reveal(), changed, ticket, good + " ", std::string("*")}) {
      EXPECT_EQ(call(*route, key).status, key == good + " " ? call(*route, good).status : 401) << of(*route) << " " << key;
    }
  }
}

TEST_F(ScopesTest, AKeyCountsOnlyAsBearerAndOnce) {
  const std::string key = key_text({"admin"});
  const auto status = [&](std::vector<std::pair<std::string, std::string>> headers, const std::string& target = "/admin/v1/apps") {
    Ask ask = admin("GET", target, "");
    ask.headers = std::move(headers);
    return send(ask).status;
  };
  EXPECT_EQ(status({{"Authorization", "Bearer " + key}}), 200);
  EXPECT_EQ(status({{"Authorization", "Bearer " + key}, {"Authorization", "Bearer " + key}}), 401);
  EXPECT_EQ(status({{"Authorization", "Basic " + key}}), 401);
  EXPECT_EQ(status({{"Authorization", key}}), 401);
  EXPECT_EQ(status({{"X-Kaimen-Key", key}}), 401);
  EXPECT_EQ(status({{"Cookie", "kaimen=" + key}}), 401);
  EXPECT_EQ(status({}, "/admin/v1/apps?key=" + key), 401);
}

TEST_F(ScopesTest, FromAfarTheAdminApiWantsTls) {
  const std::string key = key_text({"admin"});
  api::ApiOptions options;
  options.plaintext_from = {"10.0.0.0/8"};
  remake_api(std::move(options));
  for (const auto* route : keyed_routes()) {
    EXPECT_EQ(call(*route, key, remote_peer(false)).status, 403) << of(*route);
    EXPECT_EQ(call(*route, key, remote_peer(true)).status, call(*route, key).status) << of(*route);
    EXPECT_EQ(call(*route, key, remote_peer(false, "10.0.0.1")).status, call(*route, key).status) << of(*route);
    EXPECT_EQ(call(*route, "", remote_peer(true)).status, 401) << of(*route);
  }
}

TEST_F(ScopesTest, TheAdminSocketIsForItsOwnUserOnly) {
  for (const auto* route : keyed_routes()) {
    Ask ask = admin(std::string(route->method), target(*route, "nowhere", std::string(32, 'f')), "");
    ask.listener = kAdminSocket;
    ask.from(unix_peer(::getuid()));
    EXPECT_EQ(send(ask).status, call(*route, key_text({"admin"})).status) << of(*route);
    ask.from(unix_peer(::getuid() + 1));
    EXPECT_EQ(send(ask).status, 401) << of(*route);
    ask.from(local_peer());
    EXPECT_EQ(send(ask).status, 401) << of(*route);
    ask.listener = kPrivate;
    ask.from(unix_peer(::getuid()));
    EXPECT_EQ(send(ask).status, 401) << of(*route) << " on the private listener's socket";
  }
}

TEST_F(ScopesTest, EveryRouteIsOnItsListenersOnly) {
  for (const auto& route : api::routes()) {
    for (const Listener listener : {kPublic, kPrivate, kAdminSocket}) {
      Ask ask = client(std::string(route.method), target(route, "wx1", std::string(32, 'f')));
      ask.listener = listener;
      const bool on_machine = route.served == api::Served::on_machine;
      const bool served = on_machine ? listener == kAdminSocket
                                     : route.served == api::Served::everywhere || (route.served == api::Served::publicly) == (listener == kPublic);
      const Reply reply = send(ask);
      EXPECT_EQ(reply.status == 404 && reply.body.find("no such route") != std::string::npos, !served) << of(route) << " on " << listener;
    }
  }
}

TEST_F(ScopesTest, EveryTicketedRouteWantsATicket) {
  const std::string key = key_text({"admin"});
  int ticketed = 0;
  for (const auto& route : api::routes()) {
    if (!std::holds_alternative<api::Ticketed>(route.access)) continue;
    ++ticketed;
    for (const std::string& token : {std::string(), std::string("km1.garbage"), key}) {
      EXPECT_EQ(send(client(std::string(route.method), target(route, "wx1", std::string(32, 'f')), token)).status, 401) << of(route);
    }
  }
  EXPECT_GE(ticketed, 9);
}

// ---- a key bound to a project ----

class StrangerTest : public ScopesTest {
 protected:
  void SetUp() override {
    add_app("wx2", "other");
    who_ = log_in("o1");
    stranger_ = key_text({"admin"}, "other");
    own_ = key_text({"admin"}, "default");
  }
  Reply as_stranger(const std::string& method, const std::string& target, const std::string& body = "") { return send(admin(method, target, stranger_, body)); }
  core::LoginAnswer who_;
  std::string stranger_, own_;
};

TEST_F(StrangerTest, WhatIsOfAnotherProjectIsNotThere) {
  const auto key = make_key({"read"}, "default");
  for (const auto* route : keyed_routes()) {
    const std::string pattern(route->pattern);
    if (pattern.find('{') == pattern.npos) continue;
    const bool is_session = pattern.starts_with("/admin/v1/sessions/"), is_key = pattern.starts_with("/admin/v1/keys/");
    const std::string id = is_session ? who_.session.id.hex() : is_key ? key.row.id.hex() : who_.user.id.hex();
    const Reply there = as_stranger(std::string(route->method), target(*route, "wx1", id));
    const Reply nowhere = as_stranger(std::string(route->method), target(*route, "nowhere", std::string(32, 'f')));
    EXPECT_EQ(there.status, 404) << of(*route);
    EXPECT_EQ(there.body, nowhere.body) << of(*route) << ": it must not be told from what does not exist";
  }
  EXPECT_EQ(check(who_.tokens.token), Reason::none);
  EXPECT_TRUE(services().access_keys.find(key.text.reveal()));
  EXPECT_TRUE(app());
}

TEST_F(StrangerTest, ListsShowOnlyTheOwnProject) {
  for (const auto* route : {"/admin/v1/apps", "/admin/v1/apps?project=default", "/admin/v1/projects", "/admin/v1/keys"}) {
    const Reply reply = as_stranger("GET", route);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body.find("wx1"), std::string::npos) << route;
    EXPECT_EQ(reply.body.find("\"default\""), std::string::npos) << route;
  }
}

TEST_F(StrangerTest, NothingOfAnotherProjectCanBeMade) {
  EXPECT_EQ(as_stranger("POST", "/admin/v1/apps", R"({"app_id":"wx3","secret":"s","project":"default"})").status, 403);
  EXPECT_EQ(as_stranger("POST", "/admin/v1/keys", R"({"name":"k","scopes":["admin"],"project":"default"})").status, 403);
  EXPECT_EQ(as_stranger("POST", "/admin/v1/keys", R"({"name":"k","scopes":["admin"],"project":""})").status, 403);
  EXPECT_EQ(as_stranger("POST", "/admin/v1/ticket-keys/retire").status, 403);
  EXPECT_EQ(check(who_.tokens.token), Reason::none);
}

TEST_F(StrangerTest, WhatItMakesIsOfItsProject) {
  EXPECT_EQ(as_stranger("POST", "/admin/v1/apps", R"({"app_id":"wx3","secret":"s"})").text("project"), "other");
  EXPECT_EQ(as_stranger("POST", "/admin/v1/keys", R"({"name":"k","scopes":["admin"]})").text("project"), "other");
}

// Who could point an app at another upstream could have its secret sent there.
TEST_F(StrangerTest, TheUpstreamIsNotItsToChoose) {
  EXPECT_EQ(as_stranger("POST", "/admin/v1/apps", R"({"app_id":"wx3","secret":"s","upstream":"sandbox"})").status, 403);
  EXPECT_EQ(as_stranger("PUT", "/admin/v1/apps/wx2", R"({"upstream":"sandbox"})").status, 403);
  EXPECT_EQ(send(admin("PUT", "/admin/v1/apps/wx2", key_text({"admin"}), R"({"upstream":"sandbox"})")).status, 200);
}

TEST_F(StrangerTest, AnotherProjectsAppIsNoFilterEither) {
  const auto mine = log_in("o9", "wx2");
  const std::string sessions = "/admin/v1/users/" + mine.user.id.hex() + "/sessions?app_id=";
  EXPECT_EQ(as_stranger("DELETE", sessions + "wx1").status, 404);
  EXPECT_EQ(check(mine.tokens.token), Reason::none);
  EXPECT_EQ(as_stranger("DELETE", sessions + "wx2").status, 204);
  EXPECT_EQ(check(mine.tokens.token), Reason::revoked);
}

}  // namespace
}  // namespace kaimen::test

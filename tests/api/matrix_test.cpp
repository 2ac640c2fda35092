// Role × route × project, whole: the table below says of every route who may call it and what a key that is bound to a project reaches by it.
// A route without a row fails, and so does a row without a route. What a row says is then tried with every kind of key.
#include <map>

#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

enum class Who : uint8_t { anybody, user, read, write, wechat, admin, machine };
/// What a key reaches that is bound to a project.
enum class Reach : uint8_t {
  none,      ///< No key is asked for.
  named,     ///< The path names something: of another project it is not there.
  list,      ///< It answers what is of its own project.
  maker,     ///< What it makes is of its own project; another's is forbidden.
  provider,  ///< Forbidden: it concerns all projects.
};
struct Row {
  Who who;
  Reach reach = Reach::none;
};

const std::map<std::string, Row> kTable = {
    {"POST /v1/login", {Who::anybody}},
    {"POST /v1/password/register", {Who::anybody}},
    {"POST /v1/password/login", {Who::anybody}},
    {"GET /v1/session", {Who::user}},
    {"POST /v1/session/renew", {Who::anybody}},
    {"DELETE /v1/session", {Who::anybody}},
    {"POST /v1/session/handoff", {Who::user}},
    {"GET /v1/handoff", {Who::anybody}},
    {"POST /v1/session/jwt", {Who::user}},
    {"POST /v1/session/prefetch-token", {Who::user}},
    {"GET /v1/prefetch", {Who::anybody}},
    {"GET /v1/me", {Who::user}},
    {"POST /v1/me", {Who::user}},
    {"PATCH /v1/me", {Who::user}},
    {"POST /v1/me/avatar", {Who::user}},
    {"GET /avatars/{hash}", {Who::anybody}},
    {"DELETE /v1/me", {Who::user}},
    {"GET /v1/me/export", {Who::user}},
    {"POST /v1/me/restore", {Who::anybody}},
    {"PUT /v1/me/password", {Who::user}},
    {"POST /v1/me/identities", {Who::user}},
    {"GET /v1/me/registration", {Who::user}},
    {"POST /v1/me/registration", {Who::user}},
    {"POST /v1/me/wechat-profile", {Who::user}},
    {"POST /v1/me/phone", {Who::user}},
    {"GET /v1/me/sessions", {Who::user}},
    {"DELETE /v1/me/sessions", {Who::user}},
    {"DELETE /v1/me/sessions/{id}", {Who::user}},
    {"GET /entry-codes/{hash}", {Who::anybody}},
    {"GET /weapp/login", {Who::anybody}},
    {"POST /weapp/login", {Who::anybody}},
    {"GET /weapp/user", {Who::user}},
    {"POST /weapp/user", {Who::user}},
    {"GET /weapp/{app_id}/login", {Who::anybody}},
    {"POST /weapp/{app_id}/login", {Who::anybody}},
    {"GET /weapp/{app_id}/user", {Who::user}},
    {"POST /weapp/{app_id}/user", {Who::user}},
    // Private, and a ticket's or a code's holder is who it is about.
    {"POST /mina_auth/", {Who::anybody}},
    {"POST /mina_auth/{app_id}", {Who::anybody}},
    {"GET /.well-known/jwks.json", {Who::anybody}},
    {"GET /.well-known/openid-configuration", {Who::anybody}},
    {"GET /push/wechat/{app_id}", {Who::anybody}},
    {"POST /push/wechat/{app_id}", {Who::anybody}},
    {"GET /push/wechat/{app_id}/authorized", {Who::anybody}},
    // A key of scope verify from afar; verify_test has these two whole.
    {"GET /verify", {Who::anybody}},
    {"POST /introspect", {Who::anybody}},
    {"GET /admin/v1/projects", {Who::read, Reach::list}},
    {"POST /admin/v1/projects", {Who::admin, Reach::provider}},
    {"GET /admin/v1/projects/{name}", {Who::read, Reach::named}},
    {"PUT /admin/v1/projects/{name}", {Who::admin, Reach::named}},
    {"PATCH /admin/v1/projects/{name}", {Who::admin, Reach::named}},
    {"DELETE /admin/v1/projects/{name}", {Who::admin, Reach::named}},
    {"POST /admin/v1/apps", {Who::admin, Reach::maker}},
    {"GET /admin/v1/apps", {Who::read, Reach::list}},
    {"GET /admin/v1/apps/{app_id}", {Who::read, Reach::named}},
    {"PUT /admin/v1/apps/{app_id}", {Who::admin, Reach::named}},
    {"PATCH /admin/v1/apps/{app_id}", {Who::admin, Reach::named}},
    {"DELETE /admin/v1/apps/{app_id}", {Who::admin, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/secret", {Who::admin, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/check", {Who::read, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/authorization-links", {Who::admin, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/authorizations", {Who::admin, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/invitations", {Who::write, Reach::named}},
    {"GET /admin/v1/apps/{app_id}/access-token", {Who::wechat, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/access-token/rejected", {Who::wechat, Reach::named}},
    {"ANY /admin/v1/apps/{app_id}/wechat/{path}", {Who::wechat, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/entry-codes", {Who::write, Reach::named}},
    {"GET /admin/v1/apps/{app_id}/entry-codes", {Who::read, Reach::named}},
    {"GET /admin/v1/apps/{app_id}/entry-codes/{code}", {Who::read, Reach::named}},
    {"GET /admin/v1/apps/{app_id}/entry-codes/{code}/image", {Who::read, Reach::named}},
    {"PATCH /admin/v1/apps/{app_id}/entry-codes/{code}", {Who::write, Reach::named}},
    {"PUT /admin/v1/apps/{app_id}/entry-codes/{code}", {Who::write, Reach::named}},
    {"DELETE /admin/v1/apps/{app_id}/entry-codes/{code}", {Who::write, Reach::named}},
    {"GET /admin/v1/apps/{app_id}/entry-codes/{code}/scans", {Who::read, Reach::named}},
    {"POST /admin/v1/apps/{app_id}/entry-codes/{code}/links", {Who::write, Reach::named}},
    {"POST /admin/v1/keys", {Who::admin, Reach::maker}},
    {"GET /admin/v1/keys", {Who::admin, Reach::list}},
    {"DELETE /admin/v1/keys/{id}", {Who::admin, Reach::named}},
    {"POST /admin/v1/keys/{id}/confirm", {Who::machine}},
    {"POST /admin/v1/ticket-keys/retire", {Who::admin, Reach::provider}},
    {"GET /admin/v1/master-key", {Who::admin, Reach::provider}},
    {"POST /admin/v1/master-key/reseal", {Who::admin, Reach::provider}},
    {"POST /admin/v1/backup", {Who::machine}},
    {"GET /admin/v1/users", {Who::read, Reach::list}},
    {"POST /admin/v1/users/import", {Who::write, Reach::maker}},
    {"GET /admin/v1/users/{id}", {Who::read, Reach::named}},
    {"DELETE /admin/v1/users/{id}", {Who::write, Reach::named}},
    {"PUT /admin/v1/users/{id}/external-id", {Who::write, Reach::named}},
    {"PUT /admin/v1/users/{id}/roles", {Who::write, Reach::named}},
    {"POST /admin/v1/users/{id}/disable", {Who::write, Reach::named}},
    {"POST /admin/v1/users/{id}/enable", {Who::write, Reach::named}},
    {"POST /admin/v1/users/{id}/merge", {Who::write, Reach::named}},
    {"GET /admin/v1/users/{id}/sessions", {Who::read, Reach::named}},
    {"POST /admin/v1/users/{id}/sessions", {Who::write, Reach::named}},
    {"DELETE /admin/v1/users/{id}/sessions", {Who::write, Reach::named}},
    {"DELETE /admin/v1/sessions/{id}", {Who::write, Reach::named}},
    {"POST /admin/v1/sessions/{id}/open-data", {Who::wechat, Reach::named}},
    {"POST /admin/v1/sessions/{id}/check-session-key", {Who::wechat, Reach::named}},
    {"POST /admin/v1/sessions/{id}/reset-session-key", {Who::wechat, Reach::named}},
    {"POST /admin/v1/sessions/{id}/encrypt-key", {Who::wechat, Reach::named}},
    {"GET /admin/v1/audit", {Who::read, Reach::list}},
    {"GET /admin/v1/stats", {Who::read, Reach::list}},
    {"GET /admin/v1/why/{id}", {Who::read, Reach::named}},
    {"POST /admin/v1/webhooks", {Who::admin, Reach::maker}},
    {"GET /admin/v1/webhooks", {Who::admin, Reach::list}},
    {"GET /admin/v1/webhooks/{id}", {Who::admin, Reach::named}},
    {"PUT /admin/v1/webhooks/{id}", {Who::admin, Reach::named}},
    {"DELETE /admin/v1/webhooks/{id}", {Who::admin, Reach::named}},
    {"GET /admin/v1/webhooks/{id}/deliveries", {Who::admin, Reach::named}},
    {"POST /admin/v1/webhooks/{id}/deliveries/{delivery}/replay", {Who::admin, Reach::named}},
    {"GET /healthz", {Who::anybody}},
    {"GET /readyz", {Who::anybody}},
    {"GET /metrics", {Who::anybody}},
    {"GET /openapi.json", {Who::anybody}},
};

std::string name_of(const api::Route& route) { return std::string(route.method) + " " + std::string(route.pattern); }
std::string scope_of(Who who) {
  switch (who) {
    case Who::read: return "read";
    case Who::write: return "write";
    case Who::wechat: return "wechat";
    default: return "admin";
  }
}
bool wants_key(Who who) { return who != Who::anybody && who != Who::user && who != Who::machine; }

class MatrixTest : public ApiTest {
 protected:
  void SetUp() override {
    add_app("wx2", "other");
    who_ = log_in("o1");
    core::NewWebhook webhook;
    webhook.project = "default";
    webhook.url = "https://hooks.example.com/";
    webhook_ = run_here(services().webhooks.add(std::move(webhook))).value().row.id;
  }

  /// The route, naming what is of the project "default"; or nothing that is anywhere.
  std::string target(const api::Route& route, bool there) {
    std::string path(route.pattern);
    const std::string nothing(32, 'f');
    std::string id = who_.user.id.hex();
    if (path.starts_with("/admin/v1/sessions/")) id = who_.session.id.hex();
    if (path.starts_with("/admin/v1/keys/")) id = make_key({"read"}, "default").row.id.hex();
    if (path.starts_with("/admin/v1/webhooks/")) id = webhook_.hex();
    const std::pair<std::string, std::string> values[] = {
        {"{app_id}", there ? "wx1" : "nowhere"}, {"{name}", there ? "default" : "nowhere"}, {"{id}", there ? id : nothing}, {"{delivery}", nothing}, {"{hash}", nothing},
        {"{code}", nothing}, {"{path}", "cgi-bin/getcallbackip"}};
    for (const auto& [name, value] : values) {
      if (const size_t at = path.find(name); at != path.npos) path.replace(at, name.size(), value);
    }
    return path;
  }
  Reply call(const api::Route& route, const std::string& key, bool there, const std::string& body = "") {
    Ask ask = admin(route.method == "ANY" ? "GET" : std::string(route.method), target(route, there), key, body);
    if (route.served == api::Served::publicly) ask.listener = kPublic;
    return send(ask);
  }
  template <class Use>
  void each_keyed(const Use& use) {
    for (const auto& route : api::routes()) {
      const auto row = kTable.find(name_of(route));
      if (row != kTable.end() && wants_key(row->second.who)) use(route, row->second);
    }
  }

  core::LoginAnswer who_;
  Id webhook_;
};

TEST_F(MatrixTest, EveryRouteHasARowAndEveryRowARoute) {
  std::map<std::string, Row> left = kTable;
  for (const auto& route : api::routes()) {
    EXPECT_TRUE(left.erase(name_of(route))) << name_of(route) << " has no row (or two): say who may call it, and what a bound key reaches by it";
  }
  for (const auto& [name, row] : left) ADD_FAILURE() << name << " is no route";
}

TEST_F(MatrixTest, WithoutAGoodKeyOrTicketNothingIsAnswered) {
  const auto revoked = make_key({"verify", "read", "write", "wechat", "admin"});
  ASSERT_TRUE(run_here(services().access_keys.revoke(revoked.row.id)));
  const std::string ticket = who_.tokens.token;
  for (const auto& route : api::routes()) {
    const auto row = kTable.find(name_of(route));
    if (row == kTable.end() || row->second.who == Who::anybody || row->second.who == Who::machine) continue;
    for (const std::string& key : {std::string(), std::string("kmk_") + std::string(64, 'A'), revoked.text.reveal()}) {
      EXPECT_EQ(call(route, key, true).status, 401) << name_of(route) << " with " << (key.empty() ? "nothing" : key.substr(0, 8));
    }
    // A ticket is no key, and a key no ticket.
    const std::string wrong = row->second.who == Who::user ? key_text({"admin"}) : ticket;
    EXPECT_EQ(call(route, wrong, true).status, 401) << name_of(route);
  }
}

TEST_F(MatrixTest, NoKeyReachesWhatIsForWhoIsOnTheMachine) {
  const std::string key = key_text({"verify", "read", "write", "wechat", "admin"});
  int routes = 0;
  for (const auto& route : api::routes()) {
    const auto row = kTable.find(name_of(route));
    if (row == kTable.end() || row->second.who != Who::machine) continue;
    ++routes;
    Ask ask = admin(std::string(route.method), target(route, false), key);
    for (const Listener listener : {kPublic, kPrivate}) {
      ask.listener = listener;
      EXPECT_EQ(send(ask).status, 404) << name_of(route);
    }
    ask.listener = kAdminSocket;
    for (const auto& peer : {local_peer(), unix_peer(::getuid() + 1)}) {
      ask.from(peer);
      EXPECT_EQ(send(ask).status, 401) << name_of(route);
    }
    ask.from(unix_peer(::getuid()));
    EXPECT_NE(send(ask).status, 401) << name_of(route);
  }
  EXPECT_EQ(routes, 2);
}

TEST_F(MatrixTest, OneScopeOpensItsRoutesAndNoOther) {
  for (const char* scope : {"verify", "read", "write", "wechat", "admin"}) {
    const std::string key = key_text({scope});
    each_keyed([&](const api::Route& route, const Row& row) {
      const bool may = scope_of(row.who) == scope || std::string(scope) == "admin";
      const int status = call(route, key, false).status;
      const bool let_in = status != 401 && status != 403 && status < 500;
      EXPECT_TRUE(may ? let_in : status == 403) << name_of(route) << " with " << scope << ": " << status;
    });
  }
}

TEST_F(MatrixTest, WhatAKeyOfAnotherProjectReaches) {
  each_keyed([&](const api::Route& route, const Row& row) {
    // Each scope of its own, and all of them together: more scopes are no wider reach.
    for (const auto& scopes : {std::vector<std::string>{scope_of(row.who)}, {"verify", "read", "write", "wechat", "admin"}}) {
      const std::string key = key_text(scopes, "other");
      if (row.reach == Reach::provider) {
        EXPECT_EQ(call(route, key, true).status, 403) << name_of(route);
      } else if (row.reach == Reach::named) {
        const Reply there = call(route, key, true), nowhere = call(route, key, false);
        EXPECT_EQ(there.status, 404) << name_of(route);
        EXPECT_EQ(there.body, nowhere.body) << name_of(route) << ": it must not be told from what does not exist";
      } else if (row.reach == Reach::maker) {
        const std::string body = R"({"project":"default","app_id":"wx9","secret":"s","name":"n","scopes":["read"],"users":[],"url":"https://h.example.com/"})";
        EXPECT_EQ(call(route, key, true, body).status, 403) << name_of(route);
      } else {
        ASSERT_EQ(row.reach, Reach::list) << name_of(route);
        const Reply reply = call(route, key, true);
        EXPECT_EQ(reply.status, 200) << name_of(route);
        for (const std::string& theirs : {std::string("\"default\""), std::string("\"wx1\""), who_.user.id.hex(), webhook_.hex()}) {
          EXPECT_EQ(reply.body.find(theirs), std::string::npos) << name_of(route) << " shows " << theirs;
        }
      }
    }
  });
  // And nothing was done by any of it.
  EXPECT_EQ(check(who_.tokens.token), Reason::none);
  EXPECT_TRUE(app());
  EXPECT_TRUE(run_here(services().webhooks.find(webhook_)));
  EXPECT_FALSE(services().apps.find("wx9"));
}

TEST_F(MatrixTest, WhatAKeyOfTheOwnProjectReaches) {
  each_keyed([&](const api::Route& route, const Row& row) {
    if (route.method == "DELETE") return;  // would take away what the next route names; each has tests of its own
    const std::string key = key_text({scope_of(row.who)}, "default");
    const int status = call(route, key, true).status;
    if (row.reach == Reach::provider) {
      EXPECT_EQ(status, 403) << name_of(route);
    } else {
      EXPECT_TRUE(status != 401 && status != 403) << name_of(route) << ": " << status;
    }
    if (row.reach == Reach::list) {
      EXPECT_EQ(call(route, key, true).body.find("\"wx2\""), std::string::npos) << name_of(route);
    }
  });
}

}  // namespace
}  // namespace kaimen::test

// GET /verify: who may ask, what conditions mean, and that whatever is not understood refuses.
#include "tests/api/fixture.h"

namespace kaimen::test {
namespace {

class VerifyTest : public ApiTest {
 protected:
  void SetUp() override { who_ = log_in("o1"); }
  const std::string& token() const { return who_.tokens.token; }
  int status(const std::string& query) { return send(verify(token(), query)).status; }
  int status_from(http::Peer peer, const std::string& key = "") {
    Ask ask = verify(token());
    ask.from(std::move(peer));
    if (!key.empty()) ask.with("X-Kaimen-Key", key);
    return send(ask).status;
  }
  /// A ticket like that of who(), but for what `change` changes.
  template <class Change>
  std::string ticket_with(Change change) {
    core::Session session = who_.session;
    core::User user = who_.user;
    change(session, user);
    return services().tickets.issue(*app(), session, user, clock.now()).value().token;
  }
  core::LoginAnswer who_;
};

TEST_F(VerifyTest, AGoodTicketIs204WithWhoItIs) {
  const std::string ticket = ticket_with([](core::Session& session, core::User& user) {
    session.unionid = "u1";
    session.env = core::Env::trial;
    user.external_id = "crm-7";
    user.roles = {"editor", "owner"};
  });
  const Reply reply = send(verify(ticket));
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("X-Kaimen-User"), who_.user.id.hex());
  EXPECT_EQ(reply.header("X-Kaimen-Session"), who_.session.id.hex());
  EXPECT_EQ(reply.header("X-Kaimen-App"), "wx1");
  EXPECT_EQ(reply.header("X-Kaimen-Openid"), "o1");
  EXPECT_EQ(reply.header("X-Kaimen-Unionid"), "u1");
  EXPECT_EQ(reply.header("X-Kaimen-External-Id"), "crm-7");
  EXPECT_EQ(reply.header("X-Kaimen-Roles"), "editor,owner");
  EXPECT_EQ(reply.header("X-Kaimen-Registered"), "true");
  EXPECT_EQ(reply.header("X-Kaimen-Env"), "trial");
  EXPECT_EQ(reply.header("X-Kaimen-Expires"), std::to_string(epoch_ms(clock.now()) / 1000 + 7200));
  EXPECT_EQ(reply.header("X-Request-Id"), "request-1");
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
}

TEST_F(VerifyTest, ItsBodyIsNotRead) {
  const http::Peer peer = local_peer();
  const auto limit = [&](const std::string& path, Listener listener) {
    http::Request head;
    head.method = "POST";
    head.target = head.path = path;
    head.peer = &peer;
    head.listener = listener;
    return api().body_limit(head, 64 * 1024);
  };
  EXPECT_EQ(limit("/verify", kPrivate), std::nullopt);
  EXPECT_EQ(limit("/verify", kPublic), 64U * 1024) << "no such route there";
  EXPECT_EQ(limit("/introspect", kPrivate), 64U * 1024);
}

TEST_F(VerifyTest, WhatIsNotKnownIsNotSent) {
  const Reply reply = send(verify(token()));
  for (const auto* name : {"X-Kaimen-Unionid", "X-Kaimen-External-Id", "X-Kaimen-Actor", "X-Kaimen-Jwt"}) {
    for (const auto& header : reply.headers) EXPECT_FALSE(http::name_is(header.first, name)) << name;
  }
  EXPECT_EQ(std::ranges::count(reply.headers, std::pair<std::string, std::string>("X-Kaimen-Roles", "")), 1) << "nobody has to guess whether there are none";
}

TEST_F(VerifyTest, AnyMethodIsAnswered) {
  for (const auto* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"}) {
    Ask ask = verify(token());
    ask.method = method;
    EXPECT_EQ(send(ask).status, 204) << method;
  }
}

TEST_F(VerifyTest, AJwtIsSignedInItsOwnTimeAndThenKept) {
  api::ApiOptions options;
  options.public_url = "https://login.example.cn/";
  remake_api(std::move(options));
  const Reply first = send(verify(token(), "jwt=shop")), plain = send(verify(token()));
  ASSERT_EQ(first.status, 204);
  const auto kept = services().jwts.kept(token(), "shop", "https://login.example.cn");
  ASSERT_TRUE(kept);
  EXPECT_EQ(first.header("X-Kaimen-Jwt"), kept->text);
  EXPECT_EQ(send(verify(token(), "jwt=shop")).header("X-Kaimen-Jwt"), kept->text);
  EXPECT_EQ(plain.header("X-Kaimen-Jwt"), "");
  for (const auto* name : {"X-Kaimen-User", "X-Kaimen-Session", "X-Kaimen-App", "X-Kaimen-Openid", "X-Kaimen-Registered", "X-Kaimen-Env", "X-Kaimen-Expires", "Cache-Control"}) {
    EXPECT_EQ(first.header(name), plain.header(name)) << name;
  }
}

TEST_F(VerifyTest, WithoutAnIssuerNobodyPassesWhoWantsAJwt) {
  EXPECT_EQ(status("jwt=shop"), 503);
  EXPECT_EQ(status(""), 204);
}

TEST_F(VerifyTest, WithoutASignatureNobodyPassesWhoWantsAJwt) {
  api::ApiOptions options;
  options.public_url = "https://login.example.cn";
  remake_api(std::move(options));
  random.works_for = 0;
  const Reply reply = send(verify(token(), "jwt=shop"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.header("X-Kaimen-User"), "");
}

TEST_F(VerifyTest, NoTicketIsMissing) {
  const Reply reply = send(verify(""));
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.header("X-Kaimen-Reason"), "missing");
}

TEST_F(VerifyTest, EachReasonIsNamed) {
  const auto expect = [&](const std::string& ticket, const std::string& reason) {
    const Reply reply = send(verify(ticket));
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.header("X-Kaimen-Reason"), reason);
    EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer error=\"invalid_token\", error_description=\"" + reason + "\"");
    EXPECT_EQ(reply.header("X-Kaimen-User"), "");
  };
  expect("km1.garbage", "malformed");
  expect(who_.tokens.renew_token, "malformed");
  const auto out = log_in("o2");
  ASSERT_TRUE(log_out(out));
  expect(out.tokens.token, "logged_out");
  const auto off = log_in("o3");
  ASSERT_TRUE(disable(off.user.id));
  expect(off.tokens.token, "disabled");
  ASSERT_TRUE(run_here(services().ticket_keys.retire()));
  expect(token(), "renew");
  clock.pass(2h);
  expect(token(), "expired");
}

TEST_F(VerifyTest, TwoTicketsThatDifferAreMalformed) {
  Ask ask = verify(token());
  ask.with("Cookie", "kaimen=km1.other");
  const Reply reply = send(ask);
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.header("X-Kaimen-Reason"), "malformed");
}

TEST_F(VerifyTest, HeadersFromOutsideNameNobody) {
  Ask ask = verify("");
  ask.with("X-Kaimen-User", who_.user.id.hex()).with("X-WX-OPENID", "o1").with("X_KAIMEN_USER", who_.user.id.hex());
  const Reply reply = send(ask);
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.header("X-Kaimen-User"), "");
}

// ---- options ----

TEST_F(VerifyTest, Options) {
  EXPECT_EQ(status("app_id=wx1"), 204);
  EXPECT_EQ(status("app_id=wx2"), 403);
  EXPECT_EQ(status("project=default"), 204);
  EXPECT_EQ(status("project=other"), 403);
  EXPECT_EQ(status("registered=true"), 204);
  EXPECT_EQ(status("env=release"), 204);
  EXPECT_EQ(status("env=trial"), 403);
  EXPECT_EQ(status("env=develop"), 403);
  EXPECT_EQ(status("role=editor"), 403);
  EXPECT_EQ(status("optional=true"), 204);
  EXPECT_EQ(status("app_id=wx1&project=default&registered=true&env=release"), 204);
  EXPECT_EQ(status("app_id=wx1&project=other"), 403);
}

TEST_F(VerifyTest, WhatIsNotUnderstoodRefusesEverybody) {
  for (const auto* query : {"registred=true", "registered", "registered=", "registered=1", "registered=false", "registered=True", "optional=yes", "optional=false", "role", "role=", "env=prod",
                            "env=", "app_id=", "app_id", "appid=wx1", "project=", "App_Id=wx1", "app_id=wx1&app_id=wx1", "app_id=wx1&app_id=wx2", "registered=true&registered=true", "x",
                            "=true", "jwt=", "app_id=wx1&", "app_id=%zz", "%", "app_id=wx1%00", "app_id=wx1;project=default", "token=km1.a"}) {
    // An empty item between two & is nothing, not an option.
    EXPECT_EQ(status(query), std::string_view(query) == "app_id=wx1&" ? 204 : 403) << query;
  }
}

TEST_F(VerifyTest, ARoleIsAWholeName) {
  const std::string editor = ticket_with([](core::Session&, core::User& user) { user.roles = {"editor", "owner"}; });
  EXPECT_EQ(send(verify(editor, "role=editor")).status, 204);
  EXPECT_EQ(send(verify(editor, "role=owner")).status, 204);
  for (const auto* role : {"edit", "editors", "Editor", "owner%2C", "editor%2Cowner", "r", "%20"}) {
    EXPECT_EQ(send(verify(editor, std::string("role=") + role)).status, 403) << role;
  }
}

TEST_F(VerifyTest, AGuestIsNotRegistered) {
  const std::string guest = ticket_with([](core::Session&, core::User& user) { user.registered = false; });
  EXPECT_EQ(send(verify(guest, "registered=true")).status, 403);
  const Reply reply = send(verify(guest));
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("X-Kaimen-Registered"), "false");
}

TEST_F(VerifyTest, OptionalLetsThroughWhoBringsNothing) {
  const Reply reply = send(verify("", "optional=true"));
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("X-Kaimen-User"), "");
}

TEST_F(VerifyTest, OptionalDoesNotLetABadTicketThrough) { EXPECT_EQ(send(verify("km1.garbage", "optional=true")).status, 401); }

TEST_F(VerifyTest, WithTwoProjectsWhoNamesNobodyPassesNobody) {
  add_app("wx2", "other");
  EXPECT_EQ(status(""), 403);
  EXPECT_EQ(status("registered=true"), 403);
  EXPECT_EQ(send(verify("", "optional=true")).status, 403);
  EXPECT_EQ(status("app_id=wx1"), 204);
  EXPECT_EQ(status("project=default"), 204);
  EXPECT_EQ(status("project=other"), 403);
  EXPECT_EQ(status("app_id=wx2"), 403);
}

TEST_F(VerifyTest, AKeyOfAProjectNamesIt) {
  add_app("wx2", "other");
  EXPECT_EQ(status_from(local_peer(), key_text({"verify"}, "default")), 204);
  EXPECT_EQ(status_from(local_peer(), key_text({"verify"}, "other")), 403);
  EXPECT_EQ(status_from(local_peer(), key_text({"verify"})), 403) << "an unbound key names none";
}

// ---- who may ask ----

TEST_F(VerifyTest, FromThisMachineWithoutAKey) {
  EXPECT_EQ(status_from(local_peer()), 204);
  EXPECT_EQ(status_from(unix_peer(12345)), 204);
}

TEST_F(VerifyTest, FromAfarWithAKeyAndTls) {
  const std::string key = key_text({"verify"});
  EXPECT_EQ(status_from(remote_peer(true), key), 204);
  EXPECT_EQ(status_from(remote_peer(true)), 403);
  EXPECT_EQ(status_from(remote_peer(false), key), 403);
  EXPECT_EQ(status_from(remote_peer(false)), 403);
}

TEST_F(VerifyTest, FromANamedNetworkWithAKeyAndNoTls) {
  const std::string key = key_text({"verify"});
  api::ApiOptions options;
  options.plaintext_from = {"10.0.0.0/8"};
  remake_api(std::move(options));
  EXPECT_EQ(status_from(remote_peer(false, "10.1.2.3"), key), 204);
  EXPECT_EQ(status_from(remote_peer(false, "10.1.2.3")), 403);
  EXPECT_EQ(status_from(remote_peer(false, "11.1.2.3"), key), 403);
  EXPECT_EQ(status_from(remote_peer(false, "::ffff:10.1.2.3"), key), 204);
}

TEST_F(VerifyTest, MetricsAreForThoseWhoMayCheck) {
  const std::string key = key_text({"verify"});
  const auto status = [&](http::Peer peer, const std::string& with) {
    Ask ask{"GET", "/metrics"};
    ask.listener = kPrivate;
    ask.from(std::move(peer));
    if (!with.empty()) ask.with("X-Kaimen-Key", with);
    return send(ask).status;
  };
  EXPECT_EQ(status(local_peer(), ""), 200);
  EXPECT_EQ(status(remote_peer(true), ""), 403);
  EXPECT_EQ(status(remote_peer(false), key), 403);
  EXPECT_EQ(status(remote_peer(true), key), 200);
  EXPECT_EQ(status(remote_peer(true), key_text({"verify"}, "default")), 403) << "they are of all projects";
}

TEST_F(VerifyTest, AKeyThatIsGivenMustBeGood) {
  const auto revoked = make_key({"verify"});
  ASSERT_TRUE(run_here(services().access_keys.revoke(revoked.row.id)));
  for (const auto& peer : {local_peer(), unix_peer(0), remote_peer(true)}) {
    EXPECT_EQ(status_from(peer, "kmk_garbage"), 403);
    EXPECT_EQ(status_from(peer, revoked.text.reveal()), 403);
    EXPECT_EQ(status_from(peer, key_text({"read", "write", "wechat"})), 403) << "without the scope";
    EXPECT_EQ(status_from(peer, key_text({"admin"})), 204);
  }
}

TEST_F(VerifyTest, AKeyGivenTwiceIsNone) {
  const std::string key = key_text({"verify"});
  Ask ask = verify(token());
  ask.with("X-Kaimen-Key", key).with("x-kaimen-key", key);
  EXPECT_EQ(send(ask).status, 403);
}

TEST_F(VerifyTest, ItIsNotThereInPublic) {
  Ask ask = verify(token());
  ask.listener = kPublic;
  EXPECT_EQ(send(ask).status, 404);
}

TEST_F(VerifyTest, ANodeThatIsNotReadyKnowsNobody) {
  services().live.ready = false;
  EXPECT_EQ(status(""), 503);
  EXPECT_EQ(send(verify("", "optional=true")).status, 503);
}

TEST_F(VerifyTest, ANodeWhoseKnowledgeIsTooOldKnowsNobody) {
  services().live.good_until(clock.now() + 1ms);
  EXPECT_EQ(status(""), 204);
  services().live.good_until(clock.now());
  EXPECT_EQ(status(""), 503);
  EXPECT_EQ(send(verify("km1.nobody")).status, 503);
  EXPECT_EQ(send(verify("", "optional=true")).status, 503);
}

TEST_F(VerifyTest, EachCheckIsCountedOnce) {
  const auto count = [&](const std::string& outcome) {
    Ask ask{"GET", "/metrics"};
    ask.listener = kPrivate;
    const std::string text = send(ask).body, name = "kaimen_checks_total{outcome=\"" + outcome + "\"} ";
    return std::stoi(text.substr(text.find(name) + name.size()));
  };
  send(verify(token()));
  send(verify(token(), "env=trial"));
  send(verify(token(), "unknown=1"));
  send(verify("km1.garbage"));
  send(verify("", "optional=true"));
  EXPECT_EQ(count("ok"), 1);
  EXPECT_EQ(count("forbidden"), 2) << "a good ticket that does not fit is forbidden, not ok";
  EXPECT_EQ(count("malformed"), 1);
  EXPECT_EQ(count("anonymous"), 1);
}

// ---- introspection ----

class IntrospectTest : public VerifyTest {
 protected:
  Reply introspect(const std::string& form, http::Peer peer = local_peer(), const std::string& key = "") {
    Ask ask{"POST", "/introspect"};
    ask.listener = kPrivate;
    ask.body = form;
    ask.from(std::move(peer));
    if (!key.empty()) ask.with("X-Kaimen-Key", key);
    return send(ask);
  }
  bool active(const std::string& form, const std::string& key = "") { return introspect(form, local_peer(), key).object().at("active").get_bool(); }
};

TEST_F(IntrospectTest, AGoodTicketIsActive) {
  const Reply reply = introspect("token=" + token());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("sub"), who_.user.id.hex());
  EXPECT_EQ(reply.text("client_id"), "wx1");
  EXPECT_EQ(reply.text("sid"), who_.session.id.hex());
  EXPECT_EQ(reply.object().at("exp").get_int64(), epoch_ms(clock.now()) / 1000 + 7200);
}

TEST_F(IntrospectTest, AnythingElseIsInactiveAndSaysNothingMore) {
  ASSERT_TRUE(log_out(who_));
  for (const std::string& text : {token(), who_.tokens.renew_token, std::string("km1.garbage"), std::string("x")}) {
    EXPECT_EQ(introspect("token=" + text).body, R"({"active":false})");
  }
}

TEST_F(IntrospectTest, ItIsOfLiveState) {
  // Ended by another node: the store knows already, this node's memory does not.
  ASSERT_TRUE(run_here(store().end_session({who_.session.id, std::nullopt, Reason::logged_out, clock.now(), clock.now() + 4h, {"r", {}, {}}})));
  EXPECT_EQ(check(token()), Reason::none);
  EXPECT_FALSE(active("token=" + token()));
}

TEST_F(IntrospectTest, AKeyOfAnotherProjectSeesNothing) {
  add_app("wx2", "other");
  EXPECT_FALSE(active("token=" + token(), key_text({"verify"}, "other")));
  EXPECT_TRUE(active("token=" + token(), key_text({"verify"}, "default")));
}

TEST_F(IntrospectTest, FromAfarItWantsAKey) {
  EXPECT_EQ(introspect("token=" + token(), remote_peer(true)).status, 403);
  EXPECT_EQ(introspect("token=" + token(), remote_peer(true), key_text({"verify"})).status, 200);
  EXPECT_EQ(introspect("token=" + token(), remote_peer(true), key_text({"read"})).status, 403);
}

TEST_F(IntrospectTest, TheTokenIsGivenOnce) {
  EXPECT_EQ(introspect("").status, 400);
  EXPECT_EQ(introspect("token=a&token=b").status, 400);
  EXPECT_EQ(introspect("token=%zz").status, 400);
}

// "Inactive" would tell a backend that everybody has logged out.
TEST_F(IntrospectTest, ANodeThatIsNotReadyDoesNotSayInactive) {
  services().live.ready = false;
  EXPECT_EQ(introspect("token=" + token()).status, 503);
}

TEST_F(IntrospectTest, NorDoesOneWhoseKnowledgeIsTooOld) {
  services().live.good_until(clock.now());
  EXPECT_EQ(introspect("token=" + token()).status, 503);
}

}  // namespace
}  // namespace kaimen::test

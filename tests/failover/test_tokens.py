"""Custody of access_tokens by three nodes on one database (security U7), against the sandbox and its rules. Part of every run of the tests."""
import http.client
import json
import os
import threading
import time

import pytest

import cluster
import mariadb
import postgres
import process
import wire
from test_many_nodes import at_once

ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}
PUSH_TOKEN, PUSH_KEY = "pushtoken", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"


class Custody:
    def __init__(self, directory, server):
        self.server, self.database = server, f"kaimen{time.monotonic_ns()}"
        url = server.create_database(self.database)
        port, = process.free_ports(1)
        self.sandbox = f"http://127.0.0.1:{port}"
        environment = {**os.environ, "KAIMEN_SANDBOX_SECRET": cluster.SECRET}
        self.wechat = process.start([cluster.binary(), "sandbox", "--listen", f"127.0.0.1:{port}", "--app", cluster.APP], {}, directory / "sandbox.log", env=environment)
        key = os.urandom(32).hex()
        self.nodes = [cluster.Node(directory, number, url, key, port, 300) for number in range(3)]
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            process.eventually(node.is_ready, 60, 0.02, f"node {node.number}'s being ready")
        self.nodes[0].run("app", "add", cluster.APP, stdin=cluster.SECRET)
        self.key = json.loads(self.nodes[0].run("key", "create", "--name", "tokens", "--scope", "admin", "--scope", "wechat", "--json"))["key"]
        for node in self.nodes:
            process.eventually(lambda: self.admin(node, "GET", cluster.APP).status == 200, 5, 0.02, "app and key on every node")

    def stop(self):
        for node in self.nodes:
            node.stop()
        process.end(self.wechat)

    def admin(self, node, method, path, json=None):
        return wire.call(node.private, method, f"/admin/v1/apps/{path}", json=json, headers=wire.bearer(self.key), timeout=30)

    def app(self, name, token_seconds):
        """An app of a test's own, known to all nodes and to WeChat."""
        self.control("POST", "/apps", {"appid": name, "secret": cluster.SECRET, "token_seconds": token_seconds})
        assert wire.call(self.nodes[0].private, "POST", "/admin/v1/apps", json={"app_id": name, "secret": cluster.SECRET}, headers=wire.bearer(self.key)).status == 201
        return self.everywhere(name)

    def component(self, name, token_seconds=7200):
        """A third-party platform whose ticket has come."""
        push = {"push_token": PUSH_TOKEN, "push_key": PUSH_KEY, "push_url": f"{self.nodes[0].public}/push/wechat/{name}"}
        self.control("POST", "/apps", {"appid": name, "secret": cluster.SECRET, "token_seconds": token_seconds, **push})
        made = {"app_id": name, "platform": "wechat_component", "secret": cluster.SECRET, "push": {"token": PUSH_TOKEN, "encoding_aes_key": PUSH_KEY}}
        assert wire.call(self.nodes[0].private, "POST", "/admin/v1/apps", json=made, headers=wire.bearer(self.key)).status == 201
        assert self.control("POST", "/component-ticket", {"component_appid": name})["status"] == 200
        return self.everywhere(name)

    def authorized(self, component, name, token_seconds):
        """An app that has authorised it; each refresh brings another refresh token."""
        self.control("POST", "/apps", {"appid": name, "secret": "known to nobody here", "token_seconds": token_seconds})
        given = self.control("POST", "/authorize", {"component_appid": component, "appid": name, "renews": True, "push": False})
        assert self.admin(self.nodes[0], "POST", f"{component}/authorizations", {"auth_code": given["auth_code"]}).status == 200
        return self.everywhere(name)

    def everywhere(self, name):
        for node in self.nodes:
            process.eventually(lambda: self.admin(node, "GET", name).status == 200, 5, 0.02, "the app on every node")
        return name

    def token(self, node, app):
        return self.admin(node, "GET", f"{app}/access-token")

    def reject(self, node, app, token):
        return self.admin(node, "POST", f"{app}/access-token/rejected", {"access_token": token})

    def control(self, method, path, json):
        answer = wire.call(self.sandbox, method, "/sandbox" + path, json=json)
        assert answer.status == 200, answer
        return answer.json() if answer.body else None

    def calls(self, path):
        return [call for call in self.control("GET", "/calls", None)["items"] if call["path"] == path]

    def fetches(self, app):
        return [call for call in self.calls("/cgi-bin/stable_token") if call["appid"] == app]

    def next_life(self, app, seconds):
        self.control("POST", "/apps", {"appid": app, "token_seconds": seconds})


@pytest.fixture(scope="module", params=ENGINES)
def custody(request, tmp_path_factory):
    server = ENGINES[request.param]()
    one = None
    try:
        one = Custody(tmp_path_factory.mktemp("custody"), server)
        yield one
    finally:
        if one:
            one.stop()
        server.stop()


def test_six_hundred_callers_at_a_tokens_end_are_one_refresh(custody):
    app = custody.app("wxend", 5)
    first = custody.token(custody.nodes[0], app).json()["access_token"]
    assert {custody.token(node, app).json()["access_token"] for node in custody.nodes} == {first}
    assert len(custody.fetches(app)) == 1
    custody.next_life(app, 7200)
    time.sleep(5.2)
    answers = at_once(600, lambda index: custody.token(custody.nodes[index % 3], app))
    assert {answer.status for answer in answers} == {200}, [answer for answer in answers if answer.status != 200][:3]
    assert len(custody.fetches(app)) == 2
    assert len({answer.json()["access_token"] for answer in answers} | {first}) == 2


def test_a_thousand_reports_of_a_refused_token_are_one_refresh(custody):
    app = custody.app("wxrefused", 7200)
    old = custody.token(custody.nodes[1], app).json()["access_token"]
    # Somebody else forces WeChat to a new token, which ends ours.
    forced = {"grant_type": "client_credential", "appid": app, "secret": cluster.SECRET, "force_refresh": True}
    new = wire.call(custody.sandbox, "POST", "/cgi-bin/stable_token", json=forced).json()["access_token"]
    before = len(custody.fetches(app))
    some = at_once(100, lambda index: [custody.reject(custody.nodes[(index + turn) % 3], app, old) for turn in range(10)])
    answers = [answer for ten in some for answer in ten]
    assert len(answers) == 1000 and {answer.status for answer in answers} == {200}, [answer for answer in answers if answer.status != 200][:3]
    assert {answer.json()["access_token"] for answer in answers} == {new} != {old}
    assert len(custody.fetches(app)) - before == 1
    assert [call["body"]["force_refresh"] for call in custody.fetches(app)] == [False, True, False]


def test_a_refused_token_that_comes_again_is_asked_for_once_by_all_nodes(custody):
    app = custody.app("wxagain", 7200)
    token = custody.token(custody.nodes[0], app).json()["access_token"]
    if time.time() % 30 > 22:
        time.sleep(30.1 - time.time() % 30)  # all of it in one half minute, by which the nodes count
    wire.problem(custody.reject(custody.nodes[1], app, token), 502, "upstream_error")
    assert len(custody.fetches(app)) == 2
    answers = at_once(60, lambda index: custody.reject(custody.nodes[index % 3], app, token))
    for answer in answers:
        wire.problem(answer, 502, "upstream_error")
    assert len(custody.fetches(app)) == 2
    assert {custody.token(node, app).json()["access_token"] for node in custody.nodes} == {token}


def test_signing_keys_hold_on_every_node_and_go_with_the_app(custody):
    app = custody.app("wxsigned", 7200)
    signing = wire.call(custody.sandbox, "POST", "/sandbox/signing", json={"appid": app}, timeout=60).json()
    for given, shown in ((signing, True), (None, False), (signing, True)):
        changed = custody.admin(custody.nodes[0], "PUT", app, {"signing": given})
        assert changed.status == 200 and changed.json()["signing"] is shown, changed
        for node in custody.nodes:
            process.eventually(lambda: custody.admin(node, "GET", app).json()["signing"] is shown, 5, 0.02, "the keys on every node")
    answer = custody.admin(custody.nodes[2], "POST", f"{app}/wechat/wxa/business/getuserphonenumber", {"code": "none"})
    assert answer.json()["errcode"] == 40029, "signed and opened on another node than the one that was told"
    assert custody.admin(custody.nodes[1], "DELETE", app).status == 204
    custody.app("wxsigned", 7200)
    assert custody.admin(custody.nodes[0], "GET", app).json()["signing"] is False


def after_the_holder_is_killed(custody, app, path):
    """The app's token has a few seconds. At its end a node is killed that has the lease and waits for `path`'s answer; what the others get."""
    old = custody.token(custody.nodes[0], app).json()["access_token"]
    custody.next_life(app, 7200)
    time.sleep(3.2)
    custody.control("PUT", "/faults", {"path": path, "delay_ms": 2500, "times": 1})
    ended = []

    def hold():
        try:
            ended.append(custody.token(custody.nodes[0], app).status)
        except (OSError, http.client.HTTPException):
            ended.append("cut")

    holder = threading.Thread(target=hold)
    holder.start()
    time.sleep(1)  # it has the lease, and waits for WeChat
    custody.nodes[0].kill()
    killed = time.monotonic()
    holder.join()
    assert ended == ["cut"], "it was not killed in the middle"
    answer = process.eventually(lambda: next((one for one in [custody.token(custody.nodes[1], app)] if one.status == 200), None), 10, 0.1, "a token from another node")
    assert time.monotonic() - killed <= 10
    token = answer.json()["access_token"]
    assert token != old
    assert custody.token(custody.nodes[2], app).json()["access_token"] == token
    custody.nodes[0].start()
    assert custody.token(custody.nodes[0], app).json()["access_token"] == token
    return token


def test_a_holder_killed_while_it_refreshes_holds_the_others_up_for_ten_seconds_at_most(custody):
    after_the_holder_is_killed(custody, custody.app("wxkilled", 3), "/cgi-bin/stable_token")


def test_a_holder_killed_while_it_fetches_a_components_token_holds_the_others_up_for_ten_seconds_at_most(custody):
    component = custody.component("wxkilledcomponent", 3)
    after_the_holder_is_killed(custody, component, "/cgi-bin/component/api_component_token")
    custody.authorized(component, "wxofkilled", 7200)


# WeChat has made the refresh token void that the others know, and the one that it gave for it died with the node.
def test_a_refresh_token_that_died_with_the_holder_is_asked_for_again(custody):
    app = custody.authorized(custody.component("wxcomponent"), "wxkilledauthorizer", 3)
    token = after_the_holder_is_killed(custody, app, "/cgi-bin/component/api_authorizer_token")
    assert len(custody.calls("/cgi-bin/component/api_get_authorizer_info")) == 1, "the killed node's refresh was not made"
    another = custody.reject(custody.nodes[2], app, token)
    assert another.status == 200 and another.json()["access_token"] != token, "what was told again was not kept"
    assert len(custody.calls("/cgi-bin/component/api_get_authorizer_info")) == 1

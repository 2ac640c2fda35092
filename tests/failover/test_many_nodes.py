"""Three nodes on one database: what one does holds on the others. Part of every run of the tests."""
import http.server
import itertools
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
from fake_wechat import HANG, answer
from test_cut_off import Wechat

ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}
PHONE = "/wxa/business/getuserphonenumber"
WITHIN = 1.0  # seconds: security T3
codes = (f"many{number}" for number in itertools.count())


class Nodes:
    """Started at the same moment on an empty database."""

    def __init__(self, directory, url):
        self.upstream, = process.free_ports(1)
        key = os.urandom(32).hex()
        self.all = [cluster.Node(directory, number, url, key, self.upstream, 300) for number in range(3)]
        self.wechat = Wechat(self.upstream)
        for node in self.all:
            node.spawn()
        for node in self.all:
            process.eventually(node.is_ready, 60, 0.02, f"node {node.number}'s being ready")
        self.all[0].run("app", "add", cluster.APP, "--set", "max_per_user=0", stdin=cluster.SECRET)
        self.key = json.loads(self.all[0].run("key", "create", "--name", "tests", "--scope", "admin", "--json"))["key"]
        for node in self.all:
            process.eventually(lambda: wire.call(node.private, "GET", f"/admin/v1/apps/{cluster.APP}", headers=wire.bearer(self.key)).status == 200,
                               WITHIN, 0.02, "app and key on every node")

    def stop(self):
        self.wechat.close()
        for node in self.all:
            node.stop()


@pytest.fixture(scope="module", params=ENGINES)
def nodes(request, tmp_path_factory):
    server = ENGINES[request.param]()
    one = None
    try:
        name = f"kaimen{time.monotonic_ns()}"
        one = Nodes(tmp_path_factory.mktemp("nodes"), server.create_database(name))
        one.count = lambda table: int(server.query(f"SELECT count(*) FROM {table}", database=name))
        yield one
    finally:
        if one:
            one.stop()
        server.stop()


def login(node, code=None):
    answer = node.login(code or next(codes))
    assert answer.status == 200, answer
    return answer.json()


def at_once(count, work):
    answers, start = [None] * count, threading.Barrier(count)

    def run(index):
        start.wait()
        answers[index] = work(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def admin(nodes, node, method, path, json):
    return wire.call(node.private, method, "/admin/v1" + path, json=json, headers=wire.bearer(nodes.key), timeout=30)


def renew(node, token):
    return wire.call(node.public, "POST", "/v1/session/renew", json={"renew_token": token}, timeout=30)


def test_nodes_that_start_together_migrate_once_and_share_their_keys(nodes):
    for first in nodes.all:
        ticket = login(first)["token"]
        for node in nodes.all:
            process.eventually(lambda: node.verify(ticket).status == 204, WITHIN, 0.02, "the ticket on another node")


def test_one_code_at_two_nodes_is_one_call_and_one_session(nodes):
    code = next(codes)
    before = nodes.wechat.count()
    answers = at_once(100, lambda index: nodes.all[index % 2].login(code))
    assert {answer.status for answer in answers} == {200}, [answer for answer in answers if answer.status != 200][:3]
    assert nodes.wechat.count() - before == 1
    assert len({answer.json()["session"]["id"] for answer in answers}) == 1


# One answer costs money, and a code has one.


def phone_answers(nodes, number):
    """What the next phone codes give: each answer takes a while, so that all who ask for it are there."""
    def late(_):
        time.sleep(0.5)
        return answer({"errcode": 0, "errmsg": "ok", "phone_info": {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86",
                                                                    "watermark": {"timestamp": int(time.time()), "appid": cluster.APP}}})
    nodes.wechat.script(PHONE, late)


def test_one_phone_code_at_three_nodes_is_one_call_and_one_success(nodes):
    made = login(nodes.all[0])
    for node in nodes.all:
        process.eventually(lambda: node.verify(made["token"]).status == 204, WITHIN, 0.02, "the ticket on another node")
    phone_answers(nodes, "13800000001")
    before = nodes.wechat.count(PHONE)

    def bring(index):
        return wire.call(nodes.all[index % 3].public, "POST", "/v1/me/phone", json={"code": "phone-1"}, headers=wire.bearer(made["token"]), timeout=30)

    answers = at_once(12, bring)
    good = [one for one in answers if one.status == 200]
    assert len(good) == 1 and good[0].json()["phone_number"] == "+8613800000001", answers
    for one in answers:
        if one not in good:
            wire.problem(one, 409, "code_used")
    wire.problem(bring(1), 409, "code_used")
    assert nodes.wechat.count(PHONE) - before == 1


def test_one_phone_code_in_three_logins_is_one_call_and_the_others_are_warned(nodes):
    phone_answers(nodes, "13800000002")
    before = nodes.wechat.count(PHONE)
    wx_codes = [next(codes) for _ in nodes.all]
    answers = at_once(3, lambda index: wire.call(nodes.all[index].public, "POST", "/v1/login", timeout=30,
                                                 json={"app_id": cluster.APP, "code": wx_codes[index], "phone": {"code": "phone-2"}}))
    assert [one.status for one in answers] == [200] * 3, answers
    logins = sorted((one.json() for one in answers), key=lambda one: len(one["warnings"]))
    assert logins[0]["warnings"] == [] and logins[0]["user"]["phone_number"] == "+8613800000002", logins
    for one in logins[1:]:
        assert one["warnings"] == [{"part": "phone", "code": "code_used"}] and not one["user"]["phone_number"], one
    assert nodes.wechat.count(PHONE) - before == 1


def test_an_export_has_what_every_node_has_written(nodes):
    code = next(codes)
    made = nodes.all[0].login(code).json()
    process.eventually(lambda: nodes.all[1].verify(made["token"]).status == 204, WITHIN, 0.02, "the ticket on another node")
    named = wire.call(nodes.all[1].public, "POST", "/v1/me", json={"nickname": "Ada"}, headers=wire.bearer(made["token"]))
    assert named.status == 200, named
    answer = wire.call(nodes.all[2].public, "GET", "/v1/me/export", headers=wire.bearer(made["token"]), timeout=30)
    assert answer.status == 200, answer
    held = answer.json()
    assert [one["id"] for one in held["sessions"]] == [made["session"]["id"]] and held["entry_scans"] == [] and held["events_next"] is None
    assert [one["kind"] for one in held["events"]] == ["login_new_user", "profile_saved"]
    rest = wire.call(nodes.all[0].public, "GET", f"/v1/me/export?events_after={held['events'][0]['id']}", headers=wire.bearer(made["token"]), timeout=30)
    assert [one["kind"] for one in rest.json()["events"]] == ["profile_saved"], rest


def test_a_logout_holds_on_the_other_nodes_within_a_second(nodes):
    for _ in range(5):
        made = login(nodes.all[0])
        ticket = made["token"]
        for node in nodes.all:
            process.eventually(lambda: node.verify(ticket).status == 204, WITHIN, 0.02, "the ticket")
        assert nodes.all[0].log_out(ticket).status == 204
        assert nodes.all[0].verify(ticket).status == 401
        for node in nodes.all[1:]:
            process.eventually(lambda: node.verify(ticket).status == 401, WITHIN, 0.01, "the logout on another node")
            assert node.verify(ticket).get("x-kaimen-reason") == "logged_out"


def test_a_disabled_user_is_out_everywhere_and_stays_out(nodes):
    out, other = login(nodes.all[0]), login(nodes.all[1])
    for node in nodes.all:
        process.eventually(lambda: node.verify(out["token"]).status == 204, WITHIN, 0.02, "the ticket")
    assert admin(nodes, nodes.all[1], "POST", f"/users/{out['user']['id']}/disable", {}).status in (200, 204)
    assert nodes.all[1].verify(out["token"]).status == 401
    for node in nodes.all:
        process.eventually(lambda: node.verify(out["token"]).status == 401, WITHIN, 0.01, "the end of the session")
        assert renew(node, out["renew_token"]).status == 401
        assert node.verify(other["token"]).status == 204, "another user was touched"


def test_parallel_renewals_on_three_nodes_give_one_generation(nodes):
    made = login(nodes.all[0])
    answers = at_once(30, lambda index: renew(nodes.all[index % 3], made["renew_token"]))
    assert {answer.status for answer in answers} == {200}, [answer for answer in answers if answer.status != 200][:3]
    process.eventually(lambda: all(node.verify(answers[0].json()["token"]).status == 204 for node in nodes.all), WITHIN, 0.02, "the new ticket")
    again = renew(nodes.all[1], answers[-1].json()["renew_token"])
    assert again.status == 200, again


def test_an_app_changed_on_one_node_is_changed_on_all(nodes):
    ticket = login(nodes.all[1])["token"]
    path = f"/apps/{cluster.APP}"
    assert admin(nodes, nodes.all[2], "PUT", path, {"disabled": True}).status == 200
    try:
        for node in nodes.all:
            process.eventually(lambda: node.verify(ticket).status == 401, WITHIN, 0.02, "the app's being disabled")
    finally:
        assert admin(nodes, nodes.all[0], "PUT", path, {"disabled": False}).status == 200
    for node in nodes.all:
        process.eventually(lambda: node.verify(ticket).status == 204, WITHIN, 0.02, "the app's being enabled")


# What is done to users

def everywhere(nodes, check, what):
    for node in nodes.all:
        process.eventually(lambda: check(node), WITHIN, 0.01, f"{what} on node {node.number}")


def test_what_a_user_is_called_and_may_do_is_so_on_every_node(nodes):
    made, name = login(nodes.all[0]), f"customer-{next(codes)}"
    path = f"/users/{made['user']['id']}"
    everywhere(nodes, lambda node: node.verify(made["token"]).status == 204, "the ticket")
    assert admin(nodes, nodes.all[1], "PUT", path + "/external-id", {"external_id": name}).status == 200
    assert admin(nodes, nodes.all[2], "PUT", path + "/roles", {"roles": ["editor"]}).status == 200
    everywhere(nodes, lambda node: node.verify(made["token"]).get("x-kaimen-reason") == "renew", "the older ticket's end")
    fresh = renew(nodes.all[0], made["renew_token"]).json()["token"]
    everywhere(nodes, lambda node: node.verify(fresh).get("x-kaimen-external-id") == name and node.verify(fresh).get("x-kaimen-roles") == "editor", "the name")
    # One name, asked for by three users on three nodes at once, becomes one user's.
    others = [login(node) for node in nodes.all]
    answers = at_once(3, lambda index: admin(nodes, nodes.all[index], "PUT", f"/users/{others[index]['user']['id']}/external-id", {"external_id": name + "-one"}))
    assert sorted(answer.status for answer in answers) == [200, 409, 409], answers


def test_a_deleted_user_is_gone_everywhere(nodes):
    made, kept = login(nodes.all[0]), login(nodes.all[1])
    everywhere(nodes, lambda node: node.verify(made["token"]).status == 204, "the ticket")
    assert admin(nodes, nodes.all[2], "DELETE", f"/users/{made['user']['id']}", None).status == 204
    everywhere(nodes, lambda node: node.verify(made["token"]).get("x-kaimen-reason") == "deleted", "the deletion")
    for node in nodes.all:
        assert renew(node, made["renew_token"]).status == 401
        assert admin(nodes, node, "GET", f"/users/{made['user']['id']}", None).status == 404
        assert node.verify(kept["token"]).status == 204, "another user was touched"


def test_one_table_imported_on_three_nodes_at_once_makes_each_user_once(nodes):
    tag = next(codes)
    users = [{"external_id": f"{tag}-{number}", "app_id": cluster.APP, "openid": f"o-{tag}-{number}", "unionid": f"u-{tag}-{number}"} for number in range(100)]
    answers = at_once(3, lambda index: admin(nodes, nodes.all[index], "POST", "/users/import", {"users": users}))
    assert {answer.status for answer in answers} == {200}, answers
    sums = [answer.json() for answer in answers]
    assert sum(one["created"] for one in sums) == 100 and sum(one["unchanged"] for one in sums) == 200, [dict(one, results=None) for one in sums]
    assert len({tuple(result["user_id"] for result in one["results"]) for one in sums}) == 1, "every node names the same users"


def test_a_support_view_is_named_everywhere_and_ends_everywhere(nodes):
    made = login(nodes.all[0])
    assert admin(nodes, nodes.all[0], "PUT", f"/apps/{cluster.APP}", {"settings": {"support_view": "on"}}).status == 200
    view = {"app_id": cluster.APP, "seconds": 60, "actor": "anna"}
    opened = process.eventually(lambda: (lambda answer: answer if answer.status == 201 else None)(
        admin(nodes, nodes.all[1], "POST", f"/users/{made['user']['id']}/sessions", view)), WITHIN, 0.02, "the setting")
    ticket = opened.json()["token"]
    everywhere(nodes, lambda node: node.verify(ticket).get("x-kaimen-actor") == "anna", "the view")
    assert admin(nodes, nodes.all[2], "DELETE", f"/sessions/{opened.json()['session']['id']}", None).status == 204
    everywhere(nodes, lambda node: node.verify(ticket).get("x-kaimen-reason") == "revoked", "the view's end")
    everywhere(nodes, lambda node: node.verify(made["token"]).status == 204, "the user's own session")


def test_wrong_passwords_are_counted_over_the_nodes(nodes):
    assert admin(nodes, nodes.all[0], "PUT", f"/apps/{cluster.APP}", {"settings": {"passwords": "on"}}).status == 200
    name = next(codes)
    ask = lambda node, what, password: wire.call(node.public, "POST", f"/v1/password/{what}", json={"app_id": cluster.APP, "username": name, "password": password}, timeout=30)
    everywhere(nodes, lambda node: ask(node, "login", "not yet there").status != 404, "the setting")
    name = next(codes)
    assert ask(nodes.all[0], "register", "correct horse").status == 201
    for turn in range(5):
        assert ask(nodes.all[turn % 3], "login", "wrong horse").status == 401, turn
    for node in nodes.all:
        refused = ask(node, "login", "correct horse")
        assert refused.status == 429 and int(refused.get("retry-after")) >= 1, (node.number, refused)


class Hook:
    """A receiver that keeps its first caller waiting."""

    def __init__(self):
        self.seen, self.lock, self.caught, self.let_go = [], threading.Lock(), threading.Event(), threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with hook.lock:
                    hook.seen.append((self.headers["X-Kaimen-Delivery"], body["id"]))
                    first = len(hook.seen) == 1
                if first:
                    hook.caught.set()
                    hook.let_go.wait(60)
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.let_go.set()
        self.server.shutdown()
        self.server.server_close()


def test_what_a_killed_node_was_sending_is_sent_by_another(nodes):
    hook = Hook()
    made = admin(nodes, nodes.all[0], "POST", "/webhooks", {"url": hook.url, "kinds": ["user.created"]})
    assert made.status == 201, made
    killed = None
    try:
        login(nodes.all[0])
        assert hook.caught.wait(10), "nobody sends"
        # Whoever is sending holds a connection to the receiver.
        port = hook.server.server_port
        holders = [node for node in nodes.all if port in process.peer_ports(node.process.pid)]
        assert len(holders) == 1, [node.number for node in holders]
        killed = holders[0]
        killed.kill()
        # Its lease is 20 s; then it is anybody's.
        process.eventually(lambda: len(hook.seen) >= 2, 40, 0.1, "another node's sending")
        assert {delivery for delivery, _ in hook.seen} == {hook.seen[0][0]} and hook.seen[0] == hook.seen[1], hook.seen
        survivor = next(node for node in nodes.all if node is not killed)
        path = f"/webhooks/{made.json()['id']}"
        process.eventually(lambda: admin(nodes, survivor, "GET", path + "/deliveries?state=delivered", None).json()["items"], 5, 0.05, "its being settled")
    finally:
        hook.close()
        if killed:
            killed.start()
        admin(nodes, nodes.all[0], "DELETE", f"/webhooks/{made.json()['id']}", None)


def test_a_project_disabled_on_one_node_is_disabled_on_all(nodes):
    ticket = login(nodes.all[0])["token"]
    try:
        assert admin(nodes, nodes.all[1], "PUT", "/projects/default", {"disabled": True}).status == 200
        for node in nodes.all:
            process.eventually(lambda: node.verify(ticket).status == 401, WITHIN, 0.02, "the project's being disabled")
        assert admin(nodes, nodes.all[0], "POST", "/projects", {"name": "later"}).status == 201
        for node in nodes.all:
            process.eventually(lambda: wire.call(node.private, "GET", "/admin/v1/projects/later", headers=wire.bearer(nodes.key)).status == 200, WITHIN, 0.02,
                               "the new project on another node")
        assert admin(nodes, nodes.all[2], "DELETE", "/projects/later", None).status == 204
    finally:
        assert admin(nodes, nodes.all[2], "PUT", "/projects/default", {"disabled": False}).status == 200
    for node in nodes.all:
        process.eventually(lambda: node.verify(ticket).status == 204, WITHIN, 0.02, "the project's being enabled")


# What it still had under way may write yet: the others must wait for it as for one that was killed.
def test_a_node_whose_end_was_late_does_not_say_that_it_is_gone(nodes):
    path, node = "/cgi-bin/message/subscribe/send", nodes.all[2]
    farewells = lambda: nodes.count("nodes WHERE beat_at < started_at")  # whoever leaves puts the beat back
    before = farewells()
    try:
        node.drain()
        assert farewells() == before + 1
        node.start()
        nodes.wechat.script(path, HANG)
        threading.Thread(target=lambda: pytest.raises(Exception, admin, nodes, node, "POST", f"/apps/{cluster.APP}/wechat{path}", {}), daemon=True).start()
        process.eventually(lambda: nodes.wechat.count(path), 10, 0.02, "the call's being under way")
        since = time.monotonic()
        node.drain()
        assert 9 < time.monotonic() - since < 14, "the drain has 10 s, a call 15"
        assert farewells() == before + 1
    finally:
        if node.process.poll() is not None:
            node.start()

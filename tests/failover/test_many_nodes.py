"""Three nodes on one database: what one does holds on the others. Part of every run of the tests."""
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
from test_cut_off import Wechat

ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}
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
        one = Nodes(tmp_path_factory.mktemp("nodes"), server.create_database(f"kaimen{time.monotonic_ns()}"))
        one.database = server
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

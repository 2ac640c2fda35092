"""A node that is cut off from its database: it checks what it knows until its grace is over, then says 503; never yes to what it does not
know."""
import itertools
import threading
import time

import pytest

import mariadb
import postgres
import process
import proxy
from fake_wechat import FakeWechat

GRACE = 5
ENGINES = {"postgres": postgres.Postgres, "mariadb": mariadb.Mariadb}
codes = (f"code{number}" for number in itertools.count())


@pytest.fixture(scope="module", params=ENGINES)
def database(request):
    server = ENGINES[request.param]()
    yield server
    server.stop()


@pytest.fixture
def pair(stopping, make_cluster, database):
    """Two nodes; the second reaches the database through .line."""
    name = f"kaimen{time.monotonic_ns()}"
    url = database.create_database(name)
    line = stopping(proxy.Proxy([database.address]))
    nodes = make_cluster([url, database.url(name, line.port)], grace=GRACE)
    upstream = Wechat(nodes.upstream)
    nodes.line = line
    yield nodes
    line.heal(lose=True)
    upstream.close()


class Wechat(FakeWechat):
    """The scripted WeChat on the port that the nodes were told."""

    def __init__(self, port):
        super().__init__()
        self.refuse()
        self.port = port
        self.listen_again()


def login(node):
    answer = node.login(next(codes))
    assert answer.status == 200, answer
    return answer.json()


@pytest.mark.parametrize("fault", ["cut", "blackhole"])
def test_checks_go_on_for_the_grace_then_503_and_heal(pair, fault):
    near, far = pair.nodes
    kept, ended, forged = login(near)["token"], login(near)["token"], login(near)["token"]
    forged = forged[:-8] + ("A" if forged[-8] != "A" else "B") + forged[-7:]
    assert far.verify(kept).status == far.verify(ended).status == 204
    getattr(pair.line, fault)()
    since = time.monotonic()
    assert near.log_out(ended).status == 204 and near.verify(ended).status == 401
    seen = []
    while time.monotonic() - since < GRACE + 4:
        asked = time.monotonic() - since
        seen.append((asked, time.monotonic() - since, far.verify(kept).status, far.verify(forged).status))
        assert near.verify(kept).status == 204 and near.verify(ended).status == 401
        time.sleep(0.05)
    # The last good poll was up to 1 s before the cut.
    assert {status for _, answered, status, _ in seen if answered < GRACE - 1.5} == {204}, seen
    assert {status for asked, _, status, _ in seen if asked > GRACE + 0.5} == {503}, seen
    assert {forged for *_, forged in seen} <= {401, 503}
    assert far.verify(ended).status == 503
    refused = far.login(next(codes))
    assert refused.status in (502, 503), refused
    pair.line.heal()
    process.eventually(lambda: far.verify(kept).status == 204, 15, what="the return to checking")
    assert far.verify(ended).status == 401 and far.verify(forged).status == 401, "it checked before it had read what it missed"
    process.eventually(lambda: far.login(next(codes)).status == 200, 15, what="the return of logins")


def test_a_cut_shorter_than_the_grace_costs_no_check(pair):
    near, far = pair.nodes
    kept = login(near)["token"]
    for fault in ("cut", "blackhole"):
        getattr(pair.line, fault)()
        end = time.monotonic() + GRACE - 2
        while time.monotonic() < end:
            assert far.verify(kept).status == 204
            time.sleep(0.02)
        pair.line.heal()
        ended = login(near)["token"]
        assert near.log_out(ended).status == 204
        # A second or two to connect, no new grace.
        process.eventually(lambda: far.verify(ended).status == 401, 5, what="the following again")


def test_a_login_under_way_when_the_line_breaks_is_answered_and_counts_once(pair):
    """Whatever becomes of it, what was acknowledged holds on the other node, and what was not is no half of a session."""
    near, far = pair.nodes
    answers, lock = [], threading.Lock()

    def many():
        for _ in range(15):
            answer = far.login(next(codes))
            with lock:
                answers.append(answer)

    threads = [threading.Thread(target=many) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.15)
        pair.line.cut()
        time.sleep(0.3)
        pair.line.heal()
    for thread in threads:
        thread.join()
    statuses = {answer.status for answer in answers}
    assert 200 in statuses and statuses <= {200, 502, 503}, statuses
    for answer in answers:
        if answer.status == 200:
            assert near.verify(answer.json()["token"]).status == 204


def test_a_node_does_not_start_ready_without_its_database(pair):
    near, far = pair.nodes
    kept = login(near)["token"]
    far.kill()
    pair.line.blackhole()
    far.spawn()
    end = time.monotonic() + 4
    while time.monotonic() < end and far.process.poll() is None:
        try:
            assert far.verify(kept).status == 503
        except OSError:
            pass  # not listening yet is fine too
        time.sleep(0.1)
    pair.line.heal()
    if far.process.poll() is not None:  # it may give up; its supervisor starts it again
        far.spawn()
    process.eventually(lambda: far.is_ready() and far.verify(kept).status == 204, 30, what="its being ready")

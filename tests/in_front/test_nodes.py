"""Two nodes on one database, and nginx with our module before one of them: what the other revokes, nginx knows within a second; and when the node's
database is gone for longer than its grace, nginx lets nobody pass."""
import os
import sys
import time

import front

sys.path.insert(0, str(front.ROOT / "tests" / "failover"))

import cluster  # noqa: E402
import postgres  # noqa: E402
import process  # noqa: E402
import pytest  # noqa: E402
import wire  # noqa: E402
from test_cut_off import Wechat  # noqa: E402
from test_module import Nginx  # noqa: E402

WITHIN, GRACE = 1.0, 6


class Pair:
    """What Nginx of test_module wants to know of a site, with a second node beside."""

    def __init__(self, directory, database):
        self.state = directory / "check"
        self.backend = front.Backend()
        upstream = front.free_port()
        key = os.urandom(32).hex()
        url = database.create_database(f"kaimen{time.monotonic_ns()}")
        self.here, self.there = (cluster.Node(directory, number, url, key, upstream, GRACE) for number in range(2))
        self.here.environment["KAIMEN_CHECK_STATE_FILE"] = str(self.state)
        self.kaimen = self
        self.app_id = cluster.APP
        self.wechat = Wechat(upstream)
        self.here.start()
        self.here.run("app", "add", cluster.APP, stdin=cluster.SECRET)
        self.there.start()

    def stop(self):
        self.wechat.close(), self.backend.close()
        for node in (self.here, self.there):
            node.stop()


@pytest.fixture(scope="module")
def database():
    one = postgres.Postgres()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def pair(database, tmp_path_factory):
    one = Pair(tmp_path_factory.mktemp("pair"), database)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def nginx(pair, tmp_path_factory):
    one = Nginx(pair, tmp_path_factory.mktemp("nginx"))
    yield one
    one.stop()


def login(node, code):
    answer = node.login(code)
    assert answer.status == 200, answer
    return answer.json()["token"]


def test_a_logout_on_the_other_node_holds_in_nginx_within_a_second(pair, nginx):
    for number in range(5):
        token = login(pair.there, f"code{number}")
        assert nginx.get("/api/", token).status == 200
        assert pair.there.log_out(token).status == 204
        revoked = time.monotonic()
        process.eventually(lambda: nginx.get("/api/", token).status == 401, 10, 0.01, "the logout")
        assert time.monotonic() - revoked <= WITHIN


def test_cut_off_from_the_database_it_goes_on_for_the_grace_and_then_says_503(pair, nginx, database):
    token = login(pair.here, "grace")
    database.kill()
    begun = time.monotonic()
    assert nginx.get("/api/", token).status == 200
    process.eventually(lambda: nginx.get("/api/", token).status == 503, GRACE + 10, 0.05, "the end of the grace")
    assert GRACE - 2 <= time.monotonic() - begun <= GRACE + 3
    served = pair.backend.served
    assert nginx.get("/api/", token).status == 503 and pair.backend.served == served
    database.start()
    process.eventually(lambda: nginx.get("/api/", token).status == 200, 30, 0.1, "its return")

"""The servers of the tests do what is said of them: they start, answer, die, are promoted, come back, and leave nothing running."""
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest

import front
import galera
import mariadb
import postgres
import process
import proxy

HERE = pathlib.Path(__file__).parent


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch):
    """Every process and directory of a test is gone with it."""
    before, made, make = set(process.descendants(os.getpid())), [], process.new_directory
    monkeypatch.setattr(process, "new_directory", lambda *arguments: made.append(make(*arguments)) or made[-1])
    yield
    assert set(filter(process.is_alive, process.descendants(os.getpid()))) - before == set()
    assert [path for path in made if path.exists()] == []


@pytest.fixture
def stopping():
    """What a test makes is stopped after it, last first."""
    made = []
    yield lambda one: made.append(one) or one
    for one in reversed(made):
        one.stop()


def test_postgres_takes_its_user_by_password_and_over_tls_alone_if_so_started(stopping):
    server = stopping(postgres.Postgres(tls=True))
    url = server.create_database("own")
    query = lambda address: subprocess.run([postgres.program("psql"), address, "-Atc",
                                            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"], capture_output=True, text=True)
    assert query(url).stdout.strip() == "t"
    assert query(url.split("?")[0] + "?sslmode=disable").returncode != 0
    assert query(url.replace(postgres.PASSWORD, "wrong")).returncode != 0


def test_what_a_killed_primary_acknowledged_is_on_the_promoted_standby_twice_over(stopping):
    primary = stopping(postgres.Postgres())
    primary.query("CREATE TABLE kept (id integer PRIMARY KEY)")
    for turn in range(2):
        standby = stopping(primary.add_standby())
        primary.query(f"INSERT INTO kept VALUES ({turn})")
        pids = [primary.process.pid, *process.descendants(primary.process.pid)]
        assert len(pids) > 3
        primary.kill()
        assert not any(map(process.is_alive, pids))
        standby.promote()
        assert standby.query("SELECT count(*) FROM kept") == str(turn + 1)
        primary = standby


def test_commits_wait_for_the_synchronous_standby(stopping):
    primary = stopping(postgres.Postgres())
    standby = stopping(primary.add_standby())
    primary.query("CREATE TABLE kept (id integer)")
    standby.kill()
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([postgres.program("psql"), primary.url(), "-c", "INSERT INTO kept VALUES (1)"], capture_output=True, timeout=2)


def test_mariadb_takes_its_user_by_password_and_over_tls_alone_if_so_started(stopping):
    server = stopping(mariadb.Mariadb(tls=True))
    server.create_database("own")
    query = lambda *more: subprocess.run([mariadb.program("mariadb"), "--no-defaults", "-h127.0.0.1", f"-P{server.port}",
                                          f"-u{mariadb.USER}", f"-p{mariadb.PASSWORD}", *more, "own", "-NBe",
                                          "SHOW STATUS LIKE 'Ssl_cipher'"], capture_output=True, text=True)
    assert "TLS" in query(f"--ssl-ca={server.ca}", "--ssl-verify-server-cert").stdout
    assert query("--skip-ssl").returncode != 0


def test_mariadb_keeps_what_it_acknowledged_before_it_was_killed(stopping):
    server = stopping(mariadb.Mariadb())
    server.create_database("own")
    server.query("CREATE TABLE kept (id integer PRIMARY KEY)", "INSERT INTO kept VALUES (1)", database="own")
    server.kill()
    server.start()
    assert server.query("SELECT count(*) FROM kept", database="own") == "1"


def test_a_killed_galera_node_comes_back_with_what_was_written_meanwhile(stopping):
    cluster = stopping(galera.Galera())
    cluster.nodes[0].create_database("own")
    cluster.nodes[0].query("CREATE TABLE kept (id integer PRIMARY KEY)", "INSERT INTO kept VALUES (1)", database="own")
    cluster.nodes[2].kill()
    process.eventually(lambda: cluster.nodes[0].size() == 2, 60, what="the others' noticing")
    cluster.nodes[0].query("INSERT INTO kept VALUES (2)", database="own")
    cluster.bring_back(2)
    process.eventually(lambda: cluster.nodes[2].query("SELECT count(*) FROM kept", database="own") == "2", 10)
    assert "IST received" in cluster.nodes[2].log.read_text(errors="replace").split("Recovered position")[-1], \
        "all data was copied, not what was missed alone"


class Echo:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(sock,), daemon=True).start()

    @staticmethod
    def _echo(sock):
        with sock:
            while data := sock.recv(65536):
                sock.sendall(data)

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_the_proxy_fails_as_it_is_told(stopping):
    echo = stopping(Echo())
    line = stopping(proxy.Proxy([echo.address]))
    connect = lambda: socket.create_connection(line.address, timeout=0.5)
    one = connect()
    one.sendall(b"a")
    assert one.recv(1) == b"a"

    line.blackhole()
    one.sendall(b"b")
    two = connect()  # taken, as by a network that swallows
    two.sendall(b"c")
    for held in (one, two):
        with pytest.raises(TimeoutError):
            held.recv(1)
    line.heal()
    assert one.recv(1) == b"b" and two.recv(1) == b"c"

    line.delay(0.2)
    before = time.monotonic()
    one.sendall(b"d")
    assert one.recv(1) == b"d" and 0.35 < time.monotonic() - before < 0.5
    line.heal()

    line.cut()
    with pytest.raises(ConnectionError):
        one.recv(1) or (_ for _ in ()).throw(ConnectionResetError())
    with pytest.raises(ConnectionRefusedError):
        connect()
    line.heal()
    with connect() as again:
        again.sendall(b"e" * 1_000_000)
        got = 0
        while got < 1_000_000:
            got += len(again.recv(1 << 20))
    one.close(), two.close()


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_a_front_goes_on_when_one_node_of_two_is_gone(stopping, kind, tmp_path):
    class Node:
        def __init__(self):
            port, = process.free_ports(1)
            (tmp_path / "verify").write_text("")
            (tmp_path / "readyz").write_text("")
            (tmp_path / "healthz").write_text("")
            self.process = process.start([sys.executable, "-m", "http.server", port, "-b", "127.0.0.1", "-d", tmp_path], {},
                                         tmp_path / "log")
            self.public = self.private = f"http://127.0.0.1:{port}"
            process.eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)

        def stop(self):
            process.end(self.process)

    nodes = [stopping(Node()) for _ in range(2)]
    site = stopping(front.FrontServer(kind, nodes))
    status = lambda: subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", site.private + "/verify"], capture_output=True,
                                    text=True).stdout
    assert status() == "200"
    process.kill_all(nodes[0].process.pid)
    assert [status() for _ in range(20)] == ["200"] * 20


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_servers_started_for_other_tests_are_found_by_url_and_stopped_by_state(tmp_path, kind):
    serve = lambda *arguments: subprocess.run([sys.executable, HERE / "serve.py", *arguments, "--state", tmp_path], check=True, timeout=120)
    serve("start", kind)
    first = (tmp_path / "url").read_text()
    serve("start", kind)  # as after a run that was interrupted
    url = (tmp_path / "url").read_text()
    try:
        ports = [int(one.rsplit(":", 1)[1].split("/")[0]) for one in (first, url)]
        assert [socket.socket().connect_ex(("127.0.0.1", port)) == 0 for port in ports] == [ports[0] == ports[1], True]
    finally:
        serve("stop")
    assert list(tmp_path.iterdir()) == [] and socket.socket().connect_ex(("127.0.0.1", ports[1])) != 0

"""The helpers of sdk/backend in their frameworks, before a real Kaimen, and before what is not one. One set of tests for all of them."""
import asyncio
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time

import pytest

import runtimes
import server
import wire
from backend import CountingLine, Line
from nginx import free_port

FORGED = [("X-Kaimen-User", "forged"), ("x-kaimen-openid", "forged"), ("X-KAIMEN-ROLES", "forged"), ("X_Kaimen_User", "forged"), ("X-Kaimen_External-Id", "forged"),
          ("X-WX-OPENID", "forged"), ("X-Wx-From-Unionid", "forged"), ("x_wx_appid", "forged"), ("X.Kaimen.Roles", "forged"), ("X!Kaimen-User", "forged"),
          ("X-Kaimen~Env", "forged"), ("X-WX.From*Openid", "forged")]


class App:
    """One application, on a port of its own."""

    def __init__(self, name, url, log, key=None):
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command, environment = runtimes.ALL[name](self.port, url)
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(command, env={**os.environ, **environment, **({"KAIMEN_TEST_KEY": key} if key else {})}, stdout=file, stderr=file)
        server.eventually(self.accepts, 30)

    def accepts(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def get(self, path="/plain", ticket=None, headers=()):
        headers = wire.pairs(headers) + (wire.pairs(wire.bearer(ticket)) if ticket else [])
        return wire.call(self.url, "GET", path, headers=headers)

    def identity(self, *arguments, **more):
        answer = self.get(*arguments, **more)
        assert answer.status == 200, (answer, self.log.read_text()[-2000:])
        return answer.json()["identity"]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Liar:
    """What is not Kaimen: answers everything with the same bytes, and closes."""

    def __init__(self, answer):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                received = b""
                while b"\r\n\r\n" not in received:
                    chunk = self.request.recv(65536)
                    if not chunk:
                        return
                    received += chunk
                if answer is None:
                    time.sleep(8)
                else:
                    self.request.sendall(answer)

        self.server = Line(("127.0.0.1", 0), Handler)
        self.server.block_on_close = False
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = self.server.server_address

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def kaimen(tmp_path_factory):
    directory = tmp_path_factory.mktemp("kaimen")
    one = server.Kaimen(directory / "data", environment={"KAIMEN_PRIVATE_UNIX_SOCKET": str(directory / "private.sock"),
                                                                "KAIMEN_SESSION_TICKET_HEADERS": "X-My-Ticket"})
    one.unix = f"unix:{directory}/private.sock"
    answer = one.admin("PUT", f"/apps/{one.app_id}", json={"settings": {"wafer": "v2"}})
    assert answer.status == 200
    yield one
    one.stop()


@pytest.fixture(scope="module")
def line(kaimen):
    one = CountingLine(kaimen.private)
    yield one
    one.close()


@pytest.fixture(scope="module", params=runtimes.ALL)
def app(request, line, tmp_path_factory):
    one = App(request.param, f"http://{line.address}", tmp_path_factory.mktemp(request.param) / "log")
    yield one
    one.stop()


@pytest.fixture
def instead(line, kaimen):
    """Puts something else in Kaimen's place."""
    made = []

    def put(answer):
        made.append(Liar(answer))
        line.target = made[-1].address
        line.cut()

    yield put
    line.target = wire.address(kaimen.private)
    line.cut()
    for one in made:
        one.close()


def test_the_application_learns_who_it_is(app, kaimen, user):
    login = kaimen.login(user)
    who = login["user"]["id"]
    assert kaimen.admin("PUT", f"/users/{who}/external-id", json={"external_id": f"ext-{app.name}"}).status == 200
    assert kaimen.admin("PUT", f"/users/{who}/roles", json={"roles": ["editor", "shop:owner"]}).status == 200
    login = kaimen.renew(login["renew_token"]).json()
    identity = app.identity("/plain", login["token"])
    known = kaimen.introspect(login["token"]).json()
    assert (identity["user"], identity["session"], identity["app"], identity["openid"]) == (who, known["sid"], kaimen.app_id, known["openid"])
    assert identity["external_id"] == f"ext-{app.name}" and sorted(identity["roles"]) == ["editor", "shop:owner"]
    assert identity["registered"] is True and identity["env"] == "release" and identity["expires"] == known["exp"]
    assert app.identity("/editor", login["token"])["user"] == who


def test_the_application_learns_who_looks_on_in_a_users_place(app, kaimen, user):
    login = kaimen.login(user)
    assert kaimen.admin("PUT", f"/apps/{kaimen.app_id}", json={"settings": {"support_view": "on"}}).status == 200
    opened = kaimen.admin("POST", f"/users/{login['user']['id']}/sessions", json={"app_id": kaimen.app_id, "seconds": 60, "actor": "anna@desk"})
    assert opened.status == 201, opened
    identity = app.identity("/plain", opened.json()["token"], [("X-Kaimen-Actor", "forged")])
    assert (identity["user"], identity["actor"]) == (login["user"]["id"], "anna@desk")
    assert not app.identity("/plain", login["token"], [("X-Kaimen-Actor", "forged"), ("X_Kaimen_Actor", "forged")]).get("actor"), "the user is nobody's actor"


@pytest.mark.parametrize("header", ["X-Kaimen-Ticket", "X-WX-Skey", "X-My-Ticket"])
def test_tickets_come_in_other_headers_too(app, kaimen, user, header):
    login = kaimen.login(user)
    assert app.identity(headers=[(header, login["token"])])["user"] == login["user"]["id"]


def test_a_ticket_in_a_cookie(app, kaimen, user):
    login = kaimen.login(user)
    assert app.identity(headers=[("Cookie", f"theme=dark; kaimen={login['token']}")])["user"] == login["user"]["id"]


def test_a_refusal_is_json_with_the_reason(app, kaimen, user):
    login = kaimen.login(user)
    assert kaimen.client("DELETE", "/v1/session", login["token"]).status == 204
    for ticket, reason in ((None, "missing"), ("km1.nothing", "malformed"), (login["token"], "logged_out")):
        answer = app.get(ticket=ticket)
        server.assert_reason(answer, reason)
        body = answer.json()
        assert answer.get("content-type").startswith("application/problem+json") and answer.get("cache-control") == "no-store"
        assert (body["status"], body["code"], body["reason"]) == (401, "unauthenticated", reason) and body["request_id"]


def test_who_may_not_is_told_so(app, kaimen, user):
    answer = app.get("/editor", kaimen.login(user)["token"])
    assert answer.status == 403 and answer.json()["code"] == "forbidden" and answer.get("content-type").startswith("application/problem+json")


def test_an_optional_check_lets_nobody_in_as_nobody(app, kaimen, user):
    assert app.identity("/optional") is None
    assert app.identity("/optional", kaimen.login(user)["token"])["openid"]
    assert app.get("/optional", "km1.nothing").status == 401


def test_what_a_client_claims_to_be_is_not_seen(app, kaimen, user):
    login = kaimen.login(user)
    answer = app.get("/plain", login["token"], FORGED)
    assert answer.json()["identity"]["user"] == login["user"]["id"] and b"forged" not in answer.body, answer
    answer = app.get("/optional", None, FORGED)
    assert answer.json()["identity"] is None and b"forged" not in answer.body, answer


def test_a_clients_key_is_not_passed_on(app, kaimen, user):
    """A bad key would make Kaimen refuse everybody, a good one would be another's."""
    assert app.identity("/plain", kaimen.login(user)["token"], [("X-Kaimen-Key", "kmk_nothing")])


def test_two_authorizations_are_nobody(app, kaimen, user):
    ticket = kaimen.login(user)["token"]
    assert app.get(headers=[("Authorization", f"Bearer {ticket}"), ("Authorization", "Bearer km1.other")]).status == 401
    assert app.get(headers=[("Authorization", f"Bearer {ticket}"), ("X-Kaimen-Ticket", "km1.other")]).status == 401


def test_connections_are_kept(app, kaimen, line, user):
    ticket = kaimen.login(user)["token"]
    app.identity("/plain", ticket)
    before = line.connections
    for _ in range(20):
        app.identity("/plain", ticket)
    assert line.connections - before <= 1


def test_a_kept_connection_that_was_closed_is_no_refusal(app, kaimen, line, user):
    ticket = kaimen.login(user)["token"]
    for _ in range(5):
        app.identity("/plain", ticket)
        line.cut()
        app.identity("/plain", ticket)


def test_parallel_users_are_never_mixed_up(app, kaimen, user):
    logins = [kaimen.login(f"{user}-{number}") for number in range(6)]

    def ask(index):
        for _ in range(10):
            assert app.identity("/plain", logins[index]["token"])["user"] == logins[index]["user"]["id"]

    server.parallel(6, ask)


LIES = {"200": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Kaimen-User: forged\r\n\r\n", "204 without a name": b"HTTP/1.1 204 No Content\r\n\r\n",
        "302": b"HTTP/1.1 302 Found\r\nLocation: /verify\r\nContent-Length: 0\r\n\r\n", "500": b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
        "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "nothing": b"",
        "half a head": b"HTTP/1.1 204 No Content\r\nX-Kaimen-Us", "half a name": b"HTTP/1.1 204 No Content\r\nX-Kaimen-User: 01a2",
        "no end of a head": b"HTTP/1.1 204 No Content\r\nX-Kaimen-User: 01a2\r\nX-Kaimen-Session: 01a2\r\n"}


def assert_unavailable(answer):
    assert answer.status == 503 and answer.json()["code"] == "unavailable" and answer.get("retry-after"), answer


@pytest.mark.parametrize("lie", LIES)
def test_whatever_is_not_a_check_lets_nobody_in(app, instead, lie):
    instead(LIES[lie])
    assert_unavailable(app.get(ticket="km1.any"))
    assert_unavailable(app.get())


def test_a_check_that_hangs_is_given_up(app, instead):
    instead(None)
    start = time.monotonic()
    assert_unavailable(app.get(ticket="km1.any"))
    assert time.monotonic() - start < 5


def test_with_kaimen_gone_nobody_is_let_in_and_later_all_are_again(app, kaimen, line, user):
    ticket = kaimen.login(user)["token"]
    line.target = ("127.0.0.1", free_port())
    line.cut()
    try:
        assert_unavailable(app.get(ticket=ticket))
        assert_unavailable(app.get("/optional"))
    finally:
        line.target = wire.address(kaimen.private)
        line.cut()
    assert app.identity("/plain", ticket)


def test_php_does_not_take_the_answer_that_a_script_left_behind(kaimen, line, tmp_path, user):
    """PHP alone has its connections from script to script, whatever became of the one before."""
    app = App("php", f"http://{line.address}", tmp_path / "log")
    try:
        first, second = kaimen.login(f"{user}-first"), kaimen.login(f"{user}-second")
        app.identity("/plain", first["token"])
        before = line.connections
        assert app.get("/dies", first["token"]).status == 200
        assert line.connections == before, "it was the kept one"
        time.sleep(0.1)  # for the answer to come
        assert app.identity("/plain", second["token"])["user"] == second["user"]["id"]
    finally:
        app.stop()


def test_a_web_socket_is_checked_before_it_is_accepted(kaimen, user):
    """Of ASGI alone: no server of Debian's speaks them without more packages, so the messages are given by hand."""
    sys.path.insert(0, str(runtimes.SDK / "python"))
    import kaimen as helper

    async def application(scope, receive, send):
        await send({"type": "websocket.accept", "user": scope["kaimen"].user})

    def told(ticket):
        sent, wrapped = [], helper.ASGI(application, url=kaimen.private)

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        asyncio.run(wrapped({"type": "websocket", "headers": [(b"authorization", f"Bearer {ticket}".encode())]}, receive, send))
        return sent

    login = kaimen.login(user)
    assert told(login["token"]) == [{"type": "websocket.accept", "user": login["user"]["id"]}]
    assert told("km1.nothing") == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("name", runtimes.ALL)
def test_its_own_key_goes_with_each_check(name, kaimen, tmp_path, user):
    """A key that is given must be good, wherever it comes from: so a bad one shows that it was sent."""
    ticket = kaimen.login(user)["token"]
    good = kaimen.admin("POST", "/keys", json={"name": user, "scopes": ["verify"]}).json()["key"]
    for key, status in ((good, 200), ("kmk_nothing", 403)):
        one = App(name, kaimen.private, tmp_path / key[:8], key)
        try:
            assert one.get(ticket=ticket).status == status
        finally:
            one.stop()


@pytest.mark.parametrize("name", runtimes.ALL)
def test_an_address_of_another_kind_gets_no_ticket_in_the_clear(name, tmp_path):
    """A misspelt https would be plain HTTP: the application does not start, or refuses everybody."""
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        somebody.setblocking(False)
        try:
            one = App(name, f"htps://127.0.0.1:{somebody.getsockname()[1]}", tmp_path / "log")
        except AssertionError:
            return  # it has ended
        try:
            assert one.get(ticket="km1.any").status in (500, 503)
            with pytest.raises(BlockingIOError):
                somebody.accept()
        finally:
            one.stop()


@pytest.mark.parametrize("name", [name for name in runtimes.ALL if name != "java"])  # java.net.http knows no unix sockets
def test_over_a_unix_socket(name, kaimen, tmp_path, user):
    one = App(name, kaimen.unix, tmp_path / "log")
    try:
        for _ in range(3):
            assert one.identity("/plain", kaimen.login(user)["token"])["openid"]
        assert one.get().status == 401
    finally:
        one.stop()

"""The sample configuration of deploy/nginx in a real nginx, between a client that forges and a backend that shows what reached it."""
import re
import time

import pytest

import server
import wire
from nginx import SAMPLE, Site

IDENTITY = ["User", "External-Id", "App", "Openid", "Unionid", "Session", "Registered", "Roles", "Env", "Expires", "Jwt"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    one = Site(tmp_path_factory.mktemp("nginx"))
    yield one
    one.stop()


PROTECTED = "/api/orders?id=7"


def test_a_client_logs_in_through_nginx_and_the_backend_learns_who_it_is(site):
    code = site.kaimen.code("ada")
    login = site.get("/v1/login", method="POST", json={"app_id": site.kaimen.app_id, "code": code}).json()
    headers = dict(site.seen(PROTECTED, login["token"]))
    assert headers["x-kaimen-user"] == login["user"]["id"] and headers["x-kaimen-app"] == site.kaimen.app_id
    assert headers["x-kaimen-session"] == login["session"]["id"] and headers["x-kaimen-registered"] in ("true", "false")


def test_a_body_reaches_the_backend_and_not_the_check(site):
    token = site.kaimen.login("poster")["token"]
    answer = site.get(PROTECTED, token, method="POST", body=b"x" * 200_000)
    assert answer.status == 200 and len(answer.json()["body"]) == 200_000 and answer.json()["path"].endswith("/orders?id=7"), answer.status


# What the sample says with two lines is easily forgotten: nginx then tells the check of a body that it keeps for the backend.
def test_a_check_that_is_told_of_a_body_it_does_not_get_is_answered(tmp_path):
    forgetful = Site(tmp_path, {'proxy_set_header Content-Length "";': ""})
    try:
        token = forgetful.kaimen.login("poster")["token"]
        begun = time.monotonic()
        for _ in range(5):
            answer = forgetful.get(PROTECTED, token, method="POST", body=b"x" * 200_000)
            assert answer.status == 200 and len(answer.json()["body"]) == 200_000, answer.status
        assert forgetful.get(PROTECTED, method="POST", body=b"x").status == 401
        assert time.monotonic() - begun < 5
    finally:
        forgetful.stop()


@pytest.fixture(scope="module")
def token(site):
    """One login for all forgeries: an address may log in so often in a minute."""
    return site.kaimen.login("honest")["token"]


FORGERIES = {
    "as it is": lambda name: [(f"X-Kaimen-{name}", "forged")],
    "in lower case": lambda name: [(f"x-kaimen-{name.lower()}", "forged")],
    "in upper case": lambda name: [(f"X-KAIMEN-{name.upper()}", "forged")],
    "doubled": lambda name: [(f"X-Kaimen-{name}", "forged"), (f"X-Kaimen-{name}", "forged")],
    "with underscores": lambda name: [(f"X_Kaimen_{name.replace('-', '_')}", "forged")],
    "half with underscores": lambda name: [(f"X-Kaimen_{name}", "forged"), (f"X_Kaimen-{name}", "forged")],
    "with dots and the like": lambda name: [(f"X.Kaimen.{name}", "forged"), (f"X-Kaimen!{name}", "forged"), (f"X-Kaimen-{name.replace('-', '.')}.", "forged")],
    "empty and forged": lambda name: [(f"X-Kaimen-{name}", ""), (f"X-Kaimen-{name}", "forged")],
    "listed in Connection": lambda name: [("Connection", f"close, X-Kaimen-{name}"), (f"X-Kaimen-{name}", "forged")],
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("name", IDENTITY)
def test_no_identity_header_of_the_client_reaches_the_backend(site, token, name, forgery):
    honest, headers = site.seen(PROTECTED, token), site.seen(PROTECTED, token, FORGERIES[forgery](name))
    assert "forged" not in repr(headers)
    ours = lambda seen: [(key.replace("_", "-"), value) for key, value in seen if key.replace("_", "-").startswith("x-kaimen-") and not key.endswith("expires")]
    assert ours(headers) == ours(honest) and len(dict(ours(headers))) == len(ours(headers))


@pytest.mark.parametrize("name", ["X-WX-OPENID", "x-wx-unionid", "X-Wx-AppId", "X_WX_OPENID", "X.WX.OPENID"])
def test_no_identity_header_of_wechats_cloud_reaches_the_backend(site, token, name):
    headers = site.seen(PROTECTED, token, [(name, "forged")])
    assert "forged" not in repr(headers)


def test_forged_identity_without_a_ticket_is_401(site):
    served = site.backend.served
    forged = [(f"X-Kaimen-{name}", "forged") for name in IDENTITY]
    assert site.get(PROTECTED, headers=forged).status == 401 and site.backend.served == served


@pytest.mark.parametrize("ticket, reason", [(None, "missing"), ("km1.AAAA", "malformed"), ("ended", "logged_out")])
def test_a_refused_ticket_is_a_401_in_json_with_its_reason(site, ticket, reason):
    if ticket == "ended":
        ticket = site.kaimen.login("leaver")["token"]
        site.kaimen.client("DELETE", "/v1/session", ticket)
    served, answer = site.backend.served, site.get(PROTECTED, ticket)
    assert answer.status == 401 and "json" in answer.get("content-type") and answer.json()["reason"] == reason, answer
    assert answer.json()["code"] == "unauthenticated" and answer.json()["status"] == 401
    assert answer.get("www-authenticate") == f'Bearer error="invalid_token", error_description="{reason}"', answer
    assert site.backend.served == served


def test_the_check_itself_is_not_reachable_from_outside(site):
    token = site.kaimen.login("prober")["token"]
    inner = re.findall(r"auth_request\s+(/[^;\s]+);", SAMPLE.read_text())
    assert inner
    for path in {*inner, "/verify", "/introspect", "/admin/v1/apps", "/metrics", "/readyz", "/openapi.json"}:
        answer = site.get(path, token)
        assert answer.status in (401, 403, 404) or answer.body.startswith(b'{"method"'), (path, answer)
        assert not answer.all("x-kaimen-user"), (path, answer)


def test_the_check_goes_over_kept_connections(site):
    token = site.kaimen.login("keeper")["token"]
    conn = wire.connection(site.url)
    assert wire.send(conn, "GET", PROTECTED, headers=wire.bearer(token)).status == 200
    before = site.checks.connections
    for _ in range(60):
        assert wire.send(conn, "GET", PROTECTED, headers=wire.bearer(token)).status == 200
    assert site.checks.connections - before <= 3, site.checks.connections - before


def test_a_ticket_that_ends_ends_for_the_backend_at_once(site):
    login = site.kaimen.login("switcher")
    assert site.get(PROTECTED, login["token"]).status == 200
    assert site.get("/v1/session", login["token"], method="DELETE").status == 204
    assert site.get(PROTECTED, login["token"]).status == 401


def test_parallel_clients_are_never_mixed_up(site):
    logins = [site.kaimen.login(f"crowd{number}") for number in range(8)]

    def ask(index):
        for _ in range(15):
            assert dict(site.seen(PROTECTED, logins[index]["token"]))["x-kaimen-user"] == logins[index]["user"]["id"]

    server.parallel(8, ask)


@pytest.mark.parametrize("attack", [b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
                                    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", b"Content-Length : 4\r\n\r\nabcd", b"X: a\rb\r\n\r\n"])
def test_no_smuggled_request_reaches_the_backend(site, attack):
    token = site.kaimen.login("smuggler")["token"].encode()
    received, _ = wire.raw(site.url, b"POST /api/outer HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer " + token + b"\r\n" + attack +
                           b"GET /api/smuggled HTTP/1.1\r\nHost: k\r\n\r\n", timeout=2)
    assert b'"/api/smuggled"' not in received and b'"path": "/smuggled"' not in received


def test_with_kaimen_gone_it_is_503_and_not_500_and_the_backend_is_not_asked(site):
    """Last: it stops the Kaimen of the others."""
    token = site.kaimen.login("last")["token"]
    site.kaimen.stop()
    served, answer = site.backend.served, site.get(PROTECTED, token)
    assert answer.status == 503 and "json" in answer.get("content-type") and answer.json()["code"] == "unavailable", answer
    assert site.backend.served == served
    site.kaimen.start()
    site.checks.target = wire.address(site.kaimen.private)

    def again():
        return site.get(PROTECTED, token).status == 200

    server.eventually(again, 20, 0.3)

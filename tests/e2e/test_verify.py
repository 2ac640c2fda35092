"""The check a proxy makes: GET /verify, its options and its reasons; and /introspect."""
import base64
import random
import re
import socket
import time

import pytest

import server
import wire

IDENTITY = ("x-kaimen-user", "x-kaimen-external-id", "x-kaimen-app", "x-kaimen-openid", "x-kaimen-unionid", "x-kaimen-session", "x-kaimen-roles")


def decoded(ticket):
    text = ticket[4:]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(data):
    return "km1." + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def verify_request(headers):
    return b"GET /verify HTTP/1.1\r\nHost: k\r\n" + headers + b"\r\n\r\n"


# A good ticket


def test_a_good_ticket_is_204_with_the_identity_in_headers(kaimen, user):
    mine = kaimen.control("POST", "/sandbox/login", {"appid": kaimen.app_id, "user": user})
    login = kaimen.post_login(mine["code"]).json()
    check = kaimen.verify(login["token"])
    assert check.status == 204 and check.body == b""
    assert check.get("x-kaimen-user") == login["user"]["id"] and check.get("x-kaimen-session") == login["session"]["id"]
    assert check.get("x-kaimen-app") == kaimen.app_id and check.get("x-kaimen-openid") == mine["openid"]
    assert check.get("x-kaimen-registered") in ("true", "false") and check.get("x-kaimen-env") == "release"
    assert abs(int(check.get("x-kaimen-expires")) - time.time() - 7200) < 10
    assert check.get("x-request-id") and not check.all("x-kaimen-reason")


def test_the_unionid_is_there_when_wechat_gave_one(kaimen, user):
    kaimen.control("POST", "/sandbox/apps", {"appid": "wxunion00000000001", "secret": "s", "open_platform": "op1"})
    kaimen.admin("POST", "/apps", json={"project": "default", "app_id": "wxunion00000000001", "platform": "wechat", "secret": "s", "name": "u"})
    check = kaimen.verify(kaimen.login(user, "wxunion00000000001")["token"])
    assert check.get("x-kaimen-unionid")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_any_method_checks(kaimen, user, method):
    assert kaimen.verify(kaimen.login(user)["token"], method=method).status == 204


def test_identity_headers_from_outside_are_ignored(kaimen, user):
    login = kaimen.login(user)
    forged = [("X-Kaimen-User", "0" * 32), ("x-kaimen-openid", "oForged"), ("X_Kaimen_User", "0" * 32), ("X-WX-OPENID", "oForged"), ("X-Kaimen-Roles", "admin")]
    check = kaimen.verify(login["token"], headers=forged)
    assert check.status == 204 and check.get("x-kaimen-user") == login["user"]["id"] and "oForged" not in repr(check.headers)
    server.assert_reason(kaimen.verify(headers=forged), "missing")


# Refusals


def test_no_ticket_is_missing(kaimen):
    server.assert_reason(kaimen.verify(), "missing")


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer x", "Bearer km1.", "Bearer km1.!", "Bearer km2.AAAA", "bearer kmr1.AAAA", "Bearer km1.====",
                                   "Bearer  ", "Bearer km1." + "A" * 30000])
def test_a_bearer_that_is_no_ticket_is_malformed(kaimen, value):
    check = kaimen.verify(headers={"Authorization": value})
    if value.strip() == "Bearer" and check.get("x-kaimen-reason") == "missing":
        return  # an empty credential may be told as none
    server.assert_reason(check, "malformed")


def test_another_scheme_is_no_ticket(kaimen):
    assert kaimen.verify(headers={"Authorization": "Basic dTpw"}).get("x-kaimen-reason") in ("missing", "malformed")


def test_a_session_ended_by_the_operator_is_revoked(kaimen, user):
    login = kaimen.login(user)
    assert kaimen.admin("DELETE", f"/sessions/{login['session']['id']}").status == 204
    server.assert_reason(kaimen.verify(login["token"]), "revoked")


def test_an_app_that_was_removed_takes_its_tickets_along(kaimen, user):
    app = kaimen.add_app("wxremoved000000001")
    token = kaimen.login(user, app)["token"]
    assert kaimen.verify(token).status == 204
    assert kaimen.admin("DELETE", f"/apps/{app}").status == 204
    check = kaimen.verify(token)
    assert check.status == 401 and check.get("x-kaimen-reason") in ("deleted", "revoked", "malformed"), check


def test_a_ticket_of_another_server_is_malformed(kaimen, own_kaimen, user):
    server.assert_reason(kaimen.verify(own_kaimen().login(user)["token"]), "malformed")


# Options


@pytest.mark.parametrize("query", ["app_id=wxdev0000000000001", "project=default", "env=release", "app_id=wxdev0000000000001&project=default&env=release",
                                   "optional=true"])
def test_an_option_that_fits_passes(kaimen, user, query):
    check = kaimen.verify(kaimen.login(user)["token"], query)
    assert check.status == 204 and check.get("x-kaimen-user")


@pytest.mark.parametrize("query", ["app_id=wxother00000000001", "project=other", "env=trial", "env=develop", "role=admin", "role=user",
                                   "app_id=wxdev0000000000001%00", "app_id=WXDEV0000000000001", "project=default%20", "project=Default"])
def test_an_option_that_does_not_fit_is_forbidden(kaimen, user, query):
    check = kaimen.verify(kaimen.login(user)["token"], query)
    assert check.status == 403 and not any(check.all(name) for name in IDENTITY)


@pytest.mark.parametrize("query", ["appid=wxdev0000000000001", "App_id=wxdev0000000000001", "x=1", "rol=admin", "registered=yes", "registered=1", "registered=TRUE",
                                   "registered=", "registered", "env=prod", "env=", "optional=1", "optional=", "role=", "app_id=", "project=",
                                   "env=release&env=release", "app_id=wxdev0000000000001&app_id=wxother00000000001", "env=release&x=", "%zz=1", "&&=1", "optional=true&optional=true"])
@pytest.mark.parametrize("ticket", [True, False], ids=["ticket", "no-ticket"])
def test_an_unknown_doubled_or_ill_valued_option_is_forbidden(kaimen, user, query, ticket):
    check = kaimen.verify(kaimen.login(user)["token"] if ticket else None, query)
    assert check.status == 403, check
    assert not any(check.all(name) for name in IDENTITY)


def test_registered_true_agrees_with_the_header(kaimen, user):
    token = kaimen.login(user)["token"]
    registered = kaimen.verify(token).get("x-kaimen-registered") == "true"
    assert kaimen.verify(token, "registered=true").status == (204 if registered else 403)


def test_optional_without_a_ticket_is_204_without_identity(kaimen):
    check = kaimen.verify(query="optional=true")
    assert check.status == 204 and not any(key.lower().startswith("x-kaimen-") for key, _ in check.headers)


def test_optional_with_a_bad_ticket_is_still_refused(kaimen):
    server.assert_reason(kaimen.verify("km1.AAAA", "optional=true"), "malformed")


# Two apps, two projects


@pytest.fixture(scope="module")
def two_projects(tmp_path_factory):
    one = server.Kaimen(tmp_path_factory.mktemp("two") / "data")
    apps = {"wxdev0000000000001": "default", one.add_app("wxmatrix0000000002"): "default", one.add_app("wxmatrix0000000003", project="shop"): "shop"}
    one.tickets = {app: one.login("everyone", app) for app in apps}
    one.projects = apps
    yield one
    one.stop()


def test_with_two_projects_a_check_that_names_nobody_passes_nobody(two_projects):
    for login in two_projects.tickets.values():
        assert two_projects.verify(login["token"]).status == 403
        assert two_projects.verify(login["token"], "env=release").status == 403
    assert two_projects.verify().status == 403
    assert two_projects.verify(query="optional=true").status == 403


def test_no_ticket_of_one_app_or_project_works_for_another(two_projects):
    for app, login in two_projects.tickets.items():
        for named in two_projects.projects:
            assert two_projects.verify(login["token"], f"app_id={named}").status == (204 if named == app else 403), (app, named)
        for named in ("default", "shop", "none"):
            fits = two_projects.projects[app] == named
            assert two_projects.verify(login["token"], f"project={named}").status == (204 if fits else 403), (app, named)
    assert two_projects.verify(two_projects.tickets["wxmatrix0000000003"]["token"], "project=shop&app_id=wxdev0000000000001").status == 403


def test_one_person_is_another_user_in_another_project(two_projects):
    users = {app: login["user"]["id"] for app, login in two_projects.tickets.items()}
    assert users["wxmatrix0000000003"] not in (users["wxdev0000000000001"], users["wxmatrix0000000002"])


def test_no_code_of_one_app_works_for_another(two_projects):
    for app in two_projects.projects:
        for other in two_projects.projects:
            if app != other:
                wire.problem(two_projects.post_login(two_projects.code("everyone", app), app_id=other), 401, "code_invalid")


def test_a_project_bound_key_names_its_project(two_projects):
    key = two_projects.admin("POST", "/keys", json={"name": "shop", "scopes": ["verify"], "project": "shop"}).json()["key"]
    for app, login in two_projects.tickets.items():
        status = two_projects.verify(login["token"], headers={"X-Kaimen-Key": key}).status
        assert status == (204 if two_projects.projects[app] == "shop" else 403), app


def test_introspection_with_a_project_bound_key_knows_that_project_only(two_projects):
    key = two_projects.admin("POST", "/keys", json={"name": "shop", "scopes": ["verify"], "project": "shop"}).json()["key"]
    for app, login in two_projects.tickets.items():
        answer = wire.call(two_projects.private, "POST", "/introspect", body=f"token={login['token']}".encode(),
                           headers={"Content-Type": "application/x-www-form-urlencoded", "X-Kaimen-Key": key})
        assert answer.json()["active"] is (two_projects.projects[app] == "shop"), app


def test_a_key_without_the_scope_does_not_check(two_projects):
    key = two_projects.admin("POST", "/keys", json={"name": "reader", "scopes": ["read"], "project": "shop"}).json()["key"]
    assert two_projects.verify(two_projects.tickets["wxmatrix0000000003"]["token"], headers={"X-Kaimen-Key": key}).status == 403


def test_a_key_that_is_none_is_forbidden_even_on_loopback(two_projects):
    login = two_projects.tickets["wxmatrix0000000003"]
    for key in ("kmk_x", "", "kmk_" + "A" * 54):
        check = two_projects.verify(login["token"], "project=shop", headers={"X-Kaimen-Key": key})
        assert check.status in (401, 403), (key, check)


# Tickets with wounds


def test_no_single_bit_of_a_ticket_can_be_flipped(kaimen, user):
    ticket, line = kaimen.login(user)["token"], wire.KeptLine(kaimen.private)
    data = decoded(ticket)
    assert encoded(data) == ticket
    wounded = {encoded(data[:bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1:]).encode() for bit in range(len(data) * 8)}
    text = ticket.encode()
    flips = (text[:bit // 8] + bytes([text[bit // 8] ^ 1 << bit % 8]) + text[bit // 8 + 1:] for bit in range(len(text) * 8))
    wounded |= {one for one in flips if all(0x21 <= byte <= 0x7e for byte in one)}
    assert ticket.encode() not in wounded and len(wounded) > 1000
    passed = [one for one in wounded if line.status(verify_request(b"Authorization: Bearer " + one)) != 401]
    assert passed == []
    assert line.status(verify_request(b"Authorization: Bearer " + text)) == 204


def test_no_cut_or_longer_ticket_passes(kaimen, user):
    ticket, line = kaimen.login(user)["token"].encode(), wire.KeptLine(kaimen.private)
    others = [ticket[:length] for length in range(len(ticket))] + [ticket + more for more in (b"A", b"AA", b"AAAA", b"=", b"==", b".", b"%00", b",", b"\"")]
    others += [b" km1." + ticket[4:] + b" x", ticket[4:], b"km1.km1." + ticket[4:], ticket.upper(), b"KM1." + ticket[4:], ticket.replace(b"km1.", b"km1")]
    for one in others:
        assert line.status(verify_request(b"Authorization: Bearer " + one)) == 401, one


def test_no_ticket_passes_under_another_tickets_key_id(kaimen, own_kaimen, user):
    data, foreign = decoded(kaimen.login(user)["token"]), decoded(own_kaimen().login(user)["token"])
    server.assert_reason(kaimen.verify(encoded(data[:4] + foreign[4:])), "malformed")
    server.assert_reason(kaimen.verify(encoded(foreign[:4] + data[4:])), "malformed")


def mutations(ticket, other, count, seed):
    """Authorization and Cookie lines near a good one, none of which is good."""
    chance = random.Random(seed)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ,;\"'%\x80\xff\t"
    while count:
        text = bytearray(ticket)
        for _ in range(chance.randint(1, 4)):
            kind, at = chance.randrange(6), chance.randrange(len(text))
            if kind == 0:
                text[at] = chance.choice(alphabet)
            elif kind == 1:
                text.insert(at, chance.choice(alphabet))
            elif kind == 2 and len(text) > 1:
                del text[at]
            elif kind == 3:
                text = text[:at] + bytearray(other[at:])
            elif kind == 4:
                text[at:at] = text[max(0, at - 8):at]
            else:
                text = text[:at + 1]
        text = bytes(text)
        if any(good in text for good in (ticket, other)):
            continue
        count -= 1
        form = chance.randrange(4)
        yield [b"Authorization: Bearer " + text, b"Cookie: kaimen=" + text, b"Cookie: a=b; kaimen=" + text + b"; c=d", b"X-Kaimen-Ticket: " + text][form]


def test_none_of_20000_mutated_tickets_passes(kaimen, user):
    ticket, other = (kaimen.login(user, device={"id": name})["token"].encode() for name in "ab")
    lines = list(mutations(ticket, other, 20000, seed=1))

    def share(index):
        line = wire.KeptLine(kaimen.private)
        return [(header, status) for header in lines[index::4] if not 400 <= (status := line.status(verify_request(header))) <= 401]

    assert [one for part in server.parallel(4, share) for one in part] == []
    assert kaimen.verify(ticket.decode()).status == kaimen.verify(other.decode()).status == 204


# Many at once


def checked(line, tickets):
    """The users that pipelined checks name, in order."""
    with socket.create_connection(wire.address(line), timeout=10) as sock:
        sock.sendall(b"".join(verify_request(b"Authorization: Bearer " + ticket) for ticket in tickets))
        received = b""
        while received.count(b"\r\n\r\n") < len(tickets):
            received += sock.recv(65536)
    return [match.decode() for match in re.findall(rb"X-Kaimen-User: ([0-9a-f]+)", received)]


def test_pipelined_checks_name_each_its_own_user(kaimen, user):
    logins = [kaimen.login(f"{user}-{number}") for number in range(10)]
    order = [random.Random(5).randrange(10) for _ in range(200)]
    named = checked(kaimen.private, [logins[index]["token"].encode() for index in order])
    assert named == [logins[index]["user"]["id"] for index in order]


def test_no_answer_names_another_user_while_clients_come_and_go(kaimen, user):
    logins = [kaimen.login(f"{user}-{number}") for number in range(16)]

    def one_client(index):
        chance, login = random.Random(index), logins[index]
        for _ in range(60):
            tickets = [login["token"].encode()] * chance.randint(1, 20)
            if chance.random() < 0.4:  # goes before it has read, or in the middle of a request
                with socket.create_connection(wire.address(kaimen.private)) as sock:
                    sent = b"".join(verify_request(b"Authorization: Bearer " + ticket) for ticket in tickets)
                    sock.sendall(sent[:chance.randint(1, len(sent))])
            else:
                assert checked(kaimen.private, tickets) == [login["user"]["id"]] * len(tickets)

    server.parallel(16, one_client)
    assert kaimen.alive()


# Introspection


def test_introspection_of_a_live_ticket_tells_who(kaimen, user):
    mine = kaimen.control("POST", "/sandbox/login", {"appid": kaimen.app_id, "user": user})
    login = kaimen.post_login(mine["code"]).json()
    answer = kaimen.introspect(login["token"])
    body = answer.json()
    assert answer.status == 200 and body["active"] is True, answer
    assert body["sub"] == login["user"]["id"] and body["sid"] == login["session"]["id"] and body["client_id"] == kaimen.app_id
    assert body["openid"] == mine["openid"] and type(body["registered"]) is bool
    assert type(body["exp"]) is int and type(body["iat"]) is int and body["exp"] - body["iat"] == 7200


@pytest.mark.parametrize("token", ["x", "km1.AAAA", "kmr1.AAAA", "km1." + "A" * 200])
def test_introspection_of_anything_else_says_inactive_and_no_more(kaimen, token):
    answer = kaimen.introspect(token)
    assert answer.status == 200 and answer.json() == {"active": False}


@pytest.mark.parametrize("body", [b"", b"token", b"toke=x", b"token=a&token=b", b"{\"token\":\"x\"}"])
def test_introspection_without_one_token_is_refused(kaimen, body):
    answer = wire.call(kaimen.private, "POST", "/introspect", body=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 400 or answer.json() == {"active": False}, answer


# Each listener serves its own


@pytest.mark.parametrize("method, path", [("GET", "/verify"), ("POST", "/introspect"), ("GET", "/admin/v1/apps"), ("POST", "/admin/v1/apps"), ("GET", "/metrics"),
                                          ("GET", "/readyz"), ("GET", "/openapi.json"), ("GET", "/verify/"), ("GET", "//verify"), ("GET", "/./verify"),
                                          ("GET", "/v1/../verify"), ("GET", "/%76erify"), ("GET", "/VERIFY")])
def test_the_public_listener_serves_nothing_private(kaimen, user, method, path):
    token = kaimen.login(user)["token"]
    answer = wire.call(kaimen.public, method, path, headers=wire.bearer(token))
    assert answer.status in (400, 404, 405) and not any(answer.all(name) for name in IDENTITY), answer
    answer = wire.call(kaimen.public, method, path, headers=wire.bearer(kaimen.admin_key))
    assert answer.status in (400, 401, 404, 405), answer


@pytest.mark.parametrize("method, path", [("POST", "/v1/login"), ("GET", "/v1/session"), ("GET", "/v1/me"), ("DELETE", "/v1/session"), ("POST", "/v1/session/renew")])
def test_the_private_listener_serves_nothing_public(kaimen, user, method, path):
    answer = wire.call(kaimen.private, method, path, headers=wire.bearer(kaimen.login(user)["token"]))
    assert answer.status == 404, answer


@pytest.mark.parametrize("path", ["/verify/", "//verify", "/verify/x", "/./verify", "/x/../verify", "/Verify", "/verify%20", "/verify;x"])
def test_a_path_near_verify_is_not_verify(kaimen, user, path):
    answer = wire.call(kaimen.private, "GET", path, headers=wire.bearer(kaimen.login(user)["token"]))
    assert answer.status in (400, 401, 403, 404) and not any(answer.all(name) for name in IDENTITY), answer

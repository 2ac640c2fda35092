"""The admin API: keys and their scopes, lists, users and what ends their sessions."""
import datetime
import re
import time

import pytest

import server
import wire
from admin_routes import ROUTES

SCOPES = ("verify", "read", "write", "wechat", "admin")


@pytest.fixture(scope="module")
def keys(kaimen):
    """One key of each scope, without a project."""
    return {scope: kaimen.admin("POST", "/keys", json={"name": f"only {scope}", "scopes": [scope]}).json()["key"] for scope in SCOPES}


def disable(kaimen, login, **fields):
    return kaimen.admin("POST", f"/users/{login['user']['id']}/disable", json=fields)


# Keys


def test_a_key_is_shown_once_and_never_again(kaimen):
    made = kaimen.admin("POST", "/keys", json={"name": "once", "scopes": ["read"]})
    key = made.json()["key"]
    assert made.status == 201 and re.fullmatch(r"kmk_[A-Za-z0-9_-]{40,}", key) and made.get("cache-control") == "no-store"
    listed = kaimen.admin("GET", "/keys?limit=200")
    mine = [item for item in listed.json()["items"] if item["id"] == made.json()["id"]][0]
    assert mine["name"] == "once" and mine["scopes"] == ["read"] and key not in listed.body.decode() and key[20:] not in listed.body.decode()


def test_a_revoked_key_opens_nothing(kaimen):
    made = kaimen.admin("POST", "/keys", json={"name": "short-lived", "scopes": ["read"]}).json()
    assert kaimen.admin("GET", "/apps", key=made["key"]).status == 200
    assert kaimen.admin("DELETE", f"/keys/{made['id']}").status == 204
    wire.problem(kaimen.admin("GET", "/apps", key=made["key"]), 401, "unauthenticated")


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"scopes": ["read"]}, {"name": "x", "scopes": ["root"]}, {"name": "x", "scopes": "read"}, {"name": "x", "scopes": [1]},
                                  {"name": "x", "scopes": []}, {"name": 5, "scopes": ["read"]}])
def test_a_key_with_a_bad_field_is_refused(kaimen, body):
    wire.problem(kaimen.admin("POST", "/keys", json=body), 400, "invalid_request")




@pytest.fixture(scope="module")
def somebody(kaimen):
    return kaimen.login("somebody")


def path_of(kaimen, pattern, somebody):
    return pattern.format(app=kaimen.app_id, none="wxnobody0000000001", id="0" * 32, user=somebody["user"]["id"])


@pytest.mark.parametrize("method, pattern, scope", ROUTES)
def test_a_route_opens_for_its_scope_and_for_no_other(kaimen, keys, somebody, method, pattern, scope):
    path, body = path_of(kaimen, pattern, somebody), {} if method in ("POST", "PUT") else None
    for held in SCOPES:
        answer = kaimen.admin(method, path, json=body, key=keys[held])
        if held in (scope, "admin"):
            assert answer.status not in (401, 403), (held, answer)
        elif held == "write" and scope == "read":
            pass  # whether writing includes reading, the contract leaves open
        else:
            wire.problem(answer, 403, "forbidden")


@pytest.mark.parametrize("method, pattern, scope", ROUTES)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer kmk_x"}, {"Authorization": "Bearer "}, {"Authorization": "Basic a21rX3g6"}, {"X-Kaimen-Key": "kmk_x"},
                                     {"Cookie": "kaimen=x"}], ids=["none", "wrong", "empty", "basic", "other header", "cookie"])
def test_a_route_is_shut_without_a_key(kaimen, somebody, method, pattern, scope, headers):
    answer = wire.call(kaimen.private, method, "/admin/v1" + path_of(kaimen, pattern, somebody), json={} if method in ("POST", "PUT") else None, headers=headers)
    wire.problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize("method, pattern, scope", ROUTES)
def test_a_users_ticket_is_no_key(kaimen, somebody, method, pattern, scope):
    wire.problem(kaimen.admin(method, path_of(kaimen, pattern, somebody), json={} if method in ("POST", "PUT") else None, key=somebody["token"]), 401, "unauthenticated")


def test_a_key_given_twice_is_refused(kaimen):
    headers = [("Authorization", f"Bearer {kaimen.admin_key}")] * 2
    assert wire.call(kaimen.private, "GET", "/admin/v1/apps", headers=headers).status in (400, 401)


def test_no_changed_character_of_a_key_passes(kaimen):
    key = kaimen.admin_key
    for index in range(len(key)):
        changed = key[:index] + ("A" if key[index] != "A" else "B") + key[index + 1:]
        assert kaimen.admin("GET", "/apps", key=changed).status == 401, index
    for changed in (key[:-1], key + "A", key[4:], key.upper()):
        assert kaimen.admin("GET", "/apps", key=changed).status == 401, changed


def test_an_admin_key_of_one_project_sees_and_changes_nothing_of_another(own_kaimen):
    one = own_kaimen()
    one.add_app("wxshop000000000001", project="shop")
    login = one.login("someone")
    key = one.admin("POST", "/keys", json={"name": "shop", "scopes": ["admin"], "project": "shop"}).json()["key"]
    assert one.admin("GET", "/apps/wxshop000000000001", key=key).status == 200
    assert [item["app_id"] for item in one.admin("GET", "/apps", key=key).json()["items"]] == ["wxshop000000000001"]
    assert one.app_id not in one.admin("GET", f"/apps?project=default", key=key).body.decode()
    user, session = login["user"]["id"], login["session"]["id"]
    mine = [item["id"] for item in one.admin("GET", "/keys").json()["items"] if item["name"] != "shop"]
    refused = [("GET", f"/apps/{one.app_id}", None), ("PUT", f"/apps/{one.app_id}", {"name": "x"}), ("DELETE", f"/apps/{one.app_id}", None),
               ("POST", f"/apps/{one.app_id}/secret", {"secret": "x"}), ("GET", f"/users/{user}", None), ("POST", f"/users/{user}/disable", {}),
               ("GET", f"/users/{user}/sessions", None), ("DELETE", f"/users/{user}/sessions", None), ("DELETE", f"/sessions/{session}", None),
               ("POST", "/apps", {"project": "default", "app_id": "wxshop000000000002", "secret": "x" * 32}),
               ("POST", "/keys", {"name": "x", "scopes": ["admin"], "project": "default"}), ("POST", "/keys", {"name": "x", "scopes": ["admin"], "project": ""}),
               *[("DELETE", f"/keys/{other}", None) for other in mine]]
    for method, path, body in refused:
        assert one.admin(method, path, json=body, key=key).status in (400, 403, 404), (method, path)
    heirs = one.admin("POST", "/keys", json={"name": "heir", "scopes": ["admin"]}, key=key)
    if heirs.status == 201:
        assert heirs.json()["project"] == "shop", "a bound key made an unbound one"
    assert one.verify(login["token"], "project=default").status == 204
    assert one.admin("GET", f"/apps/{one.app_id}").json()["name"] != "x"


def test_only_an_unbound_admin_chooses_the_upstream(own_kaimen):
    one = own_kaimen()
    key = one.admin("POST", "/keys", json={"name": "d", "scopes": ["admin"], "project": "default"}).json()["key"]
    wire.problem(one.admin("PUT", f"/apps/{one.app_id}", json={"upstream": "wechat"}, key=key), 403, "forbidden")


# Lists


def test_a_list_comes_page_by_page(kaimen):
    wanted = {kaimen.add_app(f"wxpages0000000{number:04d}") for number in range(7)}
    seen, cursor = [], ""
    while True:
        page = kaimen.admin("GET", "/apps?limit=3" + (f"&cursor={cursor}" if cursor else "")).json()
        assert len(page["items"]) <= 3
        seen += [item["app_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert wanted <= set(seen) and len(seen) == len(set(seen))


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=201", "limit=x", "limit=", "limit=1.5", "limit=1e2", "limit=99999999999999999999999", "limit=+5", "limit=%205",
                                   "limit=0x10", "cursor=!!", "cursor=%ff"])
@pytest.mark.parametrize("path", ["/apps", "/keys"])
def test_a_page_that_is_none_is_refused(kaimen, path, query):
    wire.problem(kaimen.admin("GET", f"{path}?{query}"), 400, "invalid_request")


# Users


def test_disabling_a_user_ends_all_their_sessions_at_once(kaimen, user):
    logins = [kaimen.login(user, device={"id": str(number)}) for number in range(10)]
    other = kaimen.login(user + "other")
    assert disable(kaimen, logins[0], message="ask the shop").status == 200
    for login in logins:
        server.assert_reason(kaimen.verify(login["token"]), "disabled")
        assert kaimen.introspect(login["token"]).json() == {"active": False}
        renewal = kaimen.renew(login["renew_token"])
        assert renewal.status in (401, 403) and renewal.json()["reason"] == "disabled", renewal
    assert kaimen.verify(other["token"]).status == 204


def test_a_disabled_user_is_told_why_and_until_when(kaimen, user):
    login = kaimen.login(user)
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert disable(kaimen, login, until=until, message="请联系店家").status == 200
    error = wire.problem(kaimen.post_login(kaimen.code(user)), 403, "forbidden", "disabled")
    assert error["message"] == "请联系店家" and error["until"][:19] == until[:19]


def test_a_user_who_is_enabled_again_logs_in_but_old_tickets_stay_dead(kaimen, user):
    login = kaimen.login(user)
    disable(kaimen, login)
    assert kaimen.admin("POST", f"/users/{login['user']['id']}/enable", json={}).status == 200
    assert kaimen.login(user)["user"]["id"] == login["user"]["id"]
    assert kaimen.verify(login["token"]).status == 401


def test_no_login_slips_past_a_disabling(kaimen, user):
    login = kaimen.login(user)
    codes = [kaimen.code(user) for _ in range(20)]

    def act(index):
        return disable(kaimen, login) if index == 20 else kaimen.post_login(codes[index], device={"id": str(index)})

    answers = server.parallel(21, act)[:20]
    tickets = [answer.json()["token"] for answer in answers if answer.status == 200]
    assert {kaimen.verify(ticket).status for ticket in tickets} <= {401}


def test_a_thousand_sessions_end_within_a_second(kaimen, user):
    app = kaimen.add_app("wxthousand00000001", settings={"max_per_user": 0})
    kaimen.control("POST", "/sandbox/apps", {"appid": app, "logins_per_minute": 100000})
    codes = [kaimen.code(user, app) for _ in range(1000)]
    parts = server.parallel(8, lambda part: [kaimen.post_login(code, app_id=app, device={"id": code}).json() for code in codes[part::8]])
    logins = [login for part in parts for login in part]
    assert len({login["session"]["id"] for login in logins}) == len({login["token"] for login in logins}) == 1000
    before = time.monotonic()
    assert disable(kaimen, logins[0]).status == 200
    assert time.monotonic() - before < 2  # a second, and one for a sanitized binary on a loaded machine
    line = wire.KeptLine(kaimen.private)
    passed = [login for login in logins if line.status(f"GET /verify HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {login['token']}\r\n\r\n".encode()) != 401]
    assert passed == []


@pytest.mark.parametrize("body", [{"until": "tomorrow"}, {"until": 5}, {"until": "2026-13-01T00:00:00Z"}, {"until": "99999-01-01T00:00:00Z"}, {"message": 5}, {"message": "x" * 60000}])
def test_a_disabling_with_a_bad_field_is_refused_and_does_nothing(kaimen, user, body):
    login = kaimen.login(user)
    wire.problem(disable(kaimen, login, **body), 400, "invalid_request")
    assert kaimen.verify(login["token"]).status == 204


def test_the_operator_sees_and_ends_a_users_sessions(kaimen, user):
    logins = [kaimen.login(user, device={"id": str(number)}) for number in range(3)]
    path = f"/users/{logins[0]['user']['id']}/sessions"
    assert {item["id"] for item in kaimen.admin("GET", path).json()["items"]} == {login["session"]["id"] for login in logins}
    assert kaimen.admin("DELETE", path).status == 204
    for login in logins:
        server.assert_reason(kaimen.verify(login["token"]), "revoked")


def test_ending_a_users_sessions_of_one_app_leaves_the_other_apps(kaimen, user):
    kaimen.control("POST", "/sandbox/apps", {"appid": "wxjoined0000000001", "secret": "s" * 32, "open_platform": "op"})
    kaimen.control("POST", "/sandbox/apps", {"appid": "wxjoined0000000002", "secret": "s" * 32, "open_platform": "op"})
    for app in ("wxjoined0000000001", "wxjoined0000000002"):
        assert kaimen.admin("POST", "/apps", json={"app_id": app, "secret": "s" * 32}).status == 201
    one, two = kaimen.login(user, "wxjoined0000000001"), kaimen.login(user, "wxjoined0000000002")
    assert one["user"]["id"] == two["user"]["id"]  # one person, by unionid
    assert kaimen.admin("DELETE", f"/users/{one['user']['id']}/sessions?app_id=wxjoined0000000001").status == 204
    assert kaimen.verify(one["token"]).status == 401 and kaimen.verify(two["token"]).status == 204


@pytest.mark.parametrize("path", ["/users/" + "0" * 32, "/users/x", "/users/" + "0" * 33, "/users/" + "A" * 32, "/users/%2e%2e", "/users/" + "0" * 32 + "/sessions"])
def test_a_user_who_is_none_is_not_found(kaimen, path):
    answer = kaimen.admin("GET", path)
    wire.problem(answer, answer.status, "not_found" if answer.status == 404 else "invalid_request")


def test_a_user_who_is_disabled_for_a_while_comes_back_by_themselves(kaimen, user):
    login = kaimen.login(user)
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert disable(kaimen, login, until=until).status == 200
    wire.problem(kaimen.post_login(kaimen.code(user)), 403, "forbidden", "disabled")
    time.sleep(3.2)
    again = kaimen.login(user)
    assert kaimen.verify(again["token"]).status == 204
    assert kaimen.verify(login["token"]).status == 401  # what was ended stays ended
